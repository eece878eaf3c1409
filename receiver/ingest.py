"""accept(): verify, identify, parse, then store. No connection is held while it parses."""

from dataclasses import dataclass

from uuid_utils.compat import uuid7

from receiver import store
from receiver.db import Database
from receiver.errors import Invalid
from receiver.model import Delivery, Parsed, Request, Sender, Source
from receiver.stages import StageMap


@dataclass(frozen=True, slots=True)
class Accepted:
    """What the sender is told: the delivery's id, its outcome and the builds it is about.

    `delivery_id` is None where nothing had to be kept (heartbeats).
    """

    delivery_id: str | None
    outcome: str
    duplicate: bool
    build_numbers: tuple[str, ...]


def accept(
    database: Database, stages: StageMap, source: Source, sender: Sender, request: Request
) -> Accepted:
    """Take one request; raises Unauthorized, Conflict, Invalid or Unavailable."""
    source.verify(request, sender.secrets)
    event_type, key = source.identify(request)
    delivery = Delivery(uuid7(), source.name, sender.name, event_type, key, request)
    try:
        parsed = source.parse(request)
    except Invalid:
        before = store.known(database, delivery)
        if before is None:
            raise
        return Accepted(str(before.id), "stored", duplicate=True, build_numbers=())
    numbers = tuple(statement.build_number for statement in parsed.statements)
    if _is_heartbeat(parsed):
        store.heard(database, numbers, request.received_at)
        return Accepted(None, "heard", duplicate=False, build_numbers=numbers)
    recorded = store.record(database, delivery, parsed, stages)
    return Accepted(str(recorded.id), parsed.outcome, recorded.duplicate, numbers)


def _is_heartbeat(parsed: Parsed) -> bool:
    events = [event for statement in parsed.statements for event in statement.events]
    return bool(events) and all(event.kind == "heartbeat" for event in events)
