"""How many events a build takes: past the bound the stages and resources of hooks and people are
refused. Verdicts, artifacts, manifests and what forges tell is always taken."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from msgspec.structs import replace

from receiver.domain.fold.projection import BuildRows
from receiver.domain.model import Delivery, Statement
from receiver.errors import TooManyEvents

MOST = 5_000  # events a build
BOUNDED = ("stage", "resource")
FLAG = "too_many_events"


def check(
    new: Sequence[Delivery], builds: Mapping[str, UUID], folded: Mapping[UUID, BuildRows]
) -> None:
    """Raise TooManyEvents if a delivery adds stages or resources to a build that has too many
    events with it; `builds` are those of all numbers."""
    for delivery in new:
        for statement in delivery.content.statements:
            count = folded[builds[statement.build_number]].events
            if count > MOST and any(event.kind in BOUNDED for event in statement.events):
                raise TooManyEvents(MOST)


def without_bounded(delivery: Delivery) -> Delivery | None:
    """Return the delivery with what is always taken, marked; None if it has nothing of that."""
    kept = tuple(filter(None, map(_kept, delivery.content.statements)))
    if not kept:
        return None
    content = delivery.content
    flags = (*content.flags, FLAG)
    return replace(delivery, content=replace(content, statements=kept, flags=flags))


def _kept(statement: Statement) -> Statement | None:
    events = tuple(event for event in statement.events if event.kind not in BOUNDED)
    is_beat_alone = all(event.kind == "heartbeat" for event in events)
    return None if is_beat_alone else replace(statement, events=events)
