"""Failures, open ones grouped by what they have in common. A reader beside reads."""

import re
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from receiver.domain import redact
from receiver.storage.db import Database, Row, query
from receiver.storage.paging import Page, page_of, page_parameters

DAYS = 14
SHAPE_LENGTH = 160
_VARYING = re.compile(
    r"[0-9a-f]{8}-[0-9a-f-]{27}|\b(?:i|ami|vol|snap|sg|subnet|vpc)-[0-9a-f]+\b|0x[0-9a-f]+"
    r"|\b[0-9a-f]{12,}\b|\d+(?:[.:]\d+)*",
    re.IGNORECASE,
)


def failures(database: Database, now: datetime, *, everything: bool) -> dict[str, Any]:
    """The newest open failures in groups, and the newest resolved ones.

    Without `everything` those of builds that are good by now are left out. What looks secret is
    masked, here and below.
    """
    opened, resolved = _read(database, everything=everything)
    shown: dict[str, Any] = redact.document({"groups": grouped(opened, now), "resolved": resolved})
    return shown | {"open_count": len(opened)}


def listed(database: Database, status: str, limit: int, after: str | None = None) -> Page:
    """A page of failures that are `open`, `resolved` or either (`all`), and the next one's cursor.

    The newest first, without groups.
    """
    row = page_parameters(limit, after) | {"status": status}
    with database.transaction() as connection:
        # Planned anew for each status: one plan for all of them would use no partial index.
        rows = connection.execute(query("failures/list_failures"), row, prepare=False).fetchall()
    return page_of(redact.document(rows), limit, "created_at")


def _read(database: Database, *, everything: bool) -> list[list[Row]]:
    with database.transaction() as connection:
        opened = connection.execute(
            query("failures/open_failures"), {"everything": everything}
        ).fetchall()
        resolved = connection.execute(query("failures/resolved_failures")).fetchall()
    return [opened, resolved]


def shape(message: str) -> str:
    """The first line without what differs from one occurrence to the next; pure.

    >>> shape("timeout after 31 s on i-0abc12")
    'timeout after # s on #'
    """
    first = next((line for line in message.splitlines() if line.strip()), "").strip()
    return _VARYING.sub("#", first[: 4 * SHAPE_LENGTH])[:SHAPE_LENGTH]


def grouped(rows: Sequence[Row], now: datetime) -> list[Row]:
    """Groups of one component and shape, the largest first; `trend` counts each of 14 days."""
    groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
    messages = {row["error_message"] for row in rows}
    # Masked as a whole: what stands around a secret tells that it is one.
    shapes = {each: shape(redact.text(each)) for each in messages}
    for row in rows:
        component = row["component"] or row["stage"] or "build"
        groups[component, shapes[row["error_message"]]].append(row)
    found = [
        {
            "component": component,
            "shape": text,
            "count": len(members),
            "last_at": members[0]["created_at"],
            "builds": len({row["build_number"] for row in members}),
            "trend": _trend(members, now),
            "failures": members[:20],
        }
        for (component, text), members in groups.items()
    ]
    return sorted(found, key=lambda group: (-group["count"], group["component"], group["shape"]))


def _trend(rows: Sequence[Row], now: datetime) -> list[int]:
    days = [0] * DAYS
    for row in rows:
        age = (now - row["created_at"]).days
        if 0 <= age < DAYS:
            days[DAYS - 1 - age] += 1
    return days
