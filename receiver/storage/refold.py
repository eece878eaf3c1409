"""Fold all events of some builds, with those that they share with others."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from uuid import UUID

from msgspec.structs import replace

from receiver.domain.fold import fold
from receiver.domain.fold.belief import believed, names_to_compare
from receiver.domain.fold.events import StoredStatement, run_group, verdicts_of_others
from receiver.domain.fold.projection import BuildRows
from receiver.domain.stage_map import StageMap
from receiver.storage import carried_folds, dimensions
from receiver.storage.carried_folds import Said, StageNames, statements_of_runs
from receiver.storage.db import Connection, array, query
from receiver.storage.read_statements import read

LARGE = 2**16  # characters of statements, as about 300 events have


def fold_builds(
    connection: Connection, build_ids: Sequence[UUID], stages: StageMap
) -> dict[UUID, BuildRows]:
    """Return the rows of each of these locked builds."""
    if not build_ids:
        return {}
    parents = _parents(connection) if stages.projects.keys() - {"*"} else {}
    names = StageNames(stages, parents)
    folded = carried_folds.carried(connection, build_ids, names)
    rest = [build_id for build_id in build_ids if build_id not in folded]
    for build_id, said in _statements(connection, rest).items():
        rows, attempts = fold.fold_attempts(said.statements, names.states_of)
        carried_folds.keep(build_id, said, rows, attempts, names)
        folded[build_id] = rows
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


def _statements(connection: Connection, build_ids: Sequence[UUID]) -> dict[UUID, Said]:
    """Return each build's own statements; of shared jobs and whole runs the part that counts."""
    if not build_ids:
        return {}
    parameters = {"build_ids": array(build_ids)}
    rows = connection.execute(query("refold/read_events"), parameters).fetchall()
    is_large = sum(len(row["statement"]) for row in rows) > LARGE
    said = {build_id: Said(is_large=is_large) for build_id in build_ids}
    for row in rows:
        said[row["build_id"]].add(row, read(row, is_large=is_large))
    for each in said.values():
        each.statements += verdicts_of_others(each.statements, each.shared)
        each.runs = frozenset(_reported_runs(each.statements))
    of_runs = statements_of_runs(connection, set().union(*(each.runs for each in said.values())))
    for each in said.values():
        each.of_runs = [one for key in sorted(each.runs) for one in of_runs.get(key, ())]
        each.statements += verdicts_of_others(each.statements, each.of_runs)
    _leave_disbelieved(connection, said.values())
    return said


def _leave_disbelieved(connection: Connection, said: Collection[Said]) -> None:
    """Leave out the statements of forges whose sender may not write the build."""
    names = {("project", name) for each in said for name in names_to_compare(each.statements)}
    if names:
        ids = dimensions.find_ids(connection, names)
        for each in said:
            each.statements = believed(each.statements, ids)


def _reported_runs(rows: Iterable[StoredStatement]) -> set[str]:
    """Return the runs of these jobs, which a forge may report as a whole. A key that a sender of
    some projects names counts where the forge tells of its job as well."""
    own = (row for row in rows if not row.statement.is_of_checks)
    keys = {row.statement.run.key for row in own if row.native or row.projects is None}
    return {run_group(key) for key in keys} - keys


def _parents(connection: Connection) -> dict[str, str | None]:
    rows = connection.execute(query("dimensions/project_tree")).fetchall()
    return {row["name"]: row["parent"] for row in rows}
