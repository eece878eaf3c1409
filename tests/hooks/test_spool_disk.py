"""The spool on the disk: its folder, its permissions, its limits, a full disk."""

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
    NO_RECEIVER,
    clock,
    fill_spool,
    hook,
    settings,
    spooled,
    stages,
)


def hook_on_a_full_disk(env: dict[str, str]) -> str:
    """Return the standard error of a hook that cannot write a byte into any file."""
    command = ["sh", "-c", 'ulimit -f 0; exec "$@"', "sh", str(HOOK), "stage", "full"]
    done = subprocess.run(command, env=env, text=True, capture_output=True, check=False)
    assert done.returncode == 0
    return done.stderr


def test_spooled_envelope_is_a_private_file_without_a_secret(
    spool_folder: Path, listener: Listener
):
    listener.statuses = [501]
    env = settings(spool_folder, listener.url)
    done = hook(env, "stage", "Harden")
    line = "milepost: not reported yet: the receiver answers 501; 1 in the spool\n"
    assert (done.returncode, done.stderr) == (0, line)
    paths = list(spool_folder.rglob("*"))
    assert {path.stat().st_mode & 0o777 for path in paths if path.is_file()} == {0o600}
    assert {path.stat().st_mode & 0o777 for path in [spool_folder, *paths] if path.is_dir()} == {
        0o700
    }
    key = SECRET.removeprefix("whsec_")
    assert not any(key in path.read_text() for path in paths if path.is_file())
    assert hook(env, "stage", "x", "--strict").returncode == 1


@pytest.mark.parametrize("missing", ["MILEPOST_SECRET", "MILEPOST_URL"])
def test_nothing_is_spooled_without_a_secret_or_url(spool_folder: Path, missing: str):
    done = hook(settings(spool_folder, NO_RECEIVER, **{missing: ""}), "stage", "x")
    assert (done.returncode, done.stderr) == (0, f"milepost: not reporting: set {missing}\n")
    assert not spool_folder.exists()


def test_envelope_is_sent_without_the_spool_on_a_full_disk(spool_folder: Path, listener: Listener):
    listener.statuses = [202, 501]
    assert hook_on_a_full_disk(settings(spool_folder, listener.url)) == ""
    line = "milepost: not reported: the receiver answers 501; not spooled: File too large\n"
    assert hook_on_a_full_disk(settings(spool_folder, listener.url)) == line
    assert [*(spool_folder / "tmp").iterdir(), *entries(spool_folder / "new")] == []


def test_spooled_envelopes_are_sent_first_on_a_full_disk(spool_folder: Path, listener: Listener):
    listener.statuses = [501, 202]
    fill_spool(spool_folder, "older", url=listener.url)
    assert hook_on_a_full_disk(settings(spool_folder, listener.url)) == ""
    assert stages(listener) == ["older", "older", "full"]


@pytest.mark.parametrize("trap", ["file", "link"])
def test_folder_of_another_user_is_not_used(spool_folder: Path, listener: Listener, trap: str):
    spool_folder.mkdir()
    elsewhere = spool_folder.parent / "elsewhere"
    elsewhere.mkdir()
    if trap == "file":
        (spool_folder / "new").touch()
    else:
        (spool_folder / "new").symlink_to(elsewhere)
    deliver(envelope(stage("x")), settings(spool_folder, listener.url))
    assert stages(listener) == ["x"]
    with pytest.raises(HookError, match=r"not reported: no answer.*; not spooled: "):
        deliver(envelope(stage("x")), settings(spool_folder, NO_RECEIVER), Deadline(0.5))
    assert list(elsewhere.iterdir()) == []


def test_oldest_envelope_beyond_fifty_megabytes_is_dropped(
    spool_folder: Path, capsys: pytest.CaptureFixture[str]
):
    large = {"x": "y" * (client.MAX_BODY - 1000)}
    numbers = [f"b-{number}" for number in range(11)]
    env = settings(spool_folder, NO_RECEIVER)
    for number in numbers:
        with pytest.raises(HookError):
            deliver(envelope(number=number, manifest=large), env, Deadline(0.5))
    assert [document["build"]["number"] for document in spooled(spool_folder)] == numbers[1:]
    assert (
        sum(entry.path.stat().st_size for entry in entries(spool_folder / "new")) <= spool.MAX_BYTES
    )
    assert capsys.readouterr().err.count("dropped its oldest 1\n") == 1


def test_envelope_older_than_a_week_is_dropped(spool_folder: Path, listener: Listener):
    listener.statuses = [501, 422, 501, 202]
    fill_spool(spool_folder, "refused", url=listener.url)
    hook(settings(spool_folder, listener.url), "flush")
    fill_spool(spool_folder, "old", url=listener.url)
    (spool_folder / "tmp" / "half").touch()
    week = Deadline(clock=clock(later=spool.MAX_AGE_SECONDS + 5))
    deliver(envelope(stage("new")), settings(spool_folder, listener.url), week)
    assert stages(listener)[3:] == ["new"]
    assert [
        path for path in spool_folder.rglob("*") if path.is_file() and path.stat().st_size
    ] == []
    assert list((spool_folder / "tmp").iterdir()) == []


@pytest.mark.parametrize(
    ("env", "path"),
    [
        ({"MILEPOST_SPOOL_DIR": "/a", "HOME": "/h"}, "/a"),
        ({"XDG_STATE_HOME": "/x", "HOME": "/h"}, "/x/milepost-hook"),
        ({"HOME": "/h"}, "/h/.local/state/milepost-hook"),
        ({"TMPDIR": "/t"}, f"/tmp/milepost-hook-{os.getuid()}"),
    ],
)
def test_folder_is_a_setting_or_the_state_directory(
    env: dict[str, str], path: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("tempfile.tempdir", "/tmp")
    assert str(spool.folder_of(env)) == path


def test_invalid_command_creates_no_spool(spool_folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MILEPOST_SPOOL_DIR", str(spool_folder))
    with pytest.raises(SystemExit):
        main(["stage"])
    assert not spool_folder.exists()
