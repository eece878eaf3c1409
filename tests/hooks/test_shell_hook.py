"""milepost-hook.sh as it runs: its posts, its signatures, its messages."""

import base64
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from hooks import sources, summary
from tests.support import ROOT
from tests.support.ci_variables import GITHUB
from tests.support.listeners import Listener
from tests.support.senders import BEARER, OTHER_SECRET, SECRET
from tests.support.shell_hook import NUMBER, SH, posted, run

KEYS = [bytes(range(start, start + 64)) for start in range(0, 256, 64)]


@pytest.mark.parametrize("key", [*KEYS, b"\0" * 24, b"%" * 25, b"\\" * 32], ids=bytes.hex)
@pytest.mark.parametrize("shell", ["sh", "bash", "bash --posix"])
def test_any_key_signs(listener: Listener, key: bytes, shell: str):
    secret = f"whsec_{base64.b64encode(key).decode()}"
    post = posted(listener, "stage", "Harden", shell=shell, MILEPOST_SECRET=secret)
    Webhook(secret).verify(post.body, post.headers)


def test_first_secret_signs_and_needs_no_padding(listener: Listener):
    secrets = f"{SECRET.rstrip('=')}\n{OTHER_SECRET}"
    post = posted(listener, "stage", "Härten", MILEPOST_SECRET=secrets)
    Webhook(SECRET).verify(post.body, post.headers)


def test_bearer_secret_is_sent_in_the_header(listener: Listener):
    post = posted(listener, "stage", "Harden", MILEPOST_SECRET=BEARER)
    assert post.headers["authorization"] == "Bearer " + BEARER.removeprefix("bearer:")
    assert "webhook-signature" not in post.headers


@pytest.mark.parametrize("secret", [SECRET, BEARER], ids=["whsec", "bearer"])
def test_no_process_has_the_secret_in_its_arguments(
    listener: Listener, tmp_path: Path, secret: str
):
    for name in ("curl", "openssl", "od", "tr", "sed", "head", "date", "cat"):
        spy = tmp_path / name
        real = shutil.which(name, path="/usr/bin:/bin")
        spy.write_text(
            f'#!/bin/sh\nprintf "%s\\n" "{name} $*" >>"{tmp_path}/seen"\nexec {real} "$@"'
        )
        spy.chmod(0o755)
    posted(listener, "stage", "Harden", MILEPOST_SECRET=secret, PATH=f"{tmp_path}:/usr/bin:/bin")
    seen = (tmp_path / "seen").read_text()
    assert {"curl", "openssl"} <= {line.split()[0] for line in seen.splitlines() if line}
    key = SECRET.removeprefix("whsec_")
    for hidden in (key, base64.b64decode(key).hex(), BEARER.removeprefix("bearer:")):
        assert hidden not in seen


@pytest.mark.parametrize(
    "name",
    [
        'Quote " and \\ back\\slash',
        "%s %n $HOME `id` $(id)",
        "-n",
        "é ☃ 𝄞",
        "a/b & c | d; e",
        "\\n",
    ],
)
@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_name_arrives_unchanged(listener: Listener, name: str, shell: str):
    post = posted(listener, "stage", name, shell=shell, MILEPOST_PROJECT=name)
    assert post.document["events"][0]["stage"] == name
    assert post.document["build"]["project"] == name


def test_control_characters_become_blanks(listener: Listener):
    control = "".join(map(chr, range(1, 32)))
    post = posted(listener, "stage", f"a{control}b")
    assert post.document["events"][0]["stage"] == f"a{' ' * 31}b"


@pytest.mark.parametrize(
    ("arguments", "event"),
    [
        (["stage", "x"], {"kind": "stage", "stage": "x", "status": "started"}),
        (["stage", "x", "0"], {"kind": "stage", "stage": "x", "status": "started", "state": 0}),
        (["stage", "x", "--state", "100"], {"state": 100}),
        (["done", "success"], {"kind": "build", "status": "completed"}),
        (
            ["done", "--status", "UNSTABLE"],
            {
                "kind": "build",
                "status": "completed",
                "failure": {"type": "build", "message": "The CI's own word: unstable"},
            },
        ),
        (["done", "--status", "failed"], {"kind": "build", "status": "failed"}),
        (["done", "ABORTED"], {"kind": "build", "status": "cancelled"}),
        (["done", "canceled"], {"kind": "build", "status": "cancelled"}),
    ],
)
def test_each_command_sends_one_event(
    listener: Listener, arguments: list[str], event: dict[str, Any]
):
    post = posted(listener, *arguments)
    assert post.path == "/webhooks/milepost"
    assert event.items() <= post.document["events"][0].items()


