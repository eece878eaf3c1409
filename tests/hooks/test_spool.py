"""The spool of a hook: envelopes are sent once, in order, and after every failure."""

import fcntl
import json
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hooks.client import Deadline
from hooks.errors import HookError
from hooks.outbox import deliver
from hooks.spool import Spool, entries
from tests.support.hook_calls import FakeClock
from tests.support.listeners import Listener, listening
from tests.support.receivers import free_port
from tests.support.senders import OTHER_SECRET, envelope, stage
from tests.support.spools import (
    HOOK,
    NO_RECEIVER,
    clock,
    fill_spool,
    hook,
    settings,
    spooled,
    stages,
)


def test_hook_only_spools_for_a_minute_after_a_failure(spool_folder: Path):
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    fill_spool(spool_folder, "one", url=url)
    with listening(port) as listener:
        env = settings(spool_folder, url)
        with pytest.raises(HookError, match="a moment ago; 2 in the spool"):
            deliver(envelope(stage("two")), env, Deadline(clock=clock(later=55)))
        assert listener.posts == []
        deliver(envelope(stage("three")), env, Deadline(clock=clock(later=65)))
        assert stages(listener) == ["one", "two", "three"]
        deliver(envelope(stage("four")), env)
        assert stages(listener)[3:] == ["four"]
    assert spooled(spool_folder) == []


def test_spooled_envelope_keeps_its_id_and_is_signed_anew(spool_folder: Path, listener: Listener):
    listener.statuses = [501, 202]
    fill_spool(spool_folder, "one", url=listener.url)
    deliver(
        envelope(stage("two")),
        settings(spool_folder, listener.url, MILEPOST_SECRET=OTHER_SECRET),
        Deadline(clock=clock(later=100)),
    )
    first, again, other = (post.headers for post in listener.posts)
    assert first["webhook-id"] == again["webhook-id"] != other["webhook-id"]
    assert first["webhook-signature"] != again["webhook-signature"]
    assert int(again["webhook-timestamp"]) >= int(first["webhook-timestamp"]) + 99
    assert listener.posts[0].body == listener.posts[1].body


def test_refused_envelope_is_set_aside_and_blocks_no_other(
    spool_folder: Path, listener: Listener, capsys: pytest.CaptureFixture[str]
):
    listener.statuses = [501, 422, 202]
    fill_spool(spool_folder, "bad", url=listener.url)
    env = settings(spool_folder, listener.url)
    deliver(envelope(stage("good")), env, Deadline(clock=clock(later=100)))
    assert stages(listener) == ["bad", "bad", "good"]
    assert spooled(spool_folder) == []
    assert [json.loads(path.read_bytes()) for path in (spool_folder / "refused").iterdir()]
    assert capsys.readouterr().err == (
        f"milepost: the receiver refused 1, moved to {spool_folder / 'refused'}\n"
    )
    listener.statuses = [422]
    with pytest.raises(HookError, match="not reported: the receiver answers 422"):
        deliver(envelope(stage("worse")), env)


@pytest.mark.parametrize("status", [408, 429, 500, 503, 505])
def test_envelope_that_is_not_refused_for_good_stays_in_the_spool(
    spool_folder: Path, listener: Listener, status: int
):
    listener.statuses = [status]
    fill_spool(spool_folder, "one", url=listener.url)
    assert len(spooled(spool_folder)) == 1


def test_envelope_stays_for_the_address_it_was_spooled_for(spool_folder: Path, listener: Listener):
    fill_spool(spool_folder, "one", url=f"{NO_RECEIVER}/webhooks/milepost/team-a")
    deliver(envelope(stage("two")), settings(spool_folder, listener.url))
    assert stages(listener) == ["two"]
    assert len(spooled(spool_folder)) == 1


def test_flush_sends_everything_to_the_current_address(spool_folder: Path, listener: Listener):
    fill_spool(spool_folder, "one", "two", "three")
    listener.statuses = [202, 422, 202]
    done = hook(settings(spool_folder, listener.url), "flush")
    assert stages(listener) == ["one", "two", "three"]
    assert (done.returncode, done.stdout) == (0, "sent 2, kept 0, set aside 1\n")
    assert done.stderr == "milepost: the receiver answers 422\n"
    assert (
        hook(settings(spool_folder, listener.url), "flush").stdout
        == "sent 0, kept 0, set aside 0\n"
    )


