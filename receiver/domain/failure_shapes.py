"""What failures of one cause have in common; pure."""

import re
from collections.abc import Iterator

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
    return _VARYING.sub("#", first_line(message))[:SHAPE_LENGTH]


def first_line(message: str) -> str:
    """Return the first line that is not empty, at most four times as long as a shape."""
    first = next((line for line in message.splitlines() if line.strip()), "").strip()
    return first[: 4 * SHAPE_LENGTH]


def pieces(line: str) -> Iterator[tuple[str, bool]]:
    """Yield the pieces of a line, each with whether it may vary between occurrences.

    >>> list(pieces("after 31 s"))
    [('after ', False), ('31', True), (' s', False)]
    """
    place = 0
    for match in _VARYING.finditer(line):
        if match.start() > place:
            yield line[place : match.start()], False
        yield match[0], True
        place = match.end()
    if place < len(line):
        yield line[place:], False
