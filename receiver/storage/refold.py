"""Fold all events of some builds, with those that they share with others."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID

from msgspec.structs import replace

from receiver.domain.fold import fold
from receiver.domain.fold.belief import believed, names_to_compare
from receiver.domain.fold.events import StoredStatement, load, run_group, verdicts_of_others
from receiver.domain.fold.progress import StateOf
from receiver.domain.fold.projection import BuildRows
from receiver.domain.stage_map import StageMap
from receiver.storage import dimensions
from receiver.storage.db import Connection, Row, array, query
from receiver.storage.read_statements import KNOWN

MAX_DEPTH = 32  # projects above one another
LARGE = 2**16  # characters of statements, as about 300 events have


def fold_builds(
    connection: Connection, build_ids: Sequence[UUID], stages: StageMap
) -> dict[UUID, BuildRows]:
    """Return the rows of each of these locked builds."""
    if not build_ids:
        return {}
    statements = _statements(connection, build_ids)
    parents = _parents(connection) if stages.projects.keys() - {"*"} else {}

    def states_of(project: str | None) -> StateOf:
        chain = _chain(parents, project)
        return lambda name, is_forge: stages.mapped(name, chain, is_forge=is_forge)

    folded = {build_id: fold.fold(statements[build_id], states_of) for build_id in build_ids}
    return _without_merged(connection, folded)


def _without_merged(
    connection: Connection, folded: Mapping[UUID, BuildRows]
) -> dict[UUID, BuildRows]:
    """Return the rows; where one run says two names of one thing, that is no conflict."""
    conflicts = [rows.build.conflict for rows in folded.values() if rows.build.conflict]
    names = {
        (dimension, name) for each in conflicts for dimension in each for name in each[dimension]
    }
    ids = dimensions.find_ids(connection, names) if names else {}
    return {build_id: _compared(rows, ids) for build_id, rows in folded.items()}


def _compared(rows: BuildRows, ids: dimensions.Ids) -> BuildRows:
    if not rows.build.conflict:
        return rows
    conflict = {
        dimension: names
        for dimension, names in rows.build.conflict.items()
        if len({ids.get((dimension, name), name) for name in names}) > 1
    }
    return replace(rows, build=replace(rows.build, conflict=conflict or None))


def _statements(
    connection: Connection, build_ids: Sequence[UUID]
) -> dict[UUID, list[StoredStatement]]:
    """Return each build's own statements; of shared jobs and whole runs the part that counts."""
    own = defaultdict[UUID, list[StoredStatement]](list)
    shared = defaultdict[UUID, list[StoredStatement]](list)
    parameters = {"build_ids": array(build_ids)}
    rows = connection.execute(query("refold/read_events"), parameters).fetchall()
    read = _read_before if sum(len(row["statement"]) for row in rows) > LARGE else _stored
    for row in rows:
        (shared if row["shared"] else own)[row["build_id"]].append(read(row))
    for build_id, others in shared.items():
        own[build_id] += verdicts_of_others(own[build_id], others)
    runs = {build_id: _reported_runs(own[build_id]) for build_id in build_ids}
    of_runs = _statements_of_runs(connection, set().union(*runs.values()))
    for build_id, keys in runs.items():
        others = [each for key in keys for each in of_runs.get(key, ())]
        own[build_id] += verdicts_of_others(own[build_id], others)
    return _believed(connection, own)


def _believed(
    connection: Connection, own: Mapping[UUID, list[StoredStatement]]
) -> dict[UUID, list[StoredStatement]]:
    """Return the statements without those of forges whose sender may not write the build."""
    names = {("project", name) for rows in own.values() for name in names_to_compare(rows)}
    if not names:
        return defaultdict(list, own)
    ids = dimensions.find_ids(connection, names)
    return {build_id: believed(rows, ids) for build_id, rows in own.items()}


def _statements_of_runs(
    connection: Connection, run_keys: Iterable[str]
) -> Mapping[str, Sequence[StoredStatement]]:
    """Return what a forge states of whole runs, by run key."""
    found = defaultdict[str, list[StoredStatement]](list)
    if keys := sorted(run_keys):
        parameters = {"run_groups": keys}
        for row in connection.execute(query("refold/read_run_events"), parameters).fetchall():
            found[row["run_key"]].append(_stored(row))
    return found


def _reported_runs(rows: Iterable[StoredStatement]) -> set[str]:
    """Return the runs of these jobs, which a forge may report as a whole. A key that a sender of
    some projects names counts where the forge tells of its job as well."""
    own = (row for row in rows if not row.statement.is_of_checks)
    keys = {row.statement.run.key for row in own if row.native or row.projects is None}
    return {run_group(key) for key in keys} - keys


def _read_before(row: Row) -> StoredStatement:
    """Return a statement of many, which this process may have read before."""
    context = (
        row["source"],
        row["native"],
        row["alias_key"],
        row["projects"] and tuple(row["projects"]),
    )
    key = (row["delivery_id"], row["place"], row["statement"], context)
    return KNOWN.find(key) or KNOWN.keep(key, _stored(row))


def _stored(row: Row) -> StoredStatement:
    row_id = (row["delivery_id"], row["place"])
    projects = tuple(row["projects"]) if row["projects"] is not None else None
    statement = load(row["statement"])
    received = _received(row["delivery_id"])
    return StoredStatement(
        row_id, row["source"], statement, row["native"], row["alias_key"], projects, received
    )


def _received(delivery_id: UUID) -> datetime | None:
    """Return when a delivery came: its id is a UUIDv7, which begins with the milliseconds of Unix
    time (RFC 9562, 5.7)."""
    if delivery_id.version != 7:
        return None
    return datetime.fromtimestamp((delivery_id.int >> 80) / 1000, UTC)


def _parents(connection: Connection) -> dict[str, str | None]:
    rows = connection.execute(query("dimensions/project_tree")).fetchall()
    return {row["name"]: row["parent"] for row in rows}


def _chain(parents: Mapping[str, str | None], project: str | None) -> list[str]:
    """Return a project and those above it, nearest first."""
    chain: list[str] = []
    while project is not None and project in parents and len(chain) < MAX_DEPTH:
        chain.append(project)
        project = parents[project]
    return chain
