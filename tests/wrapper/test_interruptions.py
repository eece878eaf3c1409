"""The wrapper where something is cut off: Packer, itself, or the way to the receiver."""

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.support.listeners import listening
from tests.support.packers import WRAPPED, packer, receiver, script, settings, template, wrapped
from tests.support.receivers import Running
from tests.support.senders import SECRET

__all__ = ["receiver"]  # the fixture

Ends = Callable[[subprocess.Popen[str]], None]
ENDS: dict[str, tuple[bool, Ends]] = {
    "INT to the process": (False, lambda run: run.send_signal(signal.SIGINT)),
    "TERM to the process": (False, lambda run: run.send_signal(signal.SIGTERM)),
    "INT to the group": (False, lambda run: os.killpg(run.pid, signal.SIGINT)),
    "TERM to the group": (False, lambda run: os.killpg(run.pid, signal.SIGTERM)),
    "HUP to the group": (False, lambda run: os.killpg(run.pid, signal.SIGHUP)),
    "TERM to the shell": (True, lambda run: run.send_signal(signal.SIGTERM)),
}


def cut(folder: Path, receiver: Running, number: str, in_shell: bool, end: Ends) -> int | None:
    """Start a build that would not end, end it so, and give its exit code."""
    template(folder, script(f"touch {folder}/began; exec sleep 300"))
    command = [WRAPPED, "packer", "build", "-color=false", "t.json"]
    shell = ["bash", "-c", f"{' '.join(command)}; true"] if in_shell else command
    run = subprocess.Popen(
        # As a CI's runner would start it, however these tests were: nohup hides SIGHUP from both.
        ["env", "--default-signal=HUP,INT", *shell],
        cwd=folder,
        env=settings(folder, receiver, MILEPOST_BUILD_NUMBER=number),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        text=True,
    )
    until(lambda: (folder / "began").exists() and number_of_states(receiver, number) > 0)
    end(run)
    run.communicate(timeout=30)
    return run.returncode


def number_of_states(receiver: Running, number: str) -> int:
    return len(receiver.build(f"{number}-box").get("states", []))


def until(holds: Callable[[], bool]) -> None:
    for _ in range(300):
        if holds():
            return
        time.sleep(0.1)
    raise AssertionError("it does not happen")


def left(folder: Path) -> list[str]:
    """The processes that work in this folder."""
    found = []
    for process in psutil.process_iter(["cwd", "cmdline"]):
        if process.info["cwd"] == str(folder):
            found.append(" ".join(process.info["cmdline"] or []))
    return found


@pytest.mark.parametrize("how", ENDS)
def test_a_cancel_ends_packer_cleanly_and_leaves_nothing(
    receiver: Running, tmp_path: Path, how: str
):
    number = re.sub(r"\W", "-", how)
    code = cut(tmp_path, receiver, number, *ENDS[how])
    # Packer 1.6.6 whose whole group is interrupted says "Cleanly cancelled" and exits with 1, but
    # with 0 in one run of eight, when the script dies of the signal first; so it does by itself.
    codes = {1, 0} if "group" in how else {1}
    assert code in ({-signal.SIGTERM} if ENDS[how][0] else codes)
    until(lambda: receiver.build(f"{number}-box")["status"] == "cancelled")
    until(lambda: not left(tmp_path))


def test_a_killed_packer_is_told_and_leaves_nothing(receiver: Running, tmp_path: Path):
    def kill_packer(run: subprocess.Popen[str]) -> None:
        psutil.Process(run.pid).children()[0].kill()

    assert cut(tmp_path, receiver, "killed", False, kill_packer) == 137
    build = receiver.build("killed-box")
    assert [each["failure_type"] for each in build["failures"]] == ["killed"]
    assert left(tmp_path) == []


def test_a_killed_wrapper_tells_nothing_and_packer_ends_by_itself(
    receiver: Running, tmp_path: Path
):
    assert cut(tmp_path, receiver, "cut", False, lambda run: run.kill()) == -signal.SIGKILL
    until(lambda: not [line for line in left(tmp_path) if "packer build" in line])
    for process in psutil.process_iter(["cwd"]):
        if process.info["cwd"] == str(tmp_path):
            process.kill()
    assert receiver.build("cut-box")["status"] == "running"


@pytest.mark.parametrize(
    "wrong", [{"MILEPOST_URL": "http://127.0.0.1:1"}, {"MILEPOST_SECRET": "whsec_AAAA"}]
)
def test_no_receiver_does_no_harm(receiver: Running, tmp_path: Path, wrong: dict[str, str]):
    template(tmp_path, script("true"))
    done = wrapped(tmp_path, receiver=receiver, **wrong)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("milepost: not reported") == 1


def test_what_a_receiver_missed_comes_later_in_order(tmp_path: Path):
    template(tmp_path, script("echo 'milepost: stage 25 Security baseline'"))
    with listening() as listener:
        listener.statuses = [503]
        known = Running(listener.url, {"milepost": SECRET}, None, {})  # type: ignore[arg-type]
        done = wrapped(tmp_path, receiver=known, MILEPOST_BUILD_NUMBER="later")
        assert done.returncode == 0, done.stdout
        listener.statuses, listener.posts = [202], []
        flushed = packer(tmp_path, WRAPPED, "flush", receiver=known)
        assert flushed.returncode == 0, flushed.stdout
        documents = [post.document for post in listener.posts]
    assert {document["build"]["number"] for document in documents} == {"later-box"}
    events = [each for document in documents for each in document["events"]]
    names = [each.get("stage") or each["kind"] for each in events if each["kind"] != "heartbeat"]
    assert names == ["Machine starting", "Security baseline", "build", "artifact"]


def test_a_receiver_that_never_answers_does_no_harm(receiver: Running, tmp_path: Path):
    template(tmp_path, script("true"))
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        done = wrapped(tmp_path, receiver=receiver, MILEPOST_URL=url)
    assert done.returncode == 0, done.stdout
    assert "milepost: not reported" in done.stdout
