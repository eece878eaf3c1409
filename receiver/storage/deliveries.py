"""Deliveries: inserted once under their key, found again under it, listed, read for a replay."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from uuid import UUID

from receiver import log
from receiver.domain.delivery import Delivery, Outcome, Request
from receiver.errors import Conflict, Contended, NotFound, Pruned
from receiver.storage.body_encoding import decode, encode
from receiver.storage.db import Connection, Cursor, Database, Row, array, as_json, query
from receiver.storage.paging import Page, page_of, page_parameters

# Headers to keep; any other one that a proxy adds may be a credential.
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
BODIES_AT_ONCE = 4  # of a forge, up to 5 MiB each
KEPT_PREFIX = "ce-"  # CloudEvents' attributes


@dataclass(frozen=True, slots=True)
class Filter:
    """Which deliveries to list; None fits all. `sender` '' is a source's default one."""

    source: str | None = None
    sender: str | None = None
    outcome: str | None = None
    reason: str | None = None
    delivery_key: str | None = None


def insert(connection: Connection, deliveries: Sequence[Delivery]) -> Cursor:
    """Insert deliveries. Return a cursor over the ids of those whose keys are new."""
    parameters = {"rows": as_json([_row(each) for each in deliveries])}
    return connection.execute(query("deliveries/insert_deliveries"), parameters)


def keep_bodies(connection: Connection, deliveries: Sequence[Delivery]) -> None:
    """Keep the bodies of inserted deliveries, of those that may be kept."""
    kept = [each for each in deliveries if each.content.keeps_body]
    if kept:
        bodies, encodings = zip(*(encode(each.request.body) for each in kept), strict=True)
        parameters = {
            "ids": array(each.id for each in kept),
            "bodies": list(bodies),
            "encodings": list(encodings),
        }
        connection.execute(query("deliveries/insert_bodies"), parameters)


def replace_content(connection: Connection, delivery: Delivery) -> Cursor:
    """Delete the events of a kept delivery, and set its outcome. Return a cursor over its id."""
    connection.execute(query("events/delete_events"), {"id": delivery.id})
    content = delivery.content
    row = {"outcome": content.outcome, "reason": content.reason, "flags": list(content.flags)}
    return connection.execute(query("deliveries/update_delivery"), row | {"id": delivery.id})


def ask(connection: Connection, delivery: Delivery) -> Cursor:
    """Return a cursor over the kept delivery of the same key."""
    parameters = {
        "source": delivery.source,
        "sender": delivery.sender,
        "delivery_key": delivery.key,
    }
    return connection.execute(query("deliveries/find_delivery"), parameters)


def duplicate_of(delivery: Delivery, row: Row | None) -> Outcome | None:
    """Return the outcome of the kept delivery in this row of find_delivery.sql.

    Raises Conflict if a delivery of ours has the same key and another content.
    """
    if row is None:
        return None
    is_same = (row["body_sha256"], row["query"]) == (
        hashlib.sha256(delivery.request.body).digest(),
        delivery.request.query,
    )
    if delivery.own and not is_same:
        raise Conflict
    return Outcome(row["id"], row["outcome"], duplicate=True)


def lock(connection: Connection, delivery_id: UUID) -> Delivery:
    """Return a kept delivery, locked, to be replayed. Raises NotFound, Pruned."""
    row = connection.execute(query("deliveries/lock_delivery"), {"id": delivery_id}).fetchone()
    if row is None:
        raise NotFound("There is no such delivery.")
    body = _body(row)
    if body is None:
        raise Pruned
    request = Request(row["headers"], body, row["query"], row["received_at"])
    key = row["delivery_key"]
    return Delivery(row["id"], row["source"], row["sender"], row["event_type"], key, request)


def read_outcome(connection: Connection, delivery_id: UUID) -> Row | None:
    """Return outcome and builds of a kept delivery, None if there is none."""
    parameters = {"id": delivery_id}
    return connection.execute(query("deliveries/read_outcome"), parameters).fetchone()


