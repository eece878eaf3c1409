"""What a hook keeps while nobody takes it: nothing is lost, overtaken, doubled or in the way."""

import fcntl
import json
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from hooks.client import Deadline
from hooks.errors import HookError
from hooks.outbox import deliver
from hooks.spool import Spool
from tests.support.listeners import Listener, listening
from tests.support.receivers import free_port
from tests.support.senders import OTHER_SECRET, envelope, stage
from tests.support.spools import (
    HOOK,
    NOBODY,
    clock,
    folder,
    hook,
    keep,
    kept,
    listener,
    settings,
    stages,
)

__all__ = ["folder", "listener"]  # fixtures


def test_after_a_failure_a_hook_only_spools_for_a_minute(folder: Path):
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    keep(folder, "one", url=url)
    with listening(port) as listener:
        env = settings(folder, url)
        with pytest.raises(HookError, match="a moment ago; 2 in the spool"):
            deliver(envelope(stage("two")), env, Deadline(clock=clock(later=55)))
        assert listener.posts == []
        deliver(envelope(stage("three")), env, Deadline(clock=clock(later=65)))
        assert stages(listener) == ["one", "two", "three"]
        deliver(envelope(stage("four")), env)
        assert stages(listener)[3:] == ["four"]
    assert kept(folder) == []


def test_one_id_over_all_tries_and_a_signature_of_the_last(folder: Path, listener: Listener):
    listener.statuses = [501, 202]
    keep(folder, "one", url=listener.url)
    deliver(
        envelope(stage("two")),
        settings(folder, listener.url, MILEPOST_SECRET=OTHER_SECRET),
        Deadline(clock=clock(later=100)),
    )
    first, again, other = (post.headers for post in listener.posts)
    assert first["webhook-id"] == again["webhook-id"] != other["webhook-id"]
    assert first["webhook-signature"] != again["webhook-signature"]
    assert int(again["webhook-timestamp"]) >= int(first["webhook-timestamp"]) + 99
    assert listener.posts[0].body == listener.posts[1].body


def test_what_is_refused_for_good_is_set_aside_and_blocks_nothing(
    folder: Path, listener: Listener, capsys: pytest.CaptureFixture[str]
):
    listener.statuses = [501, 422, 202]
    keep(folder, "bad", url=listener.url)
    env = settings(folder, listener.url)
    deliver(envelope(stage("good")), env, Deadline(clock=clock(later=100)))
    assert stages(listener) == ["bad", "bad", "good"]
    assert kept(folder) == []
    assert [json.loads(path.read_bytes()) for path in (folder / "refused").iterdir()]
    assert capsys.readouterr().err == (
        f"milepost: the receiver refused 1, moved to {folder / 'refused'}\n"
    )
    listener.statuses = [422]
    with pytest.raises(HookError, match="not reported: the receiver answers 422"):
        deliver(envelope(stage("worse")), env)


@pytest.mark.parametrize("status", [301, 408, 429, 500, 503, 505])
def test_what_is_not_refused_for_good_is_kept(folder: Path, listener: Listener, status: int):
    listener.statuses = [status]
    keep(folder, "one", url=listener.url)
    assert len(kept(folder)) == 1


def test_an_envelope_waits_for_the_address_it_was_meant_for(folder: Path, listener: Listener):
    keep(folder, "one", url=f"{NOBODY}/webhooks/milepost/team-a")
    deliver(envelope(stage("two")), settings(folder, listener.url))
    assert stages(listener) == ["two"]
    assert len(kept(folder)) == 1


def test_flush_sends_all_at_once_to_the_present_address(folder: Path, listener: Listener):
    keep(folder, "one", "two", "three")
    listener.statuses = [202, 422, 202]
    done = hook(settings(folder, listener.url), "flush")
    assert stages(listener) == ["one", "two", "three"]
    assert (done.returncode, done.stdout) == (0, "sent 2, kept 0, set aside 1\n")
    assert done.stderr == "milepost: the receiver answers 422\n"
    assert hook(settings(folder, listener.url), "flush").stdout == "sent 0, kept 0, set aside 0\n"


def test_flush_keeps_what_it_cannot_send(folder: Path, listener: Listener):
    keep(folder, "one", "two")
    listener.statuses = [501]
    done = hook(settings(folder, listener.url), "flush", "--strict")
    assert (done.returncode, done.stdout) == (1, "sent 0, kept 2, set aside 0\n")
    assert done.stderr == "milepost: the receiver answers 501\n"


def test_check_never_spools(folder: Path, listener: Listener):
    listener.statuses = [501]
    done = hook(settings(folder, listener.url), "check")
    assert done.stderr == "milepost: not reported: the receiver answers 501\n"
    assert not folder.exists()


def test_a_clock_that_is_set_back_changes_no_order(folder: Path):
    box = Spool(folder, "a", clock(later=3600))
    box.prepare()
    first = box.add("msg_1", b"1")
    second = Spool(folder, "a", clock()).add("msg_0", b"2")
    assert box.pending() == [first, second]


def test_a_lock_is_not_waited_for_beyond_the_budget(folder: Path, listener: Listener):
    env = settings(folder, listener.url)
    deliver(envelope(stage("one")), env)
    (lock,) = (folder / "new").glob("lock-*")
    with lock.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(HookError, match="another hook is sending; 1 in the spool"):
            deliver(envelope(stage("two")), env, Deadline(0.2))
    deliver(envelope(stage("three")), env)
    assert stages(listener) == ["one", "two", "three"]


def test_many_hooks_at_once_lose_and_double_nothing(folder: Path, listener: Listener):
    env = settings(folder, listener.url)
    names = [f"stage {number}" for number in range(32)]
    jobs = [
        threading.Thread(target=deliver, args=[envelope(stage(name)), env, Deadline(30)])
        for name in names
    ]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
    assert sorted(stages(listener)) == sorted(names)
    assert kept(folder) == []


def test_a_killed_hook_loses_and_breaks_nothing(folder: Path, listener: Listener):
    env = settings(folder, listener.url)
    for number in range(20):
        process = subprocess.Popen([HOOK, "stage", f"{number}"], env=env)
        threading.Event().wait(0.1 + number * 0.01)  # from before it writes to after it sent
        process.send_signal(signal.SIGKILL)
        process.wait()
    survived = {document["events"][0]["stage"] for document in kept(folder)} | {*stages(listener)}
    assert hook(env, "stage", "last").returncode == 0
    assert {*stages(listener)} == survived | {"last"}
    assert kept(folder) == []
    bodies: dict[str, set[bytes]] = {}
    for post in listener.posts:
        bodies.setdefault(post.headers["webhook-id"], set()).add(post.body)
    assert {len(each) for each in bodies.values()} == {1}
