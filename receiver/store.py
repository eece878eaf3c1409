"""The only writer: one transaction a delivery, committed before it is answered.

Locks are taken in one order everywhere (the delivery's key, names, run keys, builds), so that no
two deliveries wait for each other.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg.types.json import Jsonb

from receiver import meeting, statements, vocabulary
from receiver.db import Connection, Database, Row, query
from receiver.errors import Conflict, Invalid, NotFound, Pruned
from receiver.facts import run_group
from receiver.folding import refold
from receiver.model import Delivery, Parsed, Report, Request, Statement
from receiver.stages import StageMap

# The headers worth keeping; whatever else a proxy adds may be a credential.
KEPT_HEADERS = {
    "content-type",
    "idempotency-key",
    "user-agent",
    "webhook-id",
    "webhook-timestamp",
    "x-github-delivery",
    "x-github-event",
    "x-github-hook-id",
    "x-gitlab-event",
    "x-gitlab-instance",
    "x-gitlab-webhook-uuid",
}
KEPT_PREFIX = "ce-"  # CloudEvents' attributes


@dataclass(frozen=True, slots=True)
class Recorded:
    """Where a delivery went: its id, whether it had been there before, the builds it touched."""

    id: UUID
    duplicate: bool
    outcome: str
    build_numbers: tuple[str, ...] = ()


def known(database: Database, delivery: Delivery) -> Recorded | None:
    """The delivery of this key, if it was kept before; Conflict where its content differs."""
    with database.transaction() as connection:
        return known_on(connection, delivery)


def record(database: Database, delivery: Delivery, parsed: Parsed, stages: StageMap) -> Recorded:
    """Keep a delivery and apply it, or say that it was there; Conflict, Unavailable."""
    with database.transaction() as connection:
        return record_on(connection, delivery, parsed, stages)


def record_on(
    connection: Connection, delivery: Delivery, parsed: Parsed, stages: StageMap
) -> Recorded:
    """The same as a part of the caller's transaction."""
    if not _insert_delivery(connection, delivery, parsed):
        before = known_on(connection, delivery)
        if before:
            return before
    touched = _apply(connection, delivery, parsed, stages)
    _note_heartbeats(connection, delivery, parsed)
    return _recorded(delivery, parsed, touched)


def replay_on(
    connection: Connection,
    delivery_id: UUID,
    read: Callable[[Delivery], Parsed],
    stages: StageMap,
) -> Recorded:
    """Read a kept delivery anew in place of what it had said; NotFound, Pruned.

    It is a part of the caller's transaction.
    """
    delivery = _locked(connection, delivery_id)
    parsed = read(delivery)
    said = connection.execute(query("events_of_delivery"), {"id": delivery_id}).fetchall()
    row = {"outcome": parsed.outcome, "reason": parsed.reason, "flags": list(parsed.flags)}
    connection.execute(query("update_delivery"), row | {"id": delivery_id})
    touched = _apply(connection, delivery, parsed, stages, said)
    return _recorded(delivery, parsed, touched)


def _recorded(delivery: Delivery, parsed: Parsed, touched: tuple[str, ...]) -> Recorded:
    unused = parsed.reports and not touched
    outcome = "ignored" if unused else parsed.outcome
    return Recorded(delivery.id, duplicate=False, outcome=outcome, build_numbers=touched)


def _locked(connection: Connection, delivery_id: UUID) -> Delivery:
    row = connection.execute(query("lock_delivery"), {"id": delivery_id}).fetchone()
    if row is None:
        raise NotFound("There is no such delivery.")
    if row["body"] is None:
        raise Pruned
    request = Request(row["headers"], bytes(row["body"]), row["query"], row["received_at"])
    key = row["delivery_key"]
    return Delivery(row["id"], row["source"], row["sender"], row["event_type"], key, request)


def heard(database: Database, build_numbers: Sequence[str], at: datetime) -> None:
    """Note that these builds' senders are alive; unknown builds are left unknown."""
    with database.transaction() as connection:
        connection.execute(query("heard"), {"build_numbers": list(build_numbers), "at": at})


def _note_heartbeats(connection: Connection, delivery: Delivery, parsed: Parsed) -> None:
    """A heartbeat among other events promises more of them, as one alone does."""
    numbers = [
        statement.build_number
        for statement in parsed.statements
        if any(event.kind == "heartbeat" for event in statement.events)
    ]
    if numbers:
        at = delivery.request.received_at
        connection.execute(query("heard"), {"build_numbers": numbers, "at": at})


