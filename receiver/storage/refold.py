"""Fold all that is known of some builds and write what differs, all of them at once."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

from msgspec.structs import asdict, replace

from receiver.domain.fold import fold, statements
from receiver.domain.fold.events import VERDICTS, Kept, run_group
from receiver.domain.fold.projection import Folded
from receiver.domain.model import Event, Identity
from receiver.domain.stages import StageMap
from receiver.storage import dimensions, projections
from receiver.storage.db import Connection, Row, array, as_json, query
from receiver.storage.dimensions import Ids

DEEPEST = 32  # projects above one another


def refold(
    connection: Connection,
    builds: Sequence[Row],
    stages: StageMap,
    heard_at: Mapping[UUID, datetime],
    ids: Ids,
) -> None:
    """Fold everything said of locked builds, each a row of lock_builds.sql.

    `heard_at` is when somebody last spoke of each; `ids` are names that are known already.
    """
    kept = _kept(connection, [build["id"] for build in builds])
    numbered = {build["id"]: fold.told(kept[build["id"]]) for build in builds}
    known_of = {build_id: fold.identity(each) for build_id, each in numbered.items()}
    ids = dimensions.ids_of(connection, known_of.values(), ids)
    chains = _chains(connection, stages, known_of.values())
    folded = {}
    for build_id, each in numbered.items():
        chain = chains.get(known_of[build_id].project or "", ())
        folded[build_id] = fold.fold(each, partial(stages.state_of, projects=chain))
    written = projections.write(connection, builds, folded)
    rows = [
        dimensions.id_columns(ids, known_of[build["id"]])
        | _build_row(build, folded[build["id"]])
        | {"written": written[build["id"]], "heard_at": heard_at.get(build["id"])}
        for build in builds
    ]
    connection.execute(query("projections/write_builds"), {"rows": as_json(rows)})


def _kept(connection: Connection, build_ids: list[UUID]) -> dict[UUID, list[Kept]]:
    """Each one's own rows; of what it shares with others, the verdict where it has none."""
    own, shared = defaultdict[UUID, list[Kept]](list), defaultdict[UUID, list[Kept]](list)
    for row in connection.execute(
        query("refold/read_events"), {"build_ids": array(build_ids)}
    ).fetchall():
        (shared if row["shared"] else own)[row["build_id"]].append(_row(row))
    known = {each: own[each] + _judging(own[each], shared[each]) for each in build_ids}
    return _with_runs(connection, known)


def _with_runs(connection: Connection, known: dict[UUID, list[Kept]]) -> dict[UUID, list[Kept]]:
    """With what a forge says of the whole runs that their jobs are of."""
    groups = {build_id: _groups(rows) for build_id, rows in known.items()}
    wanted = set().union(*groups.values())
    if not wanted:
        return known
    runs = defaultdict[str, list[Kept]](list)
    found = connection.execute(query("refold/read_run_events"), {"run_groups": sorted(wanted)})
    for row in found.fetchall():
        runs[row["run_key"]].append(_row(row))
    return {
        build_id: rows + _judging(rows, [each for key in groups[build_id] for each in runs[key]])
        for build_id, rows in known.items()
    }


def _groups(rows: Iterable[Kept]) -> set[str]:
    """The runs of these jobs that nothing here speaks for itself."""
    keys = {row.statement.run.key for row in rows}
    return {run_group(key) for key in keys} - keys


def _judging(known: list[Kept], others: list[Kept]) -> list[Kept]:
    """Of others, what is said of the whole; their verdict only on runs that nobody judged."""
    if not others:
        return []
    judged = {
        run_group(row.statement.run.key)
        for row in known
        if any(_is_verdict(event) for event in row.statement.events)
    }
    return [_whole(row, run_group(row.statement.run.key) in judged) for row in others]


def _whole(row: Kept, is_judged: bool) -> Kept:
    events = tuple(
        event
        for event in row.statement.events
        if event.kind == "context" or (_is_verdict(event) and not is_judged)
    )
    return Kept(row.id, row.source, replace(row.statement, events=events))


def _is_verdict(event: Event) -> bool:
    return event.kind == "build" and event.status in VERDICTS


def _row(row: Row) -> Kept:
    place = (row["delivery_id"], row["place"])
    return Kept(place, row["source"], statements.load(row["statement"]))


def _chains(
    connection: Connection, stages: StageMap, known_of: Iterable[Identity]
) -> dict[str, list[str]]:
    """Each project with its ancestors, nearest first, where the stage map tells projects apart."""
    if not stages.projects.keys() - {"*"}:
        return {}
    rows = connection.execute(query("dimensions/project_tree")).fetchall()
    parents = {row["name"]: row["parent"] for row in rows}
    return {
        name: _chain(parents, name)
        for each in known_of
        if (name := each.project) and name in parents
    }


def _chain(parents: Mapping[str, str | None], project: str) -> list[str]:
    chain: list[str] = []
    name: str | None = project
    while name is not None and len(chain) < DEEPEST:
        chain.append(name)
        name = parents.get(name)
    return chain


def _build_row(build: Row, folded: Folded) -> Row:
    """Columns of `builds`; with the row that holds the manifest where it is another than before."""
    row = asdict(folded.build) | {"id": build["id"]}
    manifest_from = row.pop("manifest_from")
    if manifest_from and build["manifest_sha256"] != folded.build.manifest_sha256:
        row["delivery_id"], row["place"] = manifest_from
    return row
