"""The only writer: one transaction a delivery, committed before it is answered.

Locks are taken in one order everywhere (the delivery's key, names, the build), so that no two
deliveries wait for each other.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from psycopg.types.json import Jsonb
from uuid_utils.compat import uuid7

from receiver import names, statements, timeline
from receiver.db import Connection, Database, Row, query
from receiver.errors import Conflict
from receiver.facts import Kept
from receiver.model import DIMENSIONS, Delivery, Identity, Parsed, Statement
from receiver.stages import StageMap, clean
from receiver.timeline import FailureRow, Folded

# The headers worth keeping; whatever else a proxy adds may be a credential.
KEPT_HEADERS = ("content-type", "user-agent", "webhook-id", "webhook-timestamp")
Ids = dict[tuple[str, str], UUID]

_CREATE: dict[str, Callable[[str], Row]] = {
    "platform": names.platform,
    "os_version": names.os_version,
    "image_type": names.image_type,
    "project": names.project,
}


@dataclass(frozen=True, slots=True)
class Recorded:
    """Where a delivery went: its id, and whether it had been there before."""

    id: UUID
    duplicate: bool


def known(database: Database, delivery: Delivery) -> Recorded | None:
    """The delivery of this key, if it was kept before; Conflict where its content differs."""
    with database.transaction() as connection:
        return _known(connection, delivery)


def record(database: Database, delivery: Delivery, parsed: Parsed, stages: StageMap) -> Recorded:
    """Keep a delivery and apply it, or say that it was there; Conflict, Unavailable."""
    with database.transaction() as connection:
        if not _insert_delivery(connection, delivery, parsed):
            before = _known(connection, delivery)
            if before:
                return before
        ids = _ids(connection, parsed.statements)
        told = sorted(enumerate(parsed.statements), key=lambda each: each[1].build_number)
        for place, statement in told:
            _apply(connection, delivery, place, statement, ids, stages)
    return Recorded(delivery.id, duplicate=False)


def heard(database: Database, build_numbers: Sequence[str], at: datetime) -> None:
    """Note that these builds' senders are alive; unknown builds are left unknown."""
    with database.transaction() as connection:
        connection.execute(query("heard"), {"build_numbers": list(build_numbers), "at": at})


def _known(connection: Connection, delivery: Delivery) -> Recorded | None:
    found = connection.execute(query("find_delivery"), _key(delivery)).fetchone()
    if found is None:
        return None
    same = (found["body_sha256"], found["query"]) == (_digest(delivery), delivery.request.query)
    if not same:
        raise Conflict
    return Recorded(found["id"], duplicate=True)


def _key(delivery: Delivery) -> Row:
    return {
        "source": delivery.source,
        "sender": delivery.sender,
        "delivery_key": delivery.key,
    }


def _digest(delivery: Delivery) -> bytes:
    return hashlib.sha256(delivery.request.body).digest()


def _insert_delivery(connection: Connection, delivery: Delivery, parsed: Parsed) -> bool:
    request = delivery.request
    row = _key(delivery) | {
        "id": delivery.id,
        "event_type": delivery.event_type,
        "outcome": parsed.outcome,
        "reason": parsed.reason,
        "flags": list(parsed.flags),
        "headers": Jsonb(
            {name: value for name, value in request.headers.items() if name in KEPT_HEADERS}
        ),
        "query": request.query,
        "body": request.body,
        "body_sha256": _digest(delivery),
        "body_size": len(request.body),
        "received_at": request.received_at,
    }
    return connection.execute(query("insert_delivery"), row).fetchone() is not None


def _ids(connection: Connection, told: Iterable[Statement]) -> Ids:
    """The ids of every name in these statements, created where a table lacks it."""
    wanted = {("platform", names.UNKNOWN), ("os_version", names.UNKNOWN)}
    wanted.add(("image_type", names.UNKNOWN))
    for statement in told:
        for said in (statement.said, statement.custom, statement.inferred):
            wanted |= {(name, value) for name in DIMENSIONS if (value := getattr(said, name))}
    ids = _find(connection, wanted)
    missing = sorted(wanted - ids.keys())
    for dimension, name in missing:
        connection.execute(query(f"insert_{dimension}"), _CREATE[dimension](name))
    return ids | _find(connection, set(missing)) if missing else ids


def _find(connection: Connection, wanted: set[tuple[str, str]]) -> Ids:
    lists: dict[str, list[str]] = {dimension: [] for dimension in DIMENSIONS}
    for dimension, name in wanted:
        lists[dimension].append(name)
    rows = connection.execute(query("find_names"), lists).fetchall()
    return {(row["dimension"], row["name"]): row["id"] for row in rows}


def _apply(
    connection: Connection,
    delivery: Delivery,
    place: int,
    statement: Statement,
    ids: Ids,
    stages: StageMap,
) -> None:
    """Append what was said of one build and fold all that is known of it."""
    build = _lock(connection, statement, ids)
    row = {
        "delivery_id": delivery.id,
        "place": place,
        "build_id": build["id"],
        "source": delivery.source,
        "run_key": statement.run.key,
        "statement": statements.dump(statement).decode(),
        "manifest": None if statement.manifest is None else Jsonb(statement.manifest),
    }
    connection.execute(query("insert_event"), row)
    connection.execute(query("insert_run_key"), row)
    refold(connection, build, statement.build_number, stages, delivery.request.received_at)


def _lock(connection: Connection, statement: Statement, ids: Ids) -> Row:
    number = {"build_number": statement.build_number}
    build = connection.execute(query("lock_build"), number).fetchone()
    if build is None:
        row = number | {"id": uuid7()} | _dimension_ids(ids, Identity())
        connection.execute(query("insert_build"), row)
        build = connection.execute(query("lock_build"), number).fetchone()
    assert build is not None  # noqa: S101  # inserted by us or, committed, by another sender
    return build


def _dimension_ids(ids: Ids, known_of: Identity) -> Row:
    return {
        f"{name}_id": ids.get((name, getattr(known_of, name) or names.UNKNOWN))
        for name in DIMENSIONS
    }


def refold(
    connection: Connection, build: Row, number: str, stages: StageMap, heard_at: datetime
) -> None:
    """Fold everything said of a locked build and write what differs."""
    rows = connection.execute(query("read_events"), {"build_id": build["id"]}).fetchall()
    kept = [
        Kept(
            (row["delivery_id"], row["place"]),
            row["source"],
            statements.load(number, row["statement"]),
        )
        for row in rows
    ]
    numbered = timeline.told(kept)
    known_of = timeline.identity(numbered)
    projects = _chain(connection, known_of.project)
    folded = timeline.fold(numbered, lambda stage: stages.state_of(stage, projects))
    _write(connection, build, folded, known_of, heard_at)


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
    wanted = {(name, getattr(known_of, name) or names.UNKNOWN) for name in DIMENSIONS}
    row = asdict(folded.build) | _dimension_ids(_find(connection, wanted), known_of)
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
    return {"write_states": states, "write_failures": failures, "write_artifacts": artifacts}


def _child_id(build_id: UUID, place: int) -> UUID:
    """A row's id from its place, next to its build's: it names the row to the upsert."""
    return UUID(int=(build_id.int >> 32 << 32) | place)


def _failure_id(build_id: UUID, row: FailureRow) -> UUID:
    stage = clean(row.stage) if row.stage else ""
    return uuid5(NAMESPACE_URL, f"{build_id}/{row.attempt}/{stage}/{row.occurrence}")