def known_on(connection: Connection, delivery: Delivery) -> Recorded | None:
    """The same as a part of the caller's transaction."""
    found = connection.execute(query("find_delivery"), _key(delivery)).fetchone()
    if found is None:
        return None
    same = (found["body_sha256"], found["query"]) == (_digest(delivery), delivery.request.query)
    if delivery.own and not same:
        raise Conflict
    return Recorded(found["id"], duplicate=True, outcome=found["outcome"])


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
        "headers": Jsonb(_kept_headers(request)),
        "query": request.query,
        "body": request.body,
        "body_sha256": _digest(delivery),
        "body_size": len(request.body),
        "received_at": request.received_at,
    }
    return connection.execute(query("insert_delivery"), row).fetchone() is not None


def _kept_headers(request: Request) -> dict[str, str]:
    return {
        name: value
        for name, value in request.headers.items()
        if name in KEPT_HEADERS or name.startswith(KEPT_PREFIX)
    }


def _apply(
    connection: Connection,
    delivery: Delivery,
    parsed: Parsed,
    stages: StageMap,
    before: Sequence[Row] = (),
) -> tuple[str, ...]:
    """Append what was said, decide who meets whom, fold each build touched; give their numbers.

    `before` is what the delivery had said until now: build_id, run_key, alias_key.
    """
    if not (parsed.statements or parsed.reports or before):
        return ()
    told = [*parsed.statements, *(report.statement for report in parsed.reports)]
    vocabulary.ensure(connection, told)
    keys = meeting.lock_keys(connection, {*_keys(parsed), *_keys_before(before)})
    if before:
        connection.execute(query("delete_events"), {"id": delivery.id})
    touched = {row["build_id"] for row in before if row["build_id"]}
    touched |= _keep_all(connection, delivery, parsed)
    touched |= meeting.settle(connection, keys)
    if before:
        builds = {"build_ids": sorted(touched)}
        connection.execute(query("lock_builds"), builds)
        connection.execute(query("delete_silent_builds"), builds)
    return _refold(connection, delivery, touched, stages)


def _keys(parsed: Parsed) -> Iterator[str]:
    for statement in parsed.statements:
        yield statement.run.key
    for report in parsed.reports:
        yield report.statement.run.key
        if report.alias:
            yield report.alias


def _keys_before(before: Sequence[Row]) -> Iterator[str]:
    for row in before:
        yield row["run_key"]
        if row["alias_key"]:
            yield row["alias_key"]


def _keep_all(connection: Connection, delivery: Delivery, parsed: Parsed) -> set[UUID]:
    touched = {
        _keep(connection, delivery, place, statement)
        for place, statement in enumerate(parsed.statements)
    }
    for place, report in enumerate(parsed.reports, len(parsed.statements)):
        _keep_report(connection, delivery, place, report)
    return touched


def _refold(
    connection: Connection, delivery: Delivery, build_ids: Iterable[UUID], stages: StageMap
) -> tuple[str, ...]:
    row = {"build_ids": sorted(build_ids)}
    builds = connection.execute(query("lock_builds"), row).fetchall()
    for build in builds:
        _refuse_another(delivery, build)
        refold(connection, build, stages, delivery.request.received_at)
    return tuple(build["build_number"] for build in builds)


def _refuse_another(delivery: Delivery, build: Row) -> None:
    """Invalid where the build is of a project that the sender may not write."""
    if build["project"] and delivery.projects and build["project"] not in delivery.projects:
        problem = f"This build is of another project than {', '.join(delivery.projects)}."
        raise Invalid(fields={"build.number": [problem]})


def _keep(connection: Connection, delivery: Delivery, place: int, statement: Statement) -> UUID:
    """Append what a hook says of a build; gives the build."""
    build_id = meeting.build_of(connection, statement.build_number)
    row = _event(delivery, place, statement) | {"build_id": build_id}
    connection.execute(query("insert_event"), row)
    times = (event.at for event in statement.events if event.dated)
    meeting.note_hook(connection, build_id, statement, times)
    return build_id


def _keep_report(connection: Connection, delivery: Delivery, place: int, report: Report) -> None:
    """Append what a forge says of a job, under the job's key."""
    row = _event(delivery, place, report.statement) | {
        "alias_key": report.alias,
        "began_at": report.began,
        "ended_at": report.ended,
        "native_number": report.number,
        "run_group": run_group(report.statement.run.key),
    }
    connection.execute(query("insert_report"), row)


def _event(delivery: Delivery, place: int, statement: Statement) -> Row:
    return {
        "delivery_id": delivery.id,
        "place": place,
        "source": delivery.source,
        "run_key": statement.run.key,
        "statement": statements.dump(statement).decode(),
        "manifest": None if statement.manifest is None else Jsonb(statement.manifest),
    }