def list_page(database: Database, filters: Filter, limit: int, after: str | None = None) -> Page:
    """Return a page of deliveries, newest first."""
    with database.transaction() as connection:
        return list_page_on(connection, filters, limit, after)


def list_page_on(
    connection: Connection, filters: Filter, limit: int, after: str | None = None
) -> Page:
    """Return a page of deliveries, newest first, read on this connection."""
    parameters = asdict(filters) | page_parameters(limit, after)
    # Planned anew for each set of filters: one plan for all of them would read the whole table.
    rows = connection.execute(query("deliveries/list_deliveries"), parameters, prepare=False)
    return page_of(rows.fetchall(), limit, "received_at")


def read(database: Database, delivery_id: UUID) -> Row:
    """Return a delivery with its body, which is None if it was pruned. Raises NotFound."""
    with database.transaction() as connection:
        row = connection.execute(query("deliveries/show_delivery"), {"id": delivery_id}).fetchone()
    if row is None:
        raise NotFound("There is no such delivery.")
    body = _body(row)
    del row["encoding"]
    return row | {"body": body}


def senders(database: Database) -> list[Row]:
    """Return every sender with the time of its last delivery, and counts of an hour and a day."""
    with database.transaction() as connection:
        return connection.execute(query("deliveries/senders_heard")).fetchall()


def requests(
    database: Database, outcome: str, reason: str, limit: int
) -> Iterator[tuple[str, Request]]:
    """Yield source and request of the newest deliveries of an outcome and a reason that have a
    body. They come through a cursor of the server, a few at a time: all may take gigabytes."""
    parameters = {"outcome": outcome, "reason": reason, "limit": limit}
    with database.transaction() as connection, connection.cursor("bodies") as cursor:
        cursor.itersize = BODIES_AT_ONCE
        for row in cursor.execute(query("deliveries/list_bodies"), parameters):
            body = _body(row)
            if body is not None:
                request = Request(row["headers"], body, row["query"], row["received_at"])
                yield row["source"], request


def _body(row: Row) -> bytes | None:
    """Return the body of a row with body, encoding and body_size; None where it is gone."""
    if row["body"] is None:
        return None
    body = decode(bytes(row["body"]), row["encoding"], row["body_size"])
    if body is None:
        log.get().warning("a kept body is damaged", received_at=row["received_at"].isoformat())
    return body


def _row(delivery: Delivery) -> Row:
    request, content = delivery.request, delivery.content
    return {
        "id": delivery.id,
        "source": delivery.source,
        "sender": delivery.sender,
        "delivery_key": delivery.key,
        "event_type": delivery.event_type,
        "outcome": content.outcome,
        "reason": content.reason,
        "flags": content.flags,
        "headers": _kept_headers(request),
        "query": request.query,
        "body_sha256": hashlib.sha256(request.body).hexdigest(),
        "body_size": len(request.body),
        "received_at": request.received_at,
    }


def _kept_headers(request: Request) -> dict[str, str]:
    return {
        name: value
        for name, value in request.headers.items()
        if name in KEPT_HEADERS or name.startswith(KEPT_PREFIX)
    }


def with_duplicates(
    connection: Connection, deliveries: Sequence[Delivery], outcomes: Mapping[UUID, Outcome]
) -> list[Outcome | Conflict]:
    """Return the outcome of each delivery. The earlier one of a duplicate is read after the writes:
    it may have come in the same transaction."""
    earlier = {each.id: ask(connection, each) for each in deliveries if each.id not in outcomes}
    return [
        outcomes[each.id] if each.id in outcomes else _duplicate(each, earlier[each.id].fetchone())
        for each in deliveries
    ]


def _duplicate(delivery: Delivery, earlier: Row | None) -> Outcome | Conflict:
    try:
        outcome = duplicate_of(delivery, earlier)
    except Conflict as error:
        return error
    if outcome is None:  # pruned between two statements
        raise Contended("The delivery was removed meanwhile.")
    return outcome
