"""What failures of one cause have in common; pure."""

import re

SHAPE_LENGTH = 160
_VARYING = re.compile(
    r"[0-9a-f]{8}-[0-9a-f-]{27}|\b(?:i|ami|vol|snap|sg|subnet|vpc)-[0-9a-f]+\b|0x[0-9a-f]+"
    r"|\b[0-9a-f]{12,}\b|\d+(?:[.:]\d+)*",
    re.IGNORECASE,
)


def message_shape(message: str) -> str:
    """Return the first line without the parts that vary between occurrences.

    >>> message_shape("timeout after 31 s on i-0abc12")
    'timeout after # s on #'
    """
    first = next((line for line in message.splitlines() if line.strip()), "").strip()
    return _VARYING.sub("#", first[: 4 * SHAPE_LENGTH])[:SHAPE_LENGTH]