def test_manifest_is_sent_unchanged(listener: Listener, tmp_path: Path):
    manifest = {"builds": [{"name": 'a"b\\', "files": None}], "last_run_uuid": "u"}
    (tmp_path / "m.json").write_text(json.dumps(manifest, indent=2) + "\n")
    post = posted(listener, "manifest", str(tmp_path / "m.json"))
    assert (post.document["manifest"], post.document["events"]) == (manifest, [])
    Webhook(SECRET).verify(post.body, post.headers)


def test_large_manifest_is_sent(listener: Listener, tmp_path: Path):
    (tmp_path / "m.json").write_text(json.dumps({"builds": [{}], "x": "y" * 1_000_000}))
    post = posted(listener, "manifest", str(tmp_path / "m.json"))
    Webhook(SECRET).verify(post.body, post.headers)


def test_url_may_name_the_sender(listener: Listener):
    url = f"{listener.url}/webhooks/milepost/team-a"
    assert posted(listener, "stage", "x", MILEPOST_URL=url).path == "/webhooks/milepost/team-a"
    assert posted(listener, "stage", "x", MILEPOST_URL=f"{listener.url}/").path[-9:] == "/milepost"


def test_every_try_has_the_same_id(listener: Listener):
    listener.statuses = [503, 202]
    posted(listener, "stage", "x")
    assert len(listener.posts) == 2
    assert len({post.headers["webhook-id"] for post in listener.posts}) == 1


@pytest.mark.parametrize("status", [301, 401, 422])
def test_refusal_is_one_line_and_exit_0_unless_strict(listener: Listener, status: int):
    listener.statuses = [status]
    done = run(listener, "stage", "x", **NUMBER)
    lines = done.stderr.splitlines()
    assert (done.returncode, len(lines), len(listener.posts)) == (0, 1, 1)
    assert lines[0].startswith("milepost: not reported: ")
    assert f"status {status}" in lines[0]
    assert run(listener, "stage", "x", **NUMBER, MILEPOST_STRICT="1").returncode == 1


def test_unreachable_receiver_is_one_line_and_exit_0(listener: Listener):
    done = run(listener, "stage", "x", **NUMBER, MILEPOST_URL="http://127.0.0.1:1")
    assert (done.returncode, done.stderr.count("\n")) == (0, 1)
    assert "no answer" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "settings", "line"),
    [
        (["stage", "x"], {}, "set MILEPOST_BUILD_NUMBER\n"),
        (["stage", "x"], {**NUMBER, "MILEPOST_SECRET": ""}, "set MILEPOST_SECRET\n"),
        (["stage", "x"], {"MILEPOST_URL": ""}, "set MILEPOST_URL MILEPOST_BUILD_NUMBER"),
        (
            ["stage", "x"],
            {**NUMBER, "MILEPOST_SECRET": "hunter2"},
            "MILEPOST_SECRET must be whsec_",
        ),
        (["stage"], NUMBER, "usage: "),
        (["stage", "x", "101"], NUMBER, "usage: "),
        (["stage", "x", "025"], NUMBER, "usage: "),
        (["stage", "x", "--state", "high"], NUMBER, "usage: "),
        (["done", "what"], NUMBER, "usage: "),
        (["party"], NUMBER, "usage: "),
        ([], NUMBER, "usage: "),
        (["manifest", "/nowhere/m.json"], NUMBER, "/nowhere/m.json holds no manifest"),
    ],
)
def test_mistake_is_one_line_and_exit_0_unless_strict(
    listener: Listener, arguments: list[str], settings: dict[str, str], line: str
):
    done = run(listener, *arguments, **settings)
    assert (done.returncode, done.stderr.count("\n"), listener.posts) == (0, 1, [])
    assert line in done.stderr
    assert "hunter2" not in done.stderr
    assert run(listener, *arguments, **settings, MILEPOST_STRICT="1").returncode == 1


def test_stage_under_the_wrapper_is_a_marker(listener: Listener):
    wrapped = {"MILEPOST_WRAPPED": "1"}
    marks = run(listener, "stage", "Harden \n OS", "--state", "25", **wrapped).stdout
    marks += run(listener, "stage", "Harden", **wrapped).stdout
    assert marks == "milepost: stage 25 Harden OS\nmilepost: stage - Harden\n"
    assert listener.posts == []


