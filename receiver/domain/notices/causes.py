"""What changed for an image that somebody may be told of; pure."""

from collections.abc import Mapping
from typing import Any

from receiver.domain.fold.projection import BuildRow

# Which causes a type of notice needs; the others come with time, or with a delivery.
NEEDS = {
    "failed": {"failed"},
    "recovered": {"failed", "completed"},
    "completed": {"completed"},
    "quarantined": {"quarantined"},
}
VERDICTS = ("failed", "completed")


def wanted(types: frozenset[str]) -> frozenset[str]:
    """Return the causes that are worth noting where notices are of these types."""
    return frozenset().union(*(NEEDS.get(each, set()) for each in types))


def cause_of(before: Mapping[str, Any], after: BuildRow) -> str | None:
    """Return the verdict that a build has now and had not: failed or completed, else None.

    `before` has the `status` and the `attempt` of its row. A second delivery of the same verdict is
    no news; the same verdict of another attempt is.
    """
    if after.status not in VERDICTS:
        return None
    same = (before["status"], before["attempt"]) == (after.status, after.attempt)
    return None if same else after.status
