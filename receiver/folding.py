"""Fold all that is known of a build and write what differs."""

from dataclasses import asdict, replace
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from psycopg.types.json import Jsonb

from receiver import statements, timeline, vocabulary
from receiver.db import Connection, Row, query
from receiver.facts import VERDICTS, Kept, run_group
from receiver.model import Event, Identity
from receiver.stages import StageMap, clean
from receiver.timeline import FailureRow, Folded


def refold(connection: Connection, build: Row, stages: StageMap, heard_at: datetime) -> None:
    """Fold everything said of a locked build; `build` has id, build_number, manifest_sha256."""
    numbered = timeline.told(_kept(connection, build))
    known_of = timeline.identity(numbered)
    projects = _chain(connection, known_of.project)
    folded = timeline.fold(numbered, lambda stage: stages.state_of(stage, projects))
    _write(connection, build, folded, known_of, heard_at)


def _kept(connection: Connection, build: Row) -> list[Kept]:
    """Its own rows; of what it shares with others, the verdict where it has none of its own."""
    found = connection.execute(query("read_events"), {"build_id": build["id"]}).fetchall()
    own = [_row(build, row) for row in found if not row["shared"]]
    shared = _judging(own, [_row(build, row) for row in found if row["shared"]])
    known = own + shared
    groups = {run_group(row.statement.run.key) for row in known}
    groups -= {row.statement.run.key for row in known}
    if not groups:
        return known
    rows = connection.execute(query("read_run_events"), {"run_groups": sorted(groups)}).fetchall()
    return known + _judging(known, [_row(build, row) for row in rows])


def _judging(known: list[Kept], others: list[Kept]) -> list[Kept]:
    """Of others, what is said of the whole; their verdict only on runs that nobody judged."""
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
    return replace(row, statement=replace(row.statement, events=events))


def _is_verdict(event: Event) -> bool:
    return event.kind == "build" and event.status in VERDICTS


def _row(build: Row, row: Row) -> Kept:
    place = (row["delivery_id"], row["place"])
    return Kept(place, row["source"], statements.load(build["build_number"], row["statement"]))


def _chain(connection: Connection, project: str | None) -> list[str]:
    """The project and its ancestors, nearest first."""
    if project is None:
        return []
    rows = connection.execute(query("project_chain"), {"name": project}).fetchall()
    return [row["name"] for row in rows]


def _write(
    connection: Connection, build: Row, folded: Folded, known_of: Identity, heard_at: datetime
) -> None:
    build_id = build["id"]
    row = asdict(folded.build) | vocabulary.columns(connection, known_of)
    connection.execute(query("write_build"), row | {"build_id": build_id, "heard_at": heard_at})
    _write_manifest(connection, build, folded)
    for name, rows in _derived(build_id, folded).items():
        connection.execute(query(name), {"build_id": build_id, "rows": Jsonb(rows)})


def _write_manifest(connection: Connection, build: Row, folded: Folded) -> None:
    delivery = folded.build.manifest_from
    if delivery is None or build["manifest_sha256"] == folded.build.manifest_sha256:
        return
    delivery_id, place = delivery
    row = {"build_id": build["id"], "delivery_id": delivery_id, "place": place}
    connection.execute(query("write_manifest"), row | {"sha256": folded.build.manifest_sha256})


def _derived(build_id: UUID, folded: Folded) -> dict[str, list[Any]]:
    states = [
        asdict(row) | {"id": _child_id(build_id, place), "place": place}
        for place, row in enumerate(folded.states)
    ]
    failures = [asdict(row) | {"id": _failure_id(build_id, row)} for row in folded.failures]
    artifacts = [
        asdict(artifact) | {"id": _child_id(build_id, place), "place": place, "attempt": attempt}
        for place, (attempt, artifact) in enumerate(folded.artifacts)
    ]
    resources = [
        asdict(row) | {"id": _child_id(build_id, place), "place": place}
        for place, row in enumerate(folded.resources)
    ]
    return {
        "write_states": states,
        "write_failures": failures,
        "write_artifacts": artifacts,
        "write_resources": resources,
    }


def _child_id(build_id: UUID, place: int) -> UUID:
    """A row's id from its place, next to its build's: it names the row to the upsert."""
    return UUID(int=(build_id.int >> 32 << 32) | place)


def _failure_id(build_id: UUID, row: FailureRow) -> UUID:
    stage = clean(row.stage) if row.stage else ""
    return uuid5(NAMESPACE_URL, f"{build_id}/{row.attempt}/{stage}/{row.occurrence}")
