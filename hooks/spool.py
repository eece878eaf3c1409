"""Envelopes on disk until the receiver has them; plain files, which no kill leaves half written.

`new/` holds what waits, in the order of its names: time, address, message id. `refused/` holds what
the receiver does not want. A file is the body as it is sent: signed at sending, no secret in it.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from hooks.client import Clock

try:
    import fcntl
except ImportError:  # Windows, where the hook posts without a spool
    fcntl = None  # type: ignore[assignment]

MAX_BYTES = 50 * 2**20
MAX_AGE_SECONDS = 7 * 86400.0
REST_SECONDS = 60.0
BLOCK = 4096  # what the smallest file takes of a disk
STALE_SECONDS = 3600.0  # a half-written file that old has nobody who writes it

_NAME = re.compile(r"(\d{17})\.([0-9a-f]{16})\.(msg_[0-9a-f]+)\.json\Z")


class Entry(NamedTuple):
    """An envelope that waits: microseconds since 1970, where to, under which id."""

    path: Path
    time: int
    to: str
    message_id: str


def folder_of(env: Mapping[str, str]) -> Path:
    """MILEPOST_SPOOL_DIR, else the user's state directory (XDG Base Directory Specification)."""
    if env.get("MILEPOST_SPOOL_DIR"):
        return Path(env["MILEPOST_SPOOL_DIR"])
    if env.get("XDG_STATE_HOME"):
        return Path(env["XDG_STATE_HOME"]) / "milepost-hook"
    if env.get("HOME"):
        return Path(env["HOME"]) / ".local" / "state" / "milepost-hook"
    return Path(tempfile.gettempdir()) / f"milepost-hook-{os.getuid() if fcntl else ''}"


class Spool:
    """What waits for one address in a folder that several addresses and processes may share."""

    def __init__(self, folder: Path, address: str, clock: Clock) -> None:
        self.new, self.tmp, self.refused = (folder / name for name in ("new", "tmp", "refused"))
        self.to = hashlib.sha256(address.encode("utf-8", "replace")).hexdigest()[:16]
        self.clock = clock
        self._away = self.new / f"away-{self.to}"

    def prepare(self) -> None:
        """Make the folders; OSError where there can be no private ones."""
        if fcntl is None:
            raise OSError("there is no spool on this system")
        self.new.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in (self.new, self.tmp, self.refused):
            _make_private(folder)

    def keep(self, message_id: str, body: bytes) -> Entry:
        """Write an envelope behind all others: at any moment it is there as a whole or not."""
        newest = max((entry.time for entry in entries(self.new)), default=0)
        time = max(int(self.clock.wall() * 1e6), newest + 1)  # a clock may be set back
        name = f"{time:017d}.{self.to}.{message_id}.json"
        draft = self.tmp / name
        try:
            _write(draft, body)
            draft.replace(self.new / name)
        except OSError:
            draft.unlink(missing_ok=True)
            raise
        _sync(self.new)
        return Entry(self.new / name, time, self.to, message_id)

    def waiting(self) -> list[Entry]:
        """What waits for this address, oldest first."""
        return [entry for entry in entries(self.new) if entry.to == self.to]

    def set_aside(self, entry: Entry) -> None:
        """Keep for a person what the receiver will never take."""
        entry.path.replace(self.refused / entry.path.name)

    def is_refused(self, entry: Entry) -> bool:
        """Whether some hook set it aside."""
        return (self.refused / entry.path.name).exists()

    def trim(self) -> int:
        """Drop the oldest beyond the bounds; gives how many."""
        self._sweep()
        now, room, dropped = self.clock.wall(), MAX_BYTES, 0
        for entry in sorted([*entries(self.new), *entries(self.refused)], key=_age):
            room -= _size(entry.path)
            if room < 0 or entry.time / 1e6 < now - MAX_AGE_SECONDS:
                entry.path.unlink(missing_ok=True)
                dropped += 1
        return dropped

    def _sweep(self) -> None:
        for draft in self.tmp.iterdir():
            if self.clock.wall() - _modified(draft) > STALE_SECONDS:
                draft.unlink(missing_ok=True)

    def rest(self) -> None:
        """From now on only spool, for a while."""
        self._away.touch(0o600)
        os.utime(self._away, (self.clock.wall(),) * 2)

    def is_resting(self) -> bool:
        """Whether the receiver was away a moment ago."""
        return 0 <= self.clock.wall() - _modified(self._away) < REST_SECONDS

    def wake(self) -> None:
        """The receiver is back."""
        self._away.unlink(missing_ok=True)

    @contextmanager
    def turn(self, wait: Callable[[], bool]) -> Iterator[bool]:
        """Be the only one who sends to this address; False where `wait` gave up before.

        The kernel ends the lock with the process, however that ends.
        """
        with open(self.new / f"lock-{self.to}", "ab", opener=_private_opener) as file:
            yield _lock(file.fileno(), wait)


def entries(folder: Path) -> list[Entry]:
    """Everything in a folder of the spool, oldest first."""
    found = ((name, _NAME.match(name)) for name in os.listdir(folder))
    return sorted(
        (Entry(folder / name, int(match[1]), match[2], match[3]) for name, match in found if match),
        key=lambda entry: entry.path.name,
    )


def _age(entry: Entry) -> int:
    return -entry.time


def _lock(descriptor: int, wait: Callable[[], bool]) -> bool:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not wait():
                return False
            continue
        except OSError:  # a file system without locks: what is sent twice has the same id
            pass
        return True


def _make_private(folder: Path) -> None:
    """A folder that is ours alone; in a shared parent somebody else may have been first."""
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise PermissionError(1, "not a folder of this user", str(folder))
    if found.st_mode & 0o077:
        folder.chmod(0o700)


def _private_opener(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _write(path: Path, body: bytes) -> None:
    with open(path, "xb", opener=_private_opener) as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    """Make a rename outlive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _size(path: Path) -> int:
    try:
        return -(-path.stat().st_size // BLOCK) * BLOCK
    except FileNotFoundError:  # sent meanwhile
        return 0


def _modified(path: Path) -> float:
    """The time of a file in seconds; of one that is not there, long ago."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
