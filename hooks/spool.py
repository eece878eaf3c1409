"""Envelopes on disk until the receiver has them; plain files, which no kill leaves half written.

`new/` holds pending envelopes, in the order of their names: time, address, message id. `refused/`
holds those that the receiver refused. A file is the body as it is sent: signed at sending, no
secret in it. `new/foreign-*` counts how often something else than the receiver answered to one.
"""

from __future__ import annotations

import hashlib
import json
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
BACK_OFF_SECONDS = 60.0
BLOCK_BYTES = 4096  # the smallest file takes one block of a disk
MAX_FOREIGN_ANSWERS = 5  # then an envelope goes behind the others: a filter may dislike its text
STALE_SECONDS = 3600.0  # no hook still writes a draft of this age

_NAME = re.compile(r"(\d{17})\.([0-9a-f]{16})\.(msg_[0-9a-f]+)\.json\Z")


class Entry(NamedTuple):
    """A pending envelope; `time` is in microseconds since 1970, `address` is a digest."""

    path: Path
    time: int
    address: str
    message_id: str


def folder_of(env: Mapping[str, str]) -> Path:
    """Return MILEPOST_SPOOL_DIR, else the user's state directory (XDG Base Directory)."""
    if env.get("MILEPOST_SPOOL_DIR"):
        return Path(env["MILEPOST_SPOOL_DIR"])
    if env.get("XDG_STATE_HOME"):
        return Path(env["XDG_STATE_HOME"]) / "milepost-hook"
    if env.get("HOME"):
        return Path(env["HOME"]) / ".local" / "state" / "milepost-hook"
    return Path(tempfile.gettempdir()) / f"milepost-hook-{os.getuid() if fcntl else ''}"


class Spool:
    """The envelopes for one address, in a folder that several addresses and processes may share."""

    def __init__(self, folder: Path, address: str, clock: Clock) -> None:
        self.new, self.tmp, self.refused = (folder / name for name in ("new", "tmp", "refused"))
        self.address = hashlib.sha256(address.encode("utf-8", "replace")).hexdigest()[:16]
        self.clock = clock
        self._back_off_file = self.new / f"away-{self.address}"
        self._foreign_file = self.new / f"foreign-{self.address}"

    def prepare(self) -> None:
        """Create the folders; raise OSError where no private ones can be made."""
        if fcntl is None:
            raise OSError("there is no spool on this system")
        self.new.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in (self.new, self.tmp, self.refused):
            _make_private(folder)

    def add(self, message_id: str, body: bytes) -> Entry:
        """Write an envelope behind all others, atomically; return its entry."""
        newest = max((entry.time for entry in entries(self.new)), default=0)
        time = max(int(self.clock.wall() * 1e6), newest + 1)  # a clock may be set back
        name = f"{time:017d}.{self.address}.{message_id}.json"
        draft = self.tmp / name
        try:
            _write(draft, body)
            draft.replace(self.new / name)
        except OSError:
            draft.unlink(missing_ok=True)
            raise
        _sync(self.new)
        return Entry(self.new / name, time, self.address, message_id)

    def pending(self) -> list[Entry]:
        """Return the entries for this address, oldest first, see `in_order`."""
        return self.in_order([e for e in entries(self.new) if e.address == self.address])

    def in_order(self, found: list[Entry]) -> list[Entry]:
        """Return entries, oldest first, behind the others after every fifth foreign answer."""
        counts = self._foreign_counts()
        laps = {entry: counts.get(entry.message_id, 0) // MAX_FOREIGN_ANSWERS for entry in found}
        return sorted(found, key=lambda entry: laps[entry])

    def count_foreign(self, entry: Entry) -> None:
        """Note that something else than the receiver answered; the caller holds the lock."""
        kept = {each.message_id for each in entries(self.new)}
        counts = {name: n for name, n in self._foreign_counts().items() if name in kept}
        counts[entry.message_id] = counts.get(entry.message_id, 0) + 1
        draft = self.tmp / f"foreign-{self.address}-{os.getpid()}"
        try:
            _write(draft, json.dumps(counts).encode())
            draft.replace(self._foreign_file)
        except OSError:  # a full disk: the order does not matter
            draft.unlink(missing_ok=True)

    def _foreign_counts(self) -> dict[str, int]:
        try:
            counts = json.loads(self._foreign_file.read_bytes())
        except (OSError, ValueError):
            return {}
        return {k: v for k, v in counts.items() if type(v) is int} if type(counts) is dict else {}

    def restore(self) -> None:
        """Put what was refused back into its place, to be sent once more."""
        for entry in entries(self.refused):
            entry.path.replace(self.new / entry.path.name)

    def refuse(self, entry: Entry) -> None:
        """Move an envelope that the receiver will never take to where a person finds it."""
        entry.path.replace(self.refused / entry.path.name)

    def is_refused(self, entry: Entry) -> bool:
        """Return whether a hook moved it to the refused ones."""
        return (self.refused / entry.path.name).exists()

    def trim(self) -> int:
        """Drop the oldest beyond the limits of size and age; return their number."""
        self._sweep()
        now, free_bytes, dropped = self.clock.wall(), MAX_BYTES, 0
        for entry in sorted([*entries(self.new), *entries(self.refused)], key=_newest_first):
            free_bytes -= _size(entry.path)
            if free_bytes < 0 or entry.time / 1e6 < now - MAX_AGE_SECONDS:
                entry.path.unlink(missing_ok=True)
                dropped += 1
        return dropped

    def _sweep(self) -> None:
        for draft in self.tmp.iterdir():
            if self.clock.wall() - _modified(draft) > STALE_SECONDS:
                draft.unlink(missing_ok=True)

    def back_off(self) -> None:
        """Send nothing for BACK_OFF_SECONDS."""
        self._back_off_file.touch(0o600)
        os.utime(self._back_off_file, (self.clock.wall(),) * 2)

    def is_backing_off(self) -> bool:
        """Return whether the receiver was unreachable a moment ago."""
        return 0 <= self.clock.wall() - _modified(self._back_off_file) < BACK_OFF_SECONDS

    def end_back_off(self) -> None:
        """Send again: the receiver is reachable."""
        self._back_off_file.unlink(missing_ok=True)

    @contextmanager
    def lock(self, wait: Callable[[], bool]) -> Iterator[bool]:
        """Hold the lock of this address; yield False where `wait` gave up first.

        The kernel ends the lock with the process, however that ends.
        """
        with open(self.new / f"lock-{self.address}", "ab", opener=_private_opener) as file:
            yield _acquire(file.fileno(), wait)


def entries(folder: Path) -> list[Entry]:
    """Return every entry of a folder of the spool, oldest first."""
    matches = ((name, _NAME.match(name)) for name in os.listdir(folder))
    return sorted(
        (
            Entry(folder / name, int(match[1]), match[2], match[3])
            for name, match in matches
            if match
        ),
        key=lambda entry: entry.path.name,
    )


def _newest_first(entry: Entry) -> int:
    return -entry.time


def _acquire(descriptor: int, wait: Callable[[], bool]) -> bool:
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
    """Create a folder of this user alone; in a shared parent another user may have made it."""
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
        raise PermissionError(1, "not a folder of this user", str(folder))
    if status.st_mode & 0o077:
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
        return -(-path.stat().st_size // BLOCK_BYTES) * BLOCK_BYTES
    except FileNotFoundError:  # sent in the meantime
        return 0


def _modified(path: Path) -> float:
    """Return a file's time in seconds, 0 if it does not exist."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