def test_done_writes_the_verdict_and_the_link_where_a_summary_is_asked_for(
    listener: Listener, tmp_path: Path
):
    asked = {
        "GITHUB_STEP_SUMMARY": str(tmp_path / "step.md"),
        "MILEPOST_SUMMARY": str(tmp_path / "line"),
    }
    url = listener.url.replace("://", "://ada:hunter2@")
    posted(listener, "done", "failed", MILEPOST_URL=url, **asked)
    link = f"{listener.url}/builds/b-1"
    lines = (tmp_path / "step.md").read_text().splitlines()
    assert lines == ["### ✗ b\\-1: failed", "", f"[b\\-1 in Milepost](<{link}>)"]
    assert (tmp_path / "line").read_text() == f"b-1: failed, {link}\n"
    posted(listener, "stage", "Harden", **asked)
    posted(listener, "done", "success", GITHUB_STEP_SUMMARY=f"{tmp_path}/none/step.md")
    assert (tmp_path / "step.md").read_text().count("###") == 1


def test_done_adds_its_link_to_the_report_of_gitlab(listener: Listener, tmp_path: Path):
    path = tmp_path / "milepost-links.json"
    asked = {"MILEPOST_ANNOTATIONS": str(path)}
    summary.write([summary.Build('odd "1"', "completed", f"{listener.url}/builds/0")], asked)
    for number in ("b-1", "b-2", "b-2"):
        posted(listener, "done", "failed", MILEPOST_BUILD_NUMBER=number, **asked)
    links = [each["external_link"] for each in json.loads(path.read_text())["Milepost"]]
    assert links[1:] == [
        {"label": f"{number}: failed", "url": f"{listener.url}/builds/{number}"}
        for number in ("b-1", "b-2")
    ]
    assert links[0]["label"].startswith("odd")
    path.write_text("no JSON")
    posted(listener, "done", "success", **asked)
    assert [*json.loads(path.read_text())] == ["Milepost"]


def test_file_is_executable_and_at_most_200_lines_long():
    assert len(SH.read_text().splitlines()) <= 200
    assert os.access(SH, os.X_OK)


def test_shellcheck_finds_nothing_in_any_script():
    assert shutil.which("shellcheck"), "install Debian's package shellcheck"
    scripts = [*(ROOT / "hooks").rglob("*.sh"), ROOT / "tests" / "support" / "system-packages.sh"]
    command = ["shellcheck", "-x", "-P", str(ROOT), *map(str, scripts)]
    done = subprocess.run(command, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout


def test_end_of_a_job_prints_the_builds_address(listener: Listener):
    done = run(listener, "done", "success", **GITHUB)
    line = f"milepost: {listener.url}/builds/acme.images-500-image\n"
    assert (done.returncode, done.stdout, done.stderr) == (0, line, "")


@pytest.mark.parametrize(
    "said",
    [
        "us-east-1:ami-1",
        " us-east-1:ami-0abc1234 , eu-west-1:ami-2",
        "my-image:v2",
        'odd "name"',
        "https://me:secret@example.com/base.vhd?sig=secret",
    ],
)
def test_sources_are_read_as_the_other_hook_reads_them(listener: Listener, said: str):
    post = posted(listener, "stage", "Harden", MILEPOST_SOURCE=said)
    assert post.document["sources"] == sources.listed([said])


def test_without_a_source_there_is_no_field(listener: Listener):
    assert "sources" not in posted(listener, "stage", "Harden", MILEPOST_SOURCE=" ,").document


@pytest.mark.parametrize("streams", [">&-", "2>&-", ">/dev/full", "2>&1 | (exec <&-; sleep 0.1)"])
@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_streams_cost_no_exit_code(listener: Listener, streams: str, shell: str):
    commands = ["done success", "stage", "nonsense"]
    line = "; ".join(f"{shell} {SH} {command} {streams} || exit 9" for command in commands)
    command = ["bash", "-c", f"set -o pipefail; {line}"]
    own = {"PATH": "/usr/bin:/bin", "MILEPOST_URL": listener.url, "MILEPOST_SECRET": SECRET}
    env = {**own, **GITHUB}
    assert subprocess.run(command, env=env, capture_output=True, check=False).returncode == 0
    assert [post.document["events"][0]["kind"] for post in listener.posts] == ["build"]
