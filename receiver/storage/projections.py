"""Write what the fold derives of builds: of each table only the rows that are new or different.

A build remembers a digest of every row that was last written of it (builds.written). It counts only
while nobody else has written to the build since; else every row is written, and the rest removed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from uuid import NAMESPACE_URL, UUID, uuid5

import msgspec
from msgspec import Struct
from msgspec.structs import asdict

from receiver.domain.fold.projection import FailureRow, Folded
from receiver.domain.stages import clean
from receiver.storage.db import Connection, Row, as_json, query

TABLES = ("states", "failures", "artifacts", "resources")
DIGEST_BYTES = 8

Digests = list[bytes]  # of each table, those of its rows one after the other


@dataclass(slots=True)
class _Change:
    """Rows to be written to one table, and the ids that remain of builds that lose some."""

    rows: list[Row] = field(default_factory=list)
    kept: list[Row] = field(default_factory=list)


def write(
    connection: Connection, builds: Sequence[Row], folded: Mapping[UUID, Folded]
) -> dict[UUID, str]:
    """Write the derived rows of locked builds; gives what each has to remember, in hex."""
    changes = {table: _Change() for table in TABLES}
    written = {}
    for build in builds:
        build_id, before = build["id"], _remembered(build["written"])
        digests = []
        for place, table in enumerate(TABLES):
            rows: Sequence[Struct] = getattr(folded[build_id], table)
            digests.append(b"".join(map(_digest, rows)))
            known = before[place] if before else None
            _compare(changes[table], build_id, rows, digests[-1], known)
        written[build_id] = msgspec.msgpack.encode(digests).hex()
    for table, change in changes.items():
        if change.rows or change.kept:
            row = {"rows": as_json(change.rows), "kept": as_json(change.kept)}
            connection.execute(query(f"projections/write_{table}"), row)
    return written


def _remembered(written: bytes | None) -> Digests | None:
    return msgspec.msgpack.decode(written, type=Digests) if written else None


def _digest(row: Struct) -> bytes:
    return blake2b(msgspec.json.encode(row), digest_size=DIGEST_BYTES).digest()


def _compare(
    change: _Change, build_id: UUID, rows: Sequence[Struct], now: bytes, before: bytes | None
) -> None:
    """Note the rows that differ from what stood at their place, and whether any has to go."""
    if now == before:
        return
    known = before or b""
    for place, row in enumerate(rows):
        span = slice(place * DIGEST_BYTES, (place + 1) * DIGEST_BYTES)
        if now[span] != known[span]:
            change.rows.append(_placed(build_id, place, row))
    if before is None or not now.startswith(before):
        ids = [_id(build_id, place, row) for place, row in enumerate(rows)]
        change.kept.append({"build_id": build_id, "ids": ids})


def _placed(build_id: UUID, place: int, row: Struct) -> Row:
    row_id = _id(build_id, place, row)
    return asdict(row) | {"id": row_id, "build_id": build_id, "place": place}


def _id(build_id: UUID, place: int, row: Struct) -> UUID:
    """A row's id from its place, next to its build's; a failure's from what failed, since what
    people say of it must stay with it."""
    if isinstance(row, FailureRow):
        stage = clean(row.stage) if row.stage else ""
        return uuid5(NAMESPACE_URL, f"{build_id}/{row.attempt}/{stage}/{row.occurrence}")
    return UUID(int=(build_id.int >> 32 << 32) | place)
