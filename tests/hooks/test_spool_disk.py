"""Where the spool lies, and what of the disk it may take: private, bounded, never in the way."""

import os
import subprocess
from pathlib import Path

import pytest

from hooks import client, spool
from hooks.__main__ import main
from hooks.client import Deadline
from hooks.errors import HookError
from hooks.outbox import deliver
from hooks.spool import entries
from tests.support.listeners import Listener
from tests.support.senders import SECRET, envelope, stage
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


def hook_on_a_full_disk(env: dict[str, str]) -> str:
    """What a hook says that can write no byte into any file."""
    command = ["sh", "-c", 'ulimit -f 0; exec "$@"', "sh", str(HOOK), "stage", "full"]
    done = subprocess.run(command, env=env, text=True, capture_output=True, check=False)
    assert done.returncode == 0
    return done.stderr


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


@pytest.mark.parametrize("missing", ["MILEPOST_SECRET", "MILEPOST_URL"])
def test_without_a_secret_or_url_nothing_is_kept(folder: Path, missing: str):
    done = hook(settings(folder, NOBODY, **{missing: ""}), "stage", "x")
    assert (done.returncode, done.stderr) == (0, f"milepost: not reporting: set {missing}\n")
    assert not folder.exists()


def test_a_full_disk_costs_one_line_and_only_what_cannot_be_sent(folder: Path, listener: Listener):
    listener.statuses = [202, 501]
    assert hook_on_a_full_disk(settings(folder, listener.url)) == ""
    line = "milepost: not reported: the receiver answers 501; not spooled: File too large\n"
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
    with pytest.raises(HookError, match=r"not reported: no answer.*; not spooled: "):
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
