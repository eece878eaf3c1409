"""The manifests that a Packer run wrote: where its template says, and what changed on disk."""

from __future__ import annotations

import glob
import itertools
import json
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from hooks.client import Deadline, Json

MAX_BYTES = 5 * 2**20
MAX_FILES = 200  # of those that match
MAX_SEEN = 20_000  # directory entries that one search looks at
MAX_DEPTH = 4


def read_all(
    patterns: Iterable[str], paths: Iterable[str], since: float, deadline: Deadline
) -> list[Json]:
    """Return each manifest written since then, of these globs and of what hooks named.

    A torn one is {}. What a script names is only read below the working directory.
    """
    found = [Path(each) for pattern in dict.fromkeys(patterns) for each in _matches(pattern)]
    named = [Path(each) for each in dict.fromkeys(paths) if _is_below(Path(each), Path.cwd())]
    documents = (_read(each, since) for each in [*found, *named] if _has_time(deadline))
    return [document for document in documents if document is not None]


def search(folders: Iterable[Path], since: float, deadline: Deadline) -> list[Json]:
    """Return each manifest below these folders that was written since then."""
    documents = []
    for path in _changed(folders, since, deadline):
        document = _read(path, since)
        if document and "last_run_uuid" in document and isinstance(document.get("builds"), list):
            documents.append(document)
    return documents


def _matches(pattern: str) -> list[str]:
    return sorted(itertools.islice(glob.iglob(pattern), MAX_FILES))


def _has_time(deadline: Deadline) -> bool:
    return deadline.remaining() >= deadline.seconds / 2


def _is_below(path: Path, folder: Path) -> bool:
    try:
        return path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError):
        return False


def _changed(folders: Iterable[Path], since: float, deadline: Deadline) -> Iterator[Path]:
    """Yield the regular .json files below that were written since then, the nearest first."""
    waiting = [(folder, 0) for folder in dict.fromkeys(each.resolve() for each in folders)]
    seen = 0
    while waiting and _has_time(deadline):
        folder, depth = waiting.pop(0)
        try:
            entries = list(os.scandir(folder))
        except OSError:
            continue
        seen += len(entries)
        if seen > MAX_SEEN:
            return
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if depth < MAX_DEPTH and not entry.name.startswith("."):
                    waiting.append((Path(entry.path), depth + 1))
            elif entry.name.endswith(".json") and _is_new(entry, since):
                yield Path(entry.path)


def _is_new(entry: os.DirEntry[str], since: float) -> bool:
    try:
        return entry.stat(follow_symlinks=False).st_mtime >= since - 1
    except OSError:
        return False


def _read(path: Path, since: float) -> Json | None:
    """Return the object in a regular file that changed since then; {} if two builds wrote it.

    It is opened before it is looked at, and without waiting: a pipe or a device has no end.
    """
    try:
        number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError):
        return None
    with open(number, "rb") as file:
        status = os.fstat(number)
        if not stat.S_ISREG(status.st_mode) or status.st_mtime < since - 1:
            return None
        if status.st_size > MAX_BYTES:
            return None
        try:
            document = json.loads(file.read(MAX_BYTES + 1).decode("utf-8-sig"))
        except (ValueError, RecursionError):
            return {}
    return document if isinstance(document, dict) else {}
