"""accept(): verify, identify, parse, then store. No connection is held while it parses."""

from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from msgspec.structs import replace
from uuid_utils.compat import uuid7

from receiver.domain.model import Delivery, Identity, Parsed, Report, Request, Sender, Source
from receiver.errors import Invalid
from receiver.ingest import route_suggestions
from receiver.ingest.route_suggestions import Proposal
from receiver.ingest.services import Services
from receiver.ingest.understand import identity, quarantined, understood
from receiver.sources import SOURCES
from receiver.storage import audit, inbox, record
from receiver.storage.audit import Actor, Target
from receiver.storage.db import query
from receiver.storage.deliveries import Entry, Recorded

UNUSED = "no route and no hook makes it a build"  # as note_attached.sql has it


@dataclass(frozen=True, slots=True)
class Accepted:
    """What the sender is told: the delivery's id, its outcome and the builds it is about.

    `delivery_id` is None where nothing had to be kept (heartbeats); `identity` is who a heartbeat
    speaks for, with what the senders file tells of it.
    """

    delivery_id: str | None
    outcome: str
    duplicate: bool
    build_numbers: tuple[str, ...]
    identity: Identity | None = None


def accept(services: Services, source: Source, sender: Sender, request: Request) -> Accepted:
    """Take one request; raises Unauthorized, Conflict, Invalid or Unavailable."""
    database = services.database
    source.verify(request, sender.secrets)
    event_type, key = source.identify(request)
    delivery = Delivery(
        uuid7(),
        source.name,
        sender.name,
        event_type,
        key,
        request,
        projects=sender.projects,
        own=source.own,
    )
    try:
        parsed = understood(services, delivery)
    except Invalid:
        before = record.known(database, delivery)
        if before is None:
            raise
        return _accepted(before)
    if _is_heartbeat(parsed):
        numbers = tuple(statement.build_number for statement in parsed.statements)
        record.heard(database, numbers, request.received_at)
        known_of = identity(parsed.statements[0])
        return Accepted(None, "heard", duplicate=False, build_numbers=numbers, identity=known_of)
    return _accepted(_recorded(services, delivery, parsed))


def _recorded(services: Services, delivery: Delivery, parsed: Parsed) -> Recorded:
    """Keep it; where it would write to another's build, a forge's is kept as quarantined."""
    try:
        return services.batcher.submit(Entry(delivery, parsed))
    except Invalid as error:
        if delivery.own:
            raise
        return services.batcher.submit(Entry(delivery, quarantined(error)))


def _accepted(recorded: Recorded) -> Accepted:
    return Accepted(str(recorded.id), recorded.outcome, recorded.duplicate, recorded.build_numbers)


def replay(services: Services, delivery_id: UUID, who: Actor) -> Accepted:
    """Read a kept delivery with today's parsers, routes and stage map; NotFound, Pruned.

    What today's parser refuses is quarantined, with the reason; so is what today's senders file
    does not let its sender write.
    """

    def read(delivery: Delivery) -> Parsed:
        sender = services.rules.sender(delivery.source, delivery.sender)
        known = replace(delivery, projects=sender.projects if sender else ())
        try:
            return understood(services, known)
        except Invalid as error:
            return quarantined(error)

    with services.database.transaction() as connection:
        before = connection.execute(query("deliveries/what_became"), {"id": delivery_id}).fetchone()
        recorded = record.replay_on(connection, delivery_id, read, services.rules.stages())
        after = {"outcome": recorded.outcome, "builds": recorded.build_numbers}
        target = Target("delivery", id=delivery_id)
        audit.note_change(connection, who, "delivery.replay", target, before, after)
    return _accepted(recorded)


def propose(services: Services, limit: int) -> list[Proposal]:
    """Routes for what nobody used among so many of the newest deliveries."""
    reports: list[Report] = []
    for row in inbox.bodies(services.database, "ignored", UNUSED, limit):
        request = Request(row["headers"], bytes(row["body"]), row["query"], row["received_at"])
        with suppress(Invalid):
            reports += SOURCES[row["source"]].parse(request).reports
    return route_suggestions.propose(reports)


def _is_heartbeat(parsed: Parsed) -> bool:
    events = [event for statement in parsed.statements for event in statement.events]
    return bool(events) and all(event.kind == "heartbeat" for event in events)
