"""Shared by the forges' formats: their words for a status, their times, careful reading."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from receiver.domain.model import Event, Failure
from receiver.errors import Invalid

# A forge's word for an end → our status; a word in no table is left as it is.
ENDS = {
    "success": "completed",
    "passed": "completed",
    "neutral": "completed",
    "unstable": "completed",
    "failure": "failed",
    "failed": "failed",
    "error": "failed",
    "timed_out": "failed",
    "startup_failure": "failed",
    "stale": "failed",
    "cancelled": "cancelled",
    "canceled": "cancelled",
    "cancel": "cancelled",
    "aborted": "cancelled",
    "skipped": "skipped",
    "skip": "skipped",
    "not_built": "skipped",
}
SKIPPED = tuple(word for word, status in ENDS.items() if status == "skipped")
WARNINGS = ("neutral", "unstable")
WAITING = (
    "queued",
    "requested",
    "waiting",
    "pending",
    "action_required",
    "created",
    "waiting_for_resource",
    "waiting_for_callback",
    "preparing",
    "manual",
    "scheduled",
)
RUNNING = ("in_progress", "running", "canceling", "started")

_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d(?:\.\d{1,9})?) ?(Z|UTC|[+-]\d\d:?\d\d)?", re.I
)


def section(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return a required object. Raises Invalid if it is null or something else."""
    value = document.get(name)
    if not isinstance(value, dict):
        raise Invalid(
            "The payload lacks an object of its event.", fields={name: ["Not an object."]}
        )
    return value


def optional(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return an object, empty if it is null or absent."""
    value = document.get(name)
    return value if isinstance(value, dict) else {}


def text(document: Mapping[str, Any], name: str, limit: int = 200) -> str | None:
    """Return a text, cut; None if it is empty, absent or something else."""
    value = document.get(name)
    return value.strip()[:limit] or None if isinstance(value, str) else None


def number(document: Mapping[str, Any], name: str, path: str = "") -> int:
    """Return a required integer of any size. Raises Invalid."""
    value = document.get(name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise Invalid("The payload lacks an id.", fields={f"{path}{name}": ["Not an integer."]})
    return value


def names(**raw: str | None) -> dict[str, str]:
    """Return the raw names that are there, by their place, for the inference of the image."""
    return {place: name for place, name in raw.items() if name}


def host_and_path(url: str) -> tuple[str, list[str]]:
    """Return the host of a URL and the parts of its path; empty if it is no URL."""
    try:
        parts = urlsplit(url)
        return parts.hostname or "", [unquote(part) for part in parts.path.split("/") if part]
    except ValueError:
        return "", []


def moment(value: object) -> datetime | None:
    """Return the time of ISO 8601 or `2016-08-12 15:23:28 UTC`, in UTC; None if it is no time."""
    return _moment(value.strip()) if isinstance(value, str) else None


@lru_cache(maxsize=4096)  # a job's steps come with each of its deliveries
def _moment(text: str) -> datetime | None:
    match = _TIME.fullmatch(text)
    if not match:
        return None
    zone = (match[3] or "Z").upper().replace("UTC", "Z")
    try:
        return datetime.fromisoformat(f"{match[1]}T{match[2]}{zone}").astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def ended(
    kind: Literal["stage", "build"], at: datetime, word: str, what: str, **more: Any
) -> Event:
    """Return the event of an end, with the forge's own word, one of ENDS."""
    status = ENDS[word]
    if "failure" not in more and (status == "failed" or word in WARNINGS):
        more["failure"] = Failure(type=word, message=f"{what} ended with {word}")
    return Event(kind, at, status=status, word=word, **more)


def never_ran(at: datetime | None, word: str, received: datetime) -> Event:
    """Return the event of a job that is over and never began: skipped, or not played by anybody.

    It is a cancelled verdict whose word, one of NEVER_RAN, lets it give way to any other one.
    """
    return Event("build", at or received, status="cancelled", word=word, dated=at is not None)


def begun(at: datetime | None, word: str) -> list[Event]:
    """Return the event of a running job; none if its time is unknown."""
    return [Event("build", at, status="running", word=word)] if at else []


def waits(at: datetime | None, word: str, received: datetime) -> list[Event]:
    """Return the event of a job that waits for a runner, a person or a time."""
    return [Event("build", at or received, status="pending", word=word, dated=at is not None)]
