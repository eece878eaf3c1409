"""What the hook writes where a CI shows a summary: GitHub's file, GitLab's report, a text."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from hooks import summary
from hooks.summary import Build, Stage
from tests.support.packers import HOOK, script, template, wrapped
from tests.support.receivers import Running
from tests.support.senders import Json

URL = "https://milepost.example.com/builds/core-1"
FAILED = Build(
    "core-1",
    "failed",
    URL,
    25,
    "no route to host | `x` <b> [a](javascript:1)\nsecond line",
    [Stage("Base configuration", "completed", 15, 130), Stage("Security|x", "failed", 25, 40)],
    ["ami-0abc (eu-central-1)"],
)


def run(receiver: Running, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    known = {
        "PATH": os.environ["PATH"],
        "MILEPOST_URL": receiver.url,
        "MILEPOST_SECRET": receiver.secrets["milepost"],
        "MILEPOST_BUILD_NUMBER": "sum-1",
    }
    command = [HOOK, *arguments]
    return subprocess.run(
        command, env={**known, **env}, text=True, capture_output=True, check=False
    )


def test_markdown_says_build_state_stages_artifacts_and_link():
    lines = summary.markdown([FAILED]).splitlines()
    assert lines[0] == "### ✗ core\\-1: failed at 25"
    assert "| ✓ Base configuration | 15 | 2 min 10 s |" in lines
    assert "| ✗ Security\\|x | 25 | 40 s |" in lines
    assert "Artifacts: ami\\-0abc \\(eu\\-central\\-1\\)" in lines
    assert f"[core\\-1 in Milepost](<{URL}>)" in lines


def test_what_a_sender_wrote_is_no_markup():
    text = summary.markdown([FAILED])
    assert "no route to host \\| \\`x\\` &lt;b&gt; \\[a\\]\\(javascript\\:1\\)" in text
    assert "<b>" not in text
    assert "second line" in text.splitlines()[2], "a text of several lines is one"


def test_markdown_is_bounded():
    many = [FAILED._replace(stages=[Stage("x" * 1000, "completed", 5, 1)] * 500)] * 500
    text = summary.markdown(many)
    assert len(text.encode()) < summary.MAX_BYTES + 100
    assert "… and 440 more" in text
    assert text.endswith("… and more builds.\n")


def test_file_that_would_grow_too_large_is_left_alone(tmp_path: Path):
    path = tmp_path / "summary.md"
    path.write_bytes(b"x" * (summary.STEP_BYTES - 10))
    summary.write([FAILED], {"GITHUB_STEP_SUMMARY": str(path)})
    assert path.stat().st_size == summary.STEP_BYTES - 10


def test_events_become_stages_with_their_times():
    events: list[Json] = [
        {
            "kind": "stage",
            "stage": "a",
            "status": "started",
            "state": 5,
            "at": "2026-01-01T10:00:00Z",
        },
        {"kind": "stage", "stage": "b", "status": "started", "at": "2026-01-01T10:00:30Z"},
        {
            "kind": "stage",
            "status": "failed",
            "at": "2026-01-01T10:02:00Z",
            "failure": {"message": "disk is full"},
        },
        {"kind": "build", "status": "failed", "at": "2026-01-01T10:02:01Z"},
    ]
    build = summary.of_events("core-1", URL, events, None)
    assert build.stages == [Stage("a", "completed", 5, 30), Stage("b", "failed", None, 90)]
    assert (build.status, build.state, build.cause) == ("failed", 5, "disk is full")


def test_done_writes_what_the_receiver_knows(receiver: Running, tmp_path: Path):
    path, text, links = (tmp_path / name for name in ("step.md", "text", "links.json"))
    env = {"HOME": str(tmp_path), "MILEPOST_BUILD_NUMBER": "sum-2"}
    run(receiver, "stage", "Base configuration", **env)
    run(receiver, "stage", "Security baseline", **env)
    run(receiver, "fail", "no route to host", **env)
    done = run(
        receiver,
        *("done", "--status", "failure"),
        GITHUB_STEP_SUMMARY=str(path),
        MILEPOST_SUMMARY=str(text),
        MILEPOST_ANNOTATIONS=str(links),
        **env,
    )
    assert done.returncode == 0, done.stderr
    lines = path.read_text().splitlines()
    assert lines[0] == "### ✗ sum\\-2: failed at 25"
    assert "no route to host" in lines
    assert any(line.startswith("| ✗ Security baseline | 25 |") for line in lines)
    url = f"{receiver.url}/builds/sum-2"
    assert text.read_text() == f"sum-2: failed at 25, {url}\n"
    assert json.loads(links.read_text()) == {
        "Milepost": [{"external_link": {"label": "sum-2: failed", "url": url}}]
    }


@pytest.mark.parametrize("path", ["/proc/none/summary.md", "{folder}", "{folder}/\udcff/none"])
def test_a_file_that_cannot_be_written_breaks_nothing(path: str, receiver: Running, tmp_path: Path):
    where = path.format(folder=tmp_path)
    names = ("GITHUB_STEP_SUMMARY", "MILEPOST_SUMMARY", "MILEPOST_ANNOTATIONS")
    env = {"HOME": str(tmp_path), **dict.fromkeys(names, where)}
    done = run(receiver, "done", "--status", "success", **env)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_receiver_that_is_away_leaves_the_verdict_and_the_link(receiver: Running, tmp_path: Path):
    path = tmp_path / "step.md"
    env = {"HOME": str(tmp_path), "MILEPOST_URL": "http://127.0.0.1:9", "MILEPOST_STRICT": ""}
    done = run(receiver, "done", "--status", "success", GITHUB_STEP_SUMMARY=str(path), **env)
    assert done.returncode == 0
    assert path.read_text().splitlines()[0] == "### ✓ sum\\-1: completed"


def test_wrapper_writes_each_target(receiver: Running, tmp_path: Path):
    template(tmp_path, script("echo hi"))
    path = tmp_path / "step.md"
    env = {"GITHUB_STEP_SUMMARY": str(path), "MILEPOST_BUILD_NUMBER": "sum-3"}
    done = wrapped(tmp_path, receiver=receiver, **env)
    assert done.returncode == 0, done.stdout
    lines = path.read_text().splitlines()
    assert lines[0] == "### ✓ sum\\-3\\-box: completed"
    assert "| stage | state | took |" in lines
    assert lines[-1] == f"[sum\\-3\\-box in Milepost](<{receiver.url}/builds/sum-3-box>)"
