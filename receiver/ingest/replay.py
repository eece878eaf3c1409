"""Read a kept delivery again, with today's parsers, routes, senders and stage map."""

from uuid import UUID

from msgspec.structs import replace

from receiver.domain.model import Content, Delivery, Outcome
from receiver.domain.quarantine import quarantine
from receiver.errors import Invalid
from receiver.ingest.accept import content_of, decoded_body
from receiver.ingest.rules import Rules
from receiver.ingest.services import Services
from receiver.sources import SOURCES
from receiver.storage import audit, deliveries, events, record
from receiver.storage.audit import Actor, Target


def replay(services: Services, delivery_id: UUID, actor: Actor) -> Outcome:
    """Replace the events of a kept delivery. Raises NotFound, Pruned.

    A delivery that today's parser refuses, or that its sender may not write, is quarantined.
    """
    with services.database.transaction() as connection:
        before = deliveries.read_outcome(connection, delivery_id)
        delivery = deliveries.lock(connection, delivery_id)
        delivery = replace(delivery, content=_content(services.rules, delivery))
        replaced = events.of_delivery(connection, delivery_id)
        outcome = record.record_one(connection, delivery, services.rules.stages(), replaced)
        after = {"outcome": outcome.kind, "builds": outcome.build_numbers}
        target = Target("delivery", id=delivery_id)
        audit.note_change(connection, actor, "delivery.replay", target, before, after)
    return outcome


def _content(rules: Rules, delivery: Delivery) -> Content:
    sender = rules.sender(delivery.source, delivery.sender)
    delivery = replace(delivery, projects=sender.projects if sender else ())
    try:
        body = decoded_body(SOURCES[delivery.source], delivery.request)
        return content_of(rules, delivery, body)
    except Invalid as error:
        return quarantine(error)
