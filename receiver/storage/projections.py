"""Write the rows that the fold derives: of each table only those that are new or different.

A build keeps a mark of every row that was last written of it (row_marks.py). The marks count only
while nobody else has written to the build since; else every row is written, others removed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import NAMESPACE_URL, UUID, uuid5

from msgspec import Struct
from msgspec.structs import asdict

from receiver.domain import redact
from receiver.domain.fold.fold import FOLD_VERSION
from receiver.domain.fold.projection import BuildRow, BuildRows, FailureRow
from receiver.domain.stage_map import clean
from receiver.storage import dimensions, resolutions, row_marks
from receiver.storage.db import Connection, Row, array, as_json, query
from receiver.storage.dimensions import Ids
from receiver.storage.row_marks import MARKS

TABLES = ("states", "failures", "artifacts", "resources", "sources", "checks")


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
    """Write the rows of the other tables. Return the marks that each build keeps, in hex."""
    changes = {table: _Change() for table in TABLES}
    written = {}
    for build in builds:
        build_id, before = build["id"], row_marks.decode(build["written"], len(TABLES))
        marks = []
        for number, table in enumerate(TABLES):
            rows: Sequence[Struct] = getattr(folded[build_id], table)
            marks.append(MARKS.of(build_id, table, rows))
            _compare(changes[table], build_id, rows, marks[-1], before[number] if before else None)
        written[build_id] = row_marks.encode(marks)
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


def _compare(
    change: _Change, build_id: UUID, rows: Sequence[Struct], now: bytes, before: bytes | None
) -> None:
    """Add the rows that differ from those at their places, and the ids that remain if any goes."""
    if now == before:
        return
    previous = before or b""
    first = row_marks.first_difference(now, previous)
    start = first * row_marks.MARK.size
    gone = dict(row_marks.read(previous[start:]))
    for row, (place, digest) in zip(rows[first:], row_marks.read(now[start:]), strict=True):
        if gone.pop(place, None) != digest:
            change.rows.append(_placed(build_id, place, row))
    if before is None or gone or (_is_of_failures(rows) and not now.startswith(before)):
        places = (place for place, _ in row_marks.read(now))
        ids = [_id(build_id, place, row) for place, row in zip(places, rows, strict=True)]
        change.remaining.append({"build_id": build_id, "ids": ids})


def _is_of_failures(rows: Sequence[Struct]) -> bool:
    """Return whether the ids of rows are no places, so that any of them may be gone."""
    return bool(rows) and isinstance(rows[0], FailureRow)


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
