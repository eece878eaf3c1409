"""Durations as people write them in settings and options: a number and a unit."""

import re
from datetime import timedelta

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
LONGEST = timedelta(days=36_500)  # so that a time so long ago is one that a calendar has
_SHAPE = re.compile(r"([0-9]{1,9})([smhd])")


def parse_duration(text: str) -> timedelta | None:
    """Return fifteen minutes for `15m`; None for other text, and for a number without a unit."""
    match = _SHAPE.fullmatch(text)
    span = timedelta(seconds=int(match[1]) * UNITS[match[2]]) if match else None
    return span if span is None or span <= LONGEST else None
