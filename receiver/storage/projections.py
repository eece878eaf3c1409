"""Write the rows that the fold derives: of each table only those that are new or different.

A build keeps a digest of every row that was last written of it (builds.written). The digests count
only while nobody else has written to the build since; else every row is written, others removed.
"""

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from operator import is_
from uuid import NAMESPACE_URL, UUID, uuid5

import msgspec
from msgspec import Struct
from msgspec.structs import asdict

from receiver.domain import redact
from receiver.domain.fold.fold import FOLD_VERSION
from receiver.domain.fold.projection import BuildRow, BuildRows, FailureRow
from receiver.domain.stage_map import clean
from receiver.storage import dimensions, resolutions
from receiver.storage.db import Connection, Row, array, as_json, query
from receiver.storage.dimensions import Ids

TABLES = ("states", "failures", "artifacts", "resources", "sources", "checks")
DIGEST_BYTES = 8
MANY, MOST_KNOWN = 200, 64  # rows of a table; tables whose digests a process keeps
DIGEST_OF = b"masked"  # another one than the release before, which writes no masked_message

Digests = list[bytes]  # for each table, the digests of its rows one after the other


@dataclass(slots=True)
class _Change:
    """Rows to write to one table, and the ids that remain of builds that lose rows."""

    rows: list[Row] = field(default_factory=list)
    remaining: list[Row] = field(default_factory=list)


def write(
    connection: Connection,
    builds: Sequence[Row],
    folded: Mapping[UUID, BuildRows],
    heard_at: Mapping[UUID, datetime],
    ids: Ids,
    map_version: int,
) -> None:
    """Write the rows of locked builds, each a row of lock_builds.sql; builds that a newer release
    has folded, or a newer stage map, stay as they are, for its refold.

    `heard_at` is the time of the last delivery of each; `ids` are names that are known already;
    `map_version` is that of the stage map that they were folded with.
    """
    newer = [build["id"] for build in builds if _is_newer(build, map_version)]
    if newer:
        connection.execute(query("projections/leave_to_newer"), {"build_ids": array(newer)})
    builds = [build for build in builds if build["id"] not in newer]
    if not builds:
        return
    ids = dimensions.ids_of(connection, [folded[build["id"]].identity for build in builds], ids)
    written = _write_tables(connection, builds, folded)
    rows = [
        dimensions.id_columns(ids, folded[build["id"]].identity)
        | _build_columns(build, folded[build["id"]].build)
        | {"written": written[build["id"]], "heard_at": heard_at.get(build["id"])}
        for build in builds
    ]
    versions = {"fold_version": FOLD_VERSION, "map_version": map_version}
    parameters = {"rows": as_json(rows), **versions}
    connection.execute(query("projections/write_builds"), parameters)


def _is_newer(build: Row, map_version: int) -> bool:
    is_of_newer_map = (build["map_version"] or 0) > map_version
    return is_of_newer_map or (build["fold_version"] or 0) > FOLD_VERSION


def _build_columns(build: Row, row: BuildRow) -> Row:
    """Return columns of `builds`; with the event that holds the manifest if it changed."""
    columns = asdict(row) | {"id": build["id"]}
    manifest_from = columns.pop("manifest_from")
    if manifest_from and build["manifest_sha256"] != row.manifest_sha256:
        columns["delivery_id"], columns["place"] = manifest_from
    return columns


def _write_tables(
    connection: Connection, builds: Sequence[Row], folded: Mapping[UUID, BuildRows]
) -> dict[UUID, str]:
    """Write the rows of the other tables. Return the digests that each build keeps, in hex."""
    changes = {table: _Change() for table in TABLES}
    written = {}
    for build in builds:
        build_id, before = build["id"], _decode_digests(build["written"])
        digests = []
        for place, table in enumerate(TABLES):
            rows: Sequence[Struct] = getattr(folded[build_id], table)
            digests.append(DIGESTS.of(build_id, table, rows))
            _compare(changes[table], build_id, rows, digests[-1], before[place] if before else None)
        written[build_id] = msgspec.msgpack.encode(digests).hex()
    lost = [row["build_id"] for row in changes["failures"].remaining]
    moved = [build_id for build_id in lost if folded[build_id].failures]
    resolved = resolutions.find(connection, moved)
    for table, change in changes.items():
        if change.rows or change.remaining:
            parameters = {"rows": as_json(change.rows), "kept": as_json(change.remaining)}
            connection.execute(query(f"projections/write_{table}"), parameters)
    if resolved:
        failures = {
            build_id: [(_id(build_id, 0, each), each) for each in folded[build_id].failures]
            for build_id in moved
        }
        resolutions.carry_over(connection, resolved, failures)
    return written


