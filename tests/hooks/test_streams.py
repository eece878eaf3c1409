"""Streams, homes and disks that hinder a hook: it exits with 0, and prints what it may."""

import subprocess
import sys
from multiprocessing.pool import ThreadPool
from pathlib import Path

import pytest

from receiver.web.hook_file import FILE
from tests.support.listeners import Listener
from tests.support.spools import NO_RECEIVER, hook, settings, stages

HOOK = f"'{sys.executable}' -I -S '{FILE}'"
COMMANDS = ["stage x", "fail x", "done --status success", "resume", "check", "flush", "--version"]
STREAMS = {
    "closed": "<&- >&- 2>&-",
    "stdout": ">&-",
    "stderr": "2>&-",
    "full": ">/dev/full 2>/dev/full",
    "pipe": "2>&1 | true",
}


def shell(line: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = ["bash", "-c", f"set -o pipefail; {line}"]
    return subprocess.run(command, env=env, text=True, capture_output=True, check=False)


@pytest.mark.parametrize("url", ["here", NO_RECEIVER])
@pytest.mark.parametrize("streams", STREAMS.values(), ids=STREAMS)
def test_streams_cost_no_exit_code(spool_folder: Path, listener: Listener, streams: str, url: str):
    env = settings(spool_folder, listener.url if url == "here" else url)
    with ThreadPool(1 if url == "here" else len(COMMANDS)) as pool:  # without one each waits
        calls = pool.map(lambda command: shell(f"{HOOK} {command} {streams}", env), COMMANDS)
    assert [done.returncode for done in calls] == [0] * len(COMMANDS)
    said = "".join(done.stderr for done in calls).splitlines()
    assert all(line.startswith("milepost: ") for line in said)
    if url == "here":
        assert len(stages_of(listener)) == 3


def stages_of(listener: Listener) -> list[str]:
    kinds = [post.document["events"][0]["kind"] for post in listener.posts]
    return [kind for kind in kinds if kind != "heartbeat"]


@pytest.mark.parametrize("streams", ["2>&-", "2>/dev/full", "<&- 2>&-"])
def test_resume_prints_its_number_alone(spool_folder: Path, streams: str):
    done = shell(f"{HOOK} resume {streams}", settings(spool_folder, NO_RECEIVER))
    assert (done.returncode, done.stdout) == (0, "0\n")


@pytest.mark.parametrize("home", ["", "/proc/nowhere", "/dev/null"])
def test_home_that_cannot_be_used_costs_no_report(listener: Listener, tmp_path: Path, home: str):
    env = settings(tmp_path, listener.url, TMPDIR=str(tmp_path))
    del env["MILEPOST_SPOOL_DIR"]
    if home:
        env["HOME"] = home
    done = shell(f"{HOOK} stage x", env)
    assert (done.returncode, done.stderr) == (0, "")
    assert stages(listener) == ["x"]


def test_long_and_unreadable_variables_cost_no_report(spool_folder: Path, listener: Listener):
    names = ("PROJECT", "PLATFORM", "OS_VERSION", "IMAGE_TYPE", "RUN_KEY", "PIPELINE")
    more = {f"MILEPOST_{name}": "\udce9é" + "x" * 65_000 for name in names}
    done = shell(f"{HOOK} stage x", settings(spool_folder, listener.url, **more))
    assert (done.returncode, done.stderr) == (0, "")
    run = listener.posts[0].document["run"]
    assert {len(run["key"]), len(run["pipeline"])} == {483}
    assert run["key"].startswith("?éxxx")


def test_terminal_without_utf_8_gets_replacements(spool_folder: Path, listener: Listener):
    env = settings(spool_folder, listener.url, PYTHONIOENCODING="latin-1", MILEPOST_PROJECT="構")
    done = hook(env, "check")
    assert done.returncode == 0
    assert "\\u69cb" in done.stdout
    assert "The receiver accepted" in done.stdout
