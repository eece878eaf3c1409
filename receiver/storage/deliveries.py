"""Deliveries as the inbox keeps them: inserted once under their key, found again under it."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from receiver.domain.model import Delivery, Parsed, Request
from receiver.errors import Conflict, NotFound, Pruned
from receiver.storage.db import Connection, Cursor, Row, array, as_json, query

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
PIECE = 256 * 1024  # bytes of a body in one statement


@dataclass(frozen=True, slots=True)
class Entry:
    """A delivery, and what was understood of it."""

    delivery: Delivery
    parsed: Parsed


@dataclass(frozen=True, slots=True)
class Recorded:
    """Where a delivery went: its id, whether it had been there before, the builds it touched."""

    id: UUID
    duplicate: bool
    outcome: str
    build_numbers: tuple[str, ...] = ()


def send_ahead(connection: Connection, entries: Iterable[Entry]) -> None:
    """Send large bodies but for their last pieces. libpq makes each statement in a buffer that
    doubles and never shrinks: a body at once would take up to twice its size for good."""
    for delivery in (each.delivery for each in entries):
        for place, piece in enumerate(_pieces(delivery)[:-1]):
            row = {"delivery_id": delivery.id, "place": place, "piece": piece}
            connection.execute(query("deliveries/send_piece"), row)


def insert(connection: Connection, entries: Sequence[Entry]) -> Cursor:
    """Keep deliveries; asks for the ids of those whose keys were new."""
    document = {
        "rows": as_json([_row(each.delivery, each.parsed) for each in entries]),
        "last_pieces": [_pieces(each.delivery)[-1] for each in entries],
    }
    kept = connection.execute(query("deliveries/keep_deliveries"), document)
    large = [each.delivery.id for each in entries if len(each.delivery.request.body) > PIECE]
    if large:
        connection.execute(query("deliveries/forget_pieces"), {"delivery_ids": array(large)})
    return kept


def _pieces(delivery: Delivery) -> list[memoryview]:
    """The body in pieces, none of which is a copy; at least one."""
    body = memoryview(delivery.request.body)
    return [body[start : start + PIECE] for start in range(0, max(len(body), 1), PIECE)]


def known(connection: Connection, delivery: Delivery) -> Recorded | None:
    """The delivery of this key, if it was kept before; Conflict where its content differs."""
    return answered(ask(connection, delivery), delivery)


def ask(connection: Connection, delivery: Delivery) -> Cursor:
    """Ask for the delivery of this key; what the cursor gives is read by answered()."""
    row = {"source": delivery.source, "sender": delivery.sender, "delivery_key": delivery.key}
    return connection.execute(query("deliveries/find_delivery"), row)


def answered(asked: Cursor, delivery: Delivery) -> Recorded | None:
    """What was asked for, if it is there; Conflict where its content differs."""
    found = asked.fetchone()
    if found is None:
        return None
    same = (found["body_sha256"], found["query"]) == (
        hashlib.sha256(delivery.request.body).digest(),
        delivery.request.query,
    )
    if delivery.own and not same:
        raise Conflict
    return Recorded(found["id"], duplicate=True, outcome=found["outcome"])


def locked(connection: Connection, delivery_id: UUID) -> Delivery:
    """A kept delivery, for the one transaction that reads it anew; NotFound, Pruned."""
    row = connection.execute(query("deliveries/lock_delivery"), {"id": delivery_id}).fetchone()
    if row is None:
        raise NotFound("There is no such delivery.")
    if row["body"] is None:
        raise Pruned
    request = Request(row["headers"], bytes(row["body"]), row["query"], row["received_at"])
    key = row["delivery_key"]
    return Delivery(row["id"], row["source"], row["sender"], row["event_type"], key, request)


def note_heartbeats(connection: Connection, entries: Iterable[Entry]) -> None:
    """A heartbeat among other events promises more of them, as one alone does."""
    for entry in entries:
        numbers = [
            statement.build_number
            for statement in entry.parsed.statements
            if any(event.kind == "heartbeat" for event in statement.events)
        ]
        if numbers:
            at = entry.delivery.request.received_at
            connection.execute(query("record/heard"), {"build_numbers": numbers, "at": at})


def _row(delivery: Delivery, parsed: Parsed) -> Row:
    request = delivery.request
    return {
        "id": delivery.id,
        "source": delivery.source,
        "sender": delivery.sender,
        "delivery_key": delivery.key,
        "event_type": delivery.event_type,
        "outcome": parsed.outcome,
        "reason": parsed.reason,
        "flags": parsed.flags,
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