def _decode_digests(written: bytes | None) -> Digests | None:
    """Return the digests of the last write; a list of another length counts as none."""
    if not written:
        return None
    digests = msgspec.msgpack.decode(written, type=Digests)
    return digests if len(digests) == len(TABLES) else None


class _KnownDigests:
    """The digests of the rows of large builds: a row that is the same object has the same one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[UUID, str], tuple[Sequence[Struct], bytes]] = OrderedDict()

    def of(self, build_id: UUID, table: str, rows: Sequence[Struct]) -> bytes:
        """Return the digests of rows, one after the other."""
        if len(rows) < MANY:
            return b"".join(map(_digest, rows))
        with self._lock:
            before, digests = self._known.pop((build_id, table), ((), b""))
        same = _count_same(before, rows)
        digests = digests[: same * DIGEST_BYTES] + b"".join(map(_digest, rows[same:]))
        with self._lock:
            self._known[build_id, table] = (rows, digests)
            if len(self._known) > MOST_KNOWN:
                self._known.popitem(last=False)
        return digests


DIGESTS = _KnownDigests()


def _count_same(before: Sequence[Struct], rows: Sequence[Struct]) -> int:
    """Return how many rows at the beginning are the same objects as before."""
    pairs = enumerate(map(is_, before, rows))
    return next((place for place, same in pairs if not same), min(len(before), len(rows)))


def _digest(row: Struct) -> bytes:
    return blake2b(msgspec.json.encode(row), digest_size=DIGEST_BYTES, person=DIGEST_OF).digest()


def _compare(
    change: _Change, build_id: UUID, rows: Sequence[Struct], now: bytes, before: bytes | None
) -> None:
    """Add the rows that differ from those at their place, and the ids that remain if any goes."""
    if now == before:
        return
    previous = before or b""
    first = _first_difference(now, previous)
    for place, row in enumerate(rows[first:], first):
        span = slice(place * DIGEST_BYTES, (place + 1) * DIGEST_BYTES)
        if now[span] != previous[span]:
            change.rows.append(_placed(build_id, place, row))
    if before is None or _may_lose_rows(rows, now, before):
        ids = [_id(build_id, place, row) for place, row in enumerate(rows)]
        change.remaining.append({"build_id": build_id, "ids": ids})


def _may_lose_rows(rows: Sequence[Struct], now: bytes, before: bytes) -> bool:
    """Return whether an id of before may be gone: where ids are places, only the last ones go."""
    has_places = bool(rows) and not isinstance(rows[0], FailureRow)
    return len(now) < len(before) if has_places else not now.startswith(before)


def _first_difference(now: bytes, before: bytes) -> int:
    """Return the place of the first row that differs; most of a large build's are as before."""
    same, differs = 0, len(now) // DIGEST_BYTES
    while same < differs:
        middle = (same + differs) // 2
        span = slice(same * DIGEST_BYTES, (middle + 1) * DIGEST_BYTES)
        if now[span] == before[span]:
            same = middle + 1
        else:
            differs = middle
    return same


def _placed(build_id: UUID, place: int, row: Struct) -> Row:
    row_id = _id(build_id, place, row)
    columns = asdict(row) | {"id": row_id, "build_id": build_id, "place": place}
    if message := columns.get("error_message"):
        columns["masked_message"] = redact.text(message)
    return columns


def _id(build_id: UUID, place: int, row: Struct) -> UUID:
    """Return a row's id: its place next to its build's id. A failure's is made of the failed stage,
    since its resolution must stay with it."""
    if isinstance(row, FailureRow):
        stage = clean(row.stage) if row.stage else ""
        return uuid5(NAMESPACE_URL, f"{build_id}/{row.attempt}/{stage}/{row.occurrence}")
    return UUID(int=(build_id.int >> 32 << 32) | place)
