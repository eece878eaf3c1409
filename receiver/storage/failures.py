"""Failures: lists of them, groups of alike ones, and how people resolve them.

The fold writes failures; it never writes their resolution.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from receiver.domain import redact
from receiver.domain.failure_shapes import message_shape
from receiver.errors import Invalid, NotFound
from receiver.storage import audit
from receiver.storage.audit import Actor, Target
from receiver.storage.db import Connection, Database, Row, query
from receiver.storage.dimensions import Own, is_within
from receiver.storage.masked import show_masked
from receiver.storage.paging import Page, page_of, page_parameters

TREND_DAYS = 14
MAX_NOTES = 4000
OPEN_WINDOW = 1000  # failures that are searched for the open ones of unfinished builds
OPEN_LIMIT = 300
RESOLVED_LIMIT = 50
DEFAULTS: Row = {"after_time": None, "after_id": None, "by_resolution": False, "unfinished": False}


@dataclass(frozen=True, slots=True)
class Resolution:
    """Whether a failure is resolved or open, with notes."""

    resolved: bool
    notes: str = ""


def failure_groups(database: Database, now: datetime, *, everything: bool) -> dict[str, Any]:
    """Return the newest open failures in groups, and the newest resolved ones.

    Without `everything`, failures of completed builds are left out. Secrets are masked.
    """
    with database.transaction() as connection:
        opened = _select(
            connection, "open", limit=OPEN_LIMIT, window=OPEN_WINDOW, unfinished=not everything
        )
        resolved = _select(connection, "resolved", limit=RESOLVED_LIMIT, by_resolution=True)
    shown: dict[str, Any] = redact.document(
        {"groups": group_failures(opened, now), "resolved": resolved}
    )
    return shown | {"open_count": len(opened)}


def list_failures(database: Database, status: str, limit: int, after: str | None = None) -> Page:
    """Return one page of failures that are `open`, `resolved` or either (`all`), newest first.

    Secrets are masked.
    """
    with database.transaction() as connection:
        rows = _select(connection, status, **page_parameters(limit, after))
    return page_of(redact.document(rows), limit, "created_at")


def _select(connection: Connection, status: str, limit: int, **parameters: object) -> list[Row]:
    row = DEFAULTS | {"status": status, "limit": limit, "window": limit} | parameters
    # Planned anew for each status: one plan for all of them would use no partial index.
    rows = connection.execute(query("failures/list_failures"), row, prepare=False).fetchall()
    show_masked(rows)
    return rows


def resolve_failure(
    database: Database,
    failure_id: UUID,
    resolution: Resolution,
    actor: Actor,
    project: Own = None,
) -> str:
    """Resolve or reopen a failure. Return its build's number.

    Raises NotFound where `project` has no such failure, Invalid where the notes are too long.
    """
    notes = resolution.notes.replace("\0", "").strip()
    if len(notes) > MAX_NOTES:
        raise Invalid(fields={"notes": [f"At most {MAX_NOTES} characters."]})
    after = {"notes": notes or None, "resolved": resolution.resolved}
    with database.transaction() as connection:
        row = connection.execute(
            query("failures/resolve_failure"), after | {"id": failure_id}
        ).fetchone()
        if row is None or not is_within(connection, row["project"], project):
            raise NotFound("There is no such failure.")
        number: str = row["build_number"]
        action = "failure.resolve" if resolution.resolved else "failure.reopen"
        before = {name: row[name] for name in after}
        target = Target("failure", number, failure_id)
        audit.note_change(connection, actor, action, target, before, after)
    return number


def group_failures(rows: Sequence[Row], now: datetime) -> list[Row]:
    """Return groups of one component and message shape, the largest first; pure.

    A group's `trend` counts its failures on each of the last 14 days.
    """
    groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
    messages = {row["error_message"] for row in rows}
    # Masked as a whole: the text around a secret tells that it is one.
    shapes = {each: redact.Masked(message_shape(redact.text(each))) for each in messages}
    for row in rows:
        component = row["component"] or row["stage"] or "build"
        groups[component, shapes[row["error_message"]]].append(row)
    summaries = [
        {
            "component": component,
            "shape": shape,
            "count": len(members),
            "last_at": members[0]["created_at"],
            "builds": len({row["build_number"] for row in members}),
            "trend": _trend(members, now),
            "failures": members[:20],
        }
        for (component, shape), members in groups.items()
    ]
    return sorted(summaries, key=lambda each: (-each["count"], each["component"], each["shape"]))


def _trend(rows: Sequence[Row], now: datetime) -> list[int]:
    days = [0] * TREND_DAYS
    for row in rows:
        age = (now - row["created_at"]).days
        if 0 <= age < TREND_DAYS:
            days[TREND_DAYS - 1 - age] += 1
    return days
