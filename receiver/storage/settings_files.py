"""The settings files that receivers read, and the stage maps in them as documents of the database.

Receivers whose files differ, as while a change is rolled out, fold with one map all the same: what
no receiver has had yet is the newest. A file whose contents are an earlier version, such as that of
an old pod that starts again, counts once no receiver has the newest in its file any more. So to put
an earlier file back on all of them is enough.
"""

import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from receiver.storage import settings
from receiver.storage.db import Connection, query

EVERY_SECONDS = 15.0  # until a receiver looks again
NOTED_SECONDS = 60  # until it says again what it said
SECONDS = 180  # for which its word counts
HOST = socket.gethostname()
COMMAND = UUID(int=0)  # what asks is no receiver


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """A file that a receiver reads; `version` is that of its contents, where they are in the
    database, and `is_older` whether another one counts."""

    kind: str
    host: str
    path: str
    version: int | None
    seen_at: datetime
    is_older: bool


def is_said(connection: Connection, receiver: UUID, files: int) -> bool:
    """Return whether a receiver has noted so many files lately, none of them an older version. It
    writes nothing: each commit of a change makes pages be read again."""
    parameters = {"receiver": receiver, "seconds": NOTED_SECONDS}
    row = connection.execute(query("settings_files/is_said"), parameters).fetchone()
    return row is not None and row["count"] == files


def note(connection: Connection, receiver: UUID, files: Mapping[str, Path]) -> None:
    """Note the files that a receiver reads, whose contents stay in them, by kind."""
    for kind, path in sorted(files.items()):
        _note(connection, receiver, kind, path, None)


def note_contents(
    connection: Connection,
    receiver: UUID,
    kind: str,
    path: Path,
    read: Callable[[], str],
    *,
    is_alone: bool,
) -> tuple[int, int]:
    """Note a file whose contents are a document of the database, the newest unless another receiver
    has a newer one in its file. Return the versions of the file and of the newest document.

    `read` returns the contents as they are now: another process of this receiver may have noted an
    edit since they were read. `is_alone` is a receiver whose database no other one has.
    """
    text = read()
    version, row = _version(connection, kind, text), settings.read_document(connection, kind)
    newest: int | None = row["version"] if row else None
    if version is None or version != newest:
        others = () if is_alone else live(connection, receiver)
        held = {each.version for each in others if each.kind == kind}
        if version is None or newest not in held:
            version = newest = _write(connection, kind, read)
    _note(connection, receiver, kind, path, version)
    assert newest  # noqa: S101  # it is written where there was none
    return version, newest


def live(connection: Connection, receiver: UUID = COMMAND) -> list[SettingsFile]:
    """Return the files of the receivers that run, without this one."""
    parameters = {"receiver": receiver, "seconds": SECONDS}
    rows = connection.execute(query("settings_files/list_files"), parameters).fetchall()
    return [SettingsFile(**row) for row in rows]


def forget(connection: Connection, receiver: UUID) -> None:
    """Forget the files of a receiver that ends."""
    connection.execute(query("settings_files/forget_files"), {"receiver": receiver})


def _write(connection: Connection, kind: str, read: Callable[[], str]) -> int:
    """Make the contents the newest version, unless that was done meanwhile, and return it."""
    settings.lock_kind(connection, kind)
    newest, text = settings.read_document(connection, kind), read()
    if newest and newest["document"] == text:
        return int(newest["version"])
    return settings.write_document(connection, kind, text, f"the file of {HOST}")


def _version(connection: Connection, kind: str, text: str) -> int | None:
    parameters = {"kind": kind, "document": text}
    row = connection.execute(query("settings/find_version"), parameters).fetchone()
    return int(row["version"]) if row else None


def _note(
    connection: Connection, receiver: UUID, kind: str, path: Path, version: int | None
) -> None:
    row = {"receiver": receiver, "kind": kind, "host": HOST, "path": str(path), "version": version}
    connection.execute(query("settings_files/note_file"), row)
