"""The values of the projects file, each read by the reader of its key. Pure."""

import re
from collections.abc import Callable
from datetime import time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from receiver.domain.model import DIMENSIONS, SCOPES
from receiver.domain.windows import Window
from receiver.settings.durations import parse_duration

_WINDOW = re.compile(r"([0-9]{2}:[0-9]{2})-([0-9]{2}:[0-9]{2}) (\S+)")
_CLOCK = re.compile(r"[0-9]{2}:[0-9]{2}")


def text(value: object) -> str:
    """Return a text that is not empty. Raises ValueError, like each reader here."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError("must be text")
    return value


def texts(value: object) -> tuple[str, ...]:
    """Return a list of texts that is not empty."""
    if not isinstance(value, list) or not value:
        raise ValueError('must be a list of texts, such as ["main"]')
    if not all(isinstance(each, str) and each.strip() for each in value):
        raise ValueError('must be a list of texts, such as ["main"]')
    return tuple(value)


def unstable(value: object) -> str:
    """Return what a build with a warning counts as; "unstable" undoes the project above."""
    if value not in ("completed", "unstable"):
        raise ValueError('must be "completed" or "unstable"')
    return str(value)


def window(value: object) -> Window:
    """Return the window of `20:00-08:00 Europe/Berlin`."""
    match = _WINDOW.fullmatch(value) if isinstance(value, str) else None
    if not match:
        raise ValueError('must be as "20:00-08:00 Europe/Berlin"')
    start, end = clock(match[1]), clock(match[2])
    if start == end:
        raise ValueError("must begin and end at different times")
    try:
        return Window(start, end, ZoneInfo(match[3]))
    except (ValueError, OSError, KeyError) as error:  # an unknown zone is a KeyError
        raise ValueError(f"names the time zone {match[3]}, which is not known here") from error


def clock(value: object) -> time:
    """Return a time of day, such as 07:00."""
    if not isinstance(value, str) or not _CLOCK.fullmatch(value):
        raise ValueError('must be a time of day, such as "07:00"')
    try:
        return time.fromisoformat(value)
    except ValueError as error:
        raise ValueError('must be a time of day, such as "07:00"') from error


def duration(value: object) -> timedelta:
    """Return a time with its unit: 900 alone is seconds to one reader and minutes to another."""
    span = parse_duration(value) if isinstance(value, str) else None
    if not span:
        raise ValueError('must be a time with its unit, such as "90s", "15m", "12h" or "7d"')
    return span


def scope(value: object) -> str:
    """Return a scope."""
    if value not in SCOPES:
        raise ValueError(f"must be one of {', '.join(SCOPES)}")
    return str(value)


def flag(value: object) -> bool:
    """Return true or false."""
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


Reader = Callable[[object], Any]
GROUP: dict[str, Reader] = {"scope": scope, "projects": texts, "override": flag}
PROJECT: dict[str, Reader] = {
    "serve_branches": texts,
    "unstable": unstable,
    "window": window,
    "owner": text,
}
EXPECT: dict[str, Reader] = {
    **dict.fromkeys(DIMENSIONS, text),
    **dict.fromkeys(("every", "grace", "max_age", "max_duration"), duration),
    "ready_by": clock,
    "regions": texts,
}
