"""What a hook keeps while nobody takes it: nothing is lost, overtaken, doubled or in the way."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hooks import client, spool
from hooks.__main__ import main
from hooks.client import Clock, Deadline
from hooks.delivery import deliver
from hooks.errors import HookError
from hooks.spool import Spool, entries
from tests.listeners import Listener, listening
from tests.receivers import free_port
from tests.senders import OTHER_SECRET, SECRET, envelope, stage

HOOK = Path(sys.executable).with_name("milepost-hook")
NOBODY = "http://127.0.0.1:1"


@pytest.fixture
def listener() -> Iterator[Listener]:
    with listening() as server:
        yield server


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "spool"


def settings(folder: Path, url: str, **more: str) -> dict[str, str]:
    return {
        "MILEPOST_URL": url,
        "MILEPOST_SECRET": SECRET,
        "MILEPOST_SPOOL_DIR": str(folder),
        "MILEPOST_BUILD_NUMBER": "b-1",
        "PATH": "/usr/bin:/bin",
        **more,
    }


def hook(env: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(HOOK), *arguments]
    return subprocess.run(command, env=env, text=True, capture_output=True, check=False)


def hook_on_a_full_disk(env: dict[str, str]) -> str:
    """What a hook says that can write no byte into any file."""
    command = ["sh", "-c", 'ulimit -f 0; exec "$@"', "sh", str(HOOK), "stage", "full"]
    done = subprocess.run(command, env=env, text=True, capture_output=True, check=False)
    assert done.returncode == 0
    return done.stderr


def keep(folder: Path, *names: str, url: str = NOBODY) -> None:
    """Spool stages while nobody listens, without waiting for anybody."""
    for name in names:
        with pytest.raises(HookError, match="not reported yet"):
            deliver(envelope(stage(name)), settings(folder, url), Deadline(0.5))


def stages(listener: Listener) -> list[str]:
    return [post.document["events"][0]["stage"] for post in listener.posts]


def kept(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(entry.path.read_bytes()) for entry in entries(folder / "new")]


def clock(*, later: float = 0) -> Clock:
    real = Clock()
    return Clock(lambda: real.wall() + later, real.monotonic, real.sleep)


def test_what_nobody_takes_is_kept_in_private_files_without_a_secret(
    folder: Path, listener: Listener
):
    listener.statuses = [501]
    env = settings(folder, listener.url)
    done = hook(env, "stage", "Harden")
    line = "milepost: not reported yet: the receiver answers 501; 1 in the spool\n"
    assert (done.returncode, done.stderr) == (0, line)
    found = list(folder.rglob("*"))
    assert {path.stat().st_mode & 0o777 for path in found if path.is_file()} == {0o600}
    assert {path.stat().st_mode & 0o777 for path in [folder, *found] if path.is_dir()} == {0o700}
    key = SECRET.removeprefix("whsec_")
    assert not any(key in path.read_text() for path in found if path.is_file())
    assert hook(env, "stage", "x", "--strict").returncode == 1


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
        f"milepost: the receiver refuses 1, set aside in {folder / 'refused'}\n"
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


@pytest.mark.parametrize("missing", ["MILEPOST_SECRET", "MILEPOST_URL"])
def test_without_a_secret_or_url_nothing_is_kept(folder: Path, missing: str):
    done = hook(settings(folder, NOBODY, **{missing: ""}), "stage", "x")
    assert (done.returncode, done.stderr) == (0, f"milepost: not reporting: set {missing}\n")
    assert not folder.exists()


def test_a_full_disk_costs_one_line_and_only_what_cannot_be_sent(folder: Path, listener: Listener):
    listener.statuses = [202, 501]
    assert hook_on_a_full_disk(settings(folder, listener.url)) == ""
    line = "milepost: not reported: the receiver answers 501; not kept either: File too large\n"
    assert hook_on_a_full_disk(settings(folder, listener.url)) == line
    assert [*(folder / "tmp").iterdir(), *entries(folder / "new")] == []


def test_on_a_full_disk_nothing_is_overtaken(folder: Path, listener: Listener):
    listener.statuses = [501, 202]
    keep(folder, "older", url=listener.url)
    assert hook_on_a_full_disk(settings(folder, listener.url)) == ""
    assert stages(listener) == ["older", "older", "full"]


@pytest.mark.parametrize("trap", ["file", "link"])
def test_a_folder_that_is_not_ours_is_not_used(folder: Path, listener: Listener, trap: str):
    folder.mkdir()
    elsewhere = folder.parent / "elsewhere"
    elsewhere.mkdir()
    if trap == "file":
        (folder / "new").touch()
    else:
        (folder / "new").symlink_to(elsewhere)
    deliver(envelope(stage("x")), settings(folder, listener.url))
    assert stages(listener) == ["x"]
    with pytest.raises(HookError, match=r"not reported: no answer.*; not kept either: "):
        deliver(envelope(stage("x")), settings(folder, NOBODY), Deadline(0.5))
    assert list(elsewhere.iterdir()) == []


def test_the_oldest_beyond_fifty_megabytes_is_dropped(
    folder: Path, capsys: pytest.CaptureFixture[str]
):
    large = {"x": "y" * (client.MAX_BODY - 1000)}
    numbers = [f"b-{number}" for number in range(11)]
    env = settings(folder, NOBODY)
    for number in numbers:
        with pytest.raises(HookError):
            deliver(envelope(number=number, manifest=large), env, Deadline(0.5))
    assert [document["build"]["number"] for document in kept(folder)] == numbers[1:]
    assert sum(entry.path.stat().st_size for entry in entries(folder / "new")) <= spool.MAX_BYTES
    assert capsys.readouterr().err.count("dropped its oldest 1\n") == 1


def test_what_is_older_than_a_week_is_dropped(folder: Path, listener: Listener):
    listener.statuses = [501, 422, 501, 202]
    keep(folder, "refused", url=listener.url)
    hook(settings(folder, listener.url), "flush")
    keep(folder, "old", url=listener.url)
    (folder / "tmp" / "half").touch()
    week = Deadline(clock=clock(later=spool.MAX_AGE_SECONDS + 5))
    deliver(envelope(stage("new")), settings(folder, listener.url), week)
    assert stages(listener)[3:] == ["new"]
    assert [path for path in folder.rglob("*") if path.is_file() and path.stat().st_size] == []
    assert list((folder / "tmp").iterdir()) == []


def test_a_clock_that_is_set_back_changes_no_order(folder: Path):
    box = Spool(folder, "a", clock(later=3600))
    box.prepare()
    first = box.keep("msg_1", b"1")
    second = Spool(folder, "a", clock()).keep("msg_0", b"2")
    assert box.waiting() == [first, second]


def test_a_lock_is_not_waited_for_beyond_the_budget(folder: Path, listener: Listener):
    env = settings(folder, listener.url)
    deliver(envelope(stage("one")), env)
    (lock,) = (folder / "new").glob("lock-*")
    with lock.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(HookError, match="others are sending; 1 in the spool"):
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


@pytest.mark.parametrize(
    ("env", "place"),
    [
        ({"MILEPOST_SPOOL_DIR": "/a", "HOME": "/h"}, "/a"),
        ({"XDG_STATE_HOME": "/x", "HOME": "/h"}, "/x/milepost-hook"),
        ({"HOME": "/h"}, "/h/.local/state/milepost-hook"),
        ({"TMPDIR": "/t"}, f"/tmp/milepost-hook-{os.getuid()}"),
    ],
)
def test_where_it_lies(env: dict[str, str], place: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tempfile.tempdir", "/tmp")
    assert str(spool.folder_of(env)) == place


def test_a_wrong_command_makes_no_spool(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MILEPOST_SPOOL_DIR", str(folder))
    with pytest.raises(SystemExit):
        main(["stage"])
    assert not folder.exists()
