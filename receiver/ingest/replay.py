"""Read a kept delivery again, with today's parsers, routes, senders and stage map."""

from collections.abc import Sequence
from uuid import UUID

from msgspec.structs import replace

from receiver.domain.delivery import Content, Delivery, Outcome
from receiver.domain.quarantine import quarantine
from receiver.errors import Invalid, SenderGone
from receiver.ingest.accept import content_of, decoded_body
from receiver.ingest.rules import Rules
from receiver.ingest.services import Services
from receiver.sources import SOURCES
from receiver.storage import audit, deliveries, events, record
from receiver.storage.audit import Actor, Target
from receiver.storage.db import Row


def replay(services: Services, delivery_id: UUID, actor: Actor) -> Outcome:
    """Replace the events of a kept delivery. Raises NotFound, Pruned, Unavailable.

    A delivery that today's parser refuses is quarantined. One whose sender is gone, or may not
    write the build, changes nothing: raises SenderGone, Invalid.
    """
    services.rules.stored.renew_now()  # a sender that has just gone writes nothing any more
    with services.database.transaction() as connection:
        before = deliveries.read_outcome(connection, delivery_id)
        delivery = deliveries.lock(connection, delivery_id)
        replaced = events.of_delivery(connection, delivery_id)
        delivery = replace(delivery, projects=_projects(services.rules, delivery, replaced))
        delivery = replace(delivery, content=_content(services.rules, delivery))
        outcome = record.record_one(connection, delivery, services.rules.stages(), replaced)
        after = {"outcome": outcome.kind, "builds": outcome.build_numbers}
        target = Target("delivery", id=delivery_id)
        audit.note_change(connection, actor, "delivery.replay", target, before, after)
    return outcome


def _projects(rules: Rules, delivery: Delivery, replaced: Sequence[Row]) -> tuple[str, ...]:
    """Return the projects that the sender may write today; a person's statement keeps its own.

    The default sender of a source writes all, also where its secret is set elsewhere. Raises
    SenderGone.
    """
    if delivery.source == "api":
        return tuple(next((row["projects"] for row in replaced if row["projects"]), ()))
    if not delivery.sender:
        return ()
    sender = rules.sender(delivery.source, delivery.sender)
    if sender is None:
        raise SenderGone(delivery.source, delivery.sender)
    return sender.projects


def _content(rules: Rules, delivery: Delivery) -> Content:
    try:
        body = decoded_body(SOURCES[delivery.source], delivery.request)
        return content_of(rules, delivery, body)
    except Invalid as error:
        return quarantine(error)