def test_flush_keeps_envelopes_that_are_not_taken(spool_folder: Path, listener: Listener):
    fill_spool(spool_folder, "one", "two")
    listener.statuses = [501]
    done = hook(settings(spool_folder, listener.url), "flush", "--strict")
    assert (done.returncode, done.stdout) == (1, "sent 0, kept 2, set aside 0\n")
    assert done.stderr == "milepost: the receiver answers 501\n"


def test_check_never_spools(spool_folder: Path, listener: Listener):
    listener.statuses = [501]
    done = hook(settings(spool_folder, listener.url), "check")
    assert done.stderr == "milepost: not reported: the receiver answers 501\n"
    assert not spool_folder.exists()


def test_clock_set_back_does_not_change_the_order(spool_folder: Path):
    later = Spool(spool_folder, "a", clock(later=3600))
    later.prepare()
    first = later.add("msg_1", b"1")
    second = Spool(spool_folder, "a", clock()).add("msg_0", b"2")
    assert later.pending() == [first, second]


def test_wait_for_the_lock_ends_with_the_budget(spool_folder: Path, listener: Listener):
    env = settings(spool_folder, listener.url)
    deliver(envelope(stage("one")), env)
    (lock,) = (spool_folder / "new").glob("lock-*")
    with lock.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(HookError, match="another hook is sending; 1 in the spool"):
            deliver(envelope(stage("two")), env, Deadline(0.2))
    deliver(envelope(stage("three")), env)
    assert stages(listener) == ["one", "two", "three"]


def test_concurrent_hooks_send_every_envelope_once(spool_folder: Path, listener: Listener):
    env = settings(spool_folder, listener.url)
    names = [f"stage {number}" for number in range(32)]
    with ThreadPoolExecutor(len(names)) as pool:
        list(pool.map(lambda name: deliver(envelope(stage(name)), env, Deadline(30)), names))
    assert sorted(stages(listener)) == sorted(names)
    assert spooled(spool_folder) == []


def test_killed_hook_loses_no_envelope(spool_folder: Path, listener: Listener):
    env = settings(spool_folder, listener.url)
    began = time.monotonic()
    assert hook(env, "stage", "first").returncode == 0
    whole = time.monotonic() - began
    for number in range(20):
        process = subprocess.Popen([HOOK, "stage", f"{number}"], env=env)
        time.sleep(whole * (0.3 + number * 0.04))  # from before it writes to after it sent
        process.send_signal(signal.SIGKILL)
        process.wait()
    survived = {document["events"][0]["stage"] for document in spooled(spool_folder)} | {
        *stages(listener)
    }
    assert hook(env, "stage", "last").returncode == 0
    assert {*stages(listener)} == survived | {"last"}
    assert spooled(spool_folder) == []
    bodies: dict[str, set[bytes]] = {}
    for post in listener.posts:
        bodies.setdefault(post.headers["webhook-id"], set()).add(post.body)
    assert {len(each) for each in bodies.values()} == {1}


def test_call_spends_two_seconds_on_what_waits_and_sends_its_own_report(
    spool_folder: Path, listener: Listener
):
    spool = Spool(spool_folder, f"{listener.url}/webhooks/milepost", clock())
    spool.prepare()
    body = json.dumps(envelope(stage("earlier"))).encode()
    for number in range(12_000):
        (spool.new / f"{number + 10**15:017d}.{spool.address}.msg_{number:x}.json").write_bytes(
            body
        )
    ticking = FakeClock()
    ticking.now = 10**9 + 60
    seconds = ticking.clock._replace(monotonic=lambda: 0.01 * len(listener.posts))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hooks.spool.MAX_AGE_SECONDS", 1e12)
        deliver(
            envelope(stage("now")), settings(spool_folder, listener.url), Deadline(clock=seconds)
        )
    names = stages(listener)
    assert names[-1] == "now"
    assert 190 <= names.count("earlier") <= 210
    assert len(entries(spool.new)) == 12_001 - len(names)
