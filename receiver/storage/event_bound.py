"""How many events a build takes: past the bound the stages and resources of hooks and people are
refused. Verdicts, artifacts, manifests and what forges tell is always taken. Checks have a bound of
their own, so that neither scans nor stages use up the other's room."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from msgspec.structs import replace

from receiver.domain.delivery import Delivery
from receiver.domain.fold.projection import BuildRows
from receiver.domain.model import Statement
from receiver.errors import TooManyChecks, TooManyEvents
from receiver.storage.plain_numbers import Joined

MOST = 5_000  # events a build
BOUNDED = ("stage", "resource")
FLAG = "too_many_events"


def check(new: Sequence[Delivery], joined: Joined, folded: Mapping[UUID, BuildRows]) -> None:
    """Raise TooManyEvents if a delivery adds stages or resources to a build that has too many
    events with it, TooManyChecks if it adds checks to one of too many; `joined` tells the builds of
    all statements."""
    for delivery in new:
        for statement in delivery.content.statements:
            rows = [folded[each] for each in joined.builds_of(delivery, statement)]
            count = max(each.events for each in rows)
            if count > MOST and any(event.kind in BOUNDED for event in statement.events):
                raise TooManyEvents(statement.build_number, MOST)
            checks = max(len(each.checks) for each in rows)
            if checks > MOST and statement.checks:
                raise TooManyChecks(statement.build_number, MOST)


def without_bounded(delivery: Delivery, error: TooManyEvents) -> Delivery | None:
    """Return the delivery without what is too much, marked; None if nothing is left of it."""
    drop = _without_checks if isinstance(error, TooManyChecks) else _without_stages
    kept = tuple(filter(None, map(drop, delivery.content.statements)))
    if not kept:
        return None
    content = delivery.content
    flags = (*content.flags, FLAG)
    return replace(delivery, content=replace(content, statements=kept, flags=flags))


def _without_stages(statement: Statement) -> Statement | None:
    events = tuple(event for event in statement.events if event.kind not in BOUNDED)
    return _something(replace(statement, events=events))


def _without_checks(statement: Statement) -> Statement | None:
    return _something(replace(statement, checks=()))


def _something(statement: Statement) -> Statement | None:
    is_beat_alone = all(event.kind == "heartbeat" for event in statement.events)
    return None if is_beat_alone and not statement.checks else statement
