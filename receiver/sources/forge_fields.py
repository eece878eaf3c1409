"""What the forges' formats share: their words for a status, their times, careful reading; pure."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from receiver.domain.model import Event, Failure
from receiver.errors import Invalid

# Words for how something ended → ours; what stands in neither table is kept as it is.
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
    """An object that must be there; Invalid names it where it is null or something else."""
    found = document.get(name)
    if not isinstance(found, Mapping):
        raise Invalid(
            "The payload lacks what its event promises.", fields={name: ["Not an object."]}
        )
    return found


def optional(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """An object, empty where it is null or absent."""
    found = document.get(name)
    return found if isinstance(found, Mapping) else {}


def text(document: Mapping[str, Any], name: str, limit: int = 200) -> str | None:
    """A text, cut; None where it is empty, absent or something else."""
    found = document.get(name)
    return found.strip()[:limit] or None if isinstance(found, str) else None


def number(document: Mapping[str, Any], name: str, path: str = "") -> int:
    """A number that must be there, of any size; Invalid names it."""
    found = document.get(name)
    if isinstance(found, bool) or not isinstance(found, int):
        raise Invalid("The payload lacks an id.", fields={f"{path}{name}": ["Not an integer."]})
    return found


def host_and_path(url: str) -> tuple[str, list[str]]:
    """The host of a URL and the parts of its path; empty for what is no URL."""
    try:
        parts = urlsplit(url)
        return parts.hostname or "", [unquote(part) for part in parts.path.split("/") if part]
    except ValueError:
        return "", []


def moment(value: object) -> datetime | None:
    """ISO 8601 or `2016-08-12 15:23:28 UTC`, in UTC; None for what is no time."""
    return _moment(value.strip()) if isinstance(value, str) else None


@lru_cache(maxsize=4096)  # a job's steps come with each of its deliveries
def _moment(text: str) -> datetime | None:
    found = _TIME.fullmatch(text)
    if not found:
        return None
    zone = (found[3] or "Z").upper().replace("UTC", "Z")
    try:
        return datetime.fromisoformat(f"{found[1]}T{found[2]}{zone}").astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def ended(
    kind: Literal["stage", "build"], at: datetime, word: str, what: str, **more: Any
) -> Event:
    """An ending in our word, with the sender's own beside it; `word` is one of ENDS."""
    failure = None
    if ENDS[word] == "failed" or word in WARNINGS:
        failure = Failure(type=word, message=f"{what} ended with {word}")
    return Event(kind, at, status=ENDS[word], word=word, **{"failure": failure, **more})


def begun(at: datetime | None, word: str) -> list[Event]:
    """The job runs."""
    return [Event("build", at, status="running", word=word)] if at else []


def waits(at: datetime | None, word: str, received: datetime) -> list[Event]:
    """The job waits for a runner, a person or a time."""
    return [Event("build", at or received, status="pending", word=word, dated=at is not None)]
