"""Failures in groups of one cause: of one component and one shape of their message. Pure."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from receiver.domain import redact
from receiver.domain.failure_shapes import SHAPE_LENGTH, first_line, message_shape
from receiver.domain.images import image_of

Row = dict[str, Any]
TREND_DAYS = 14
MAX_SHOWN = 10  # failures of a group; the counts are of all


def group_failures(rows: Sequence[Row], now: datetime) -> list[Row]:
    """Return groups of one component and message shape, the largest first; `rows` are newest first.

    A group has counts of its failures, builds and images, its first and last time, a real message
    as its `sample`, the ids of its open failures, and a `trend`: its failures on each of the last
    14 days.
    """
    groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
    messages = {row["error_message"] for row in rows}
    # Masked as a whole: the text around a secret tells that it is one.
    shapes = {each: redact.Masked(message_shape(redact.text(each))) for each in messages}
    for row in rows:
        groups[_component(row), shapes[row["error_message"]]].append(row)
    summaries = [
        _summary(component, shape, members, now) for (component, shape), members in groups.items()
    ]
    return sorted(summaries, key=lambda each: (-each["count"], each["component"], each["shape"]))


def _component(row: Row) -> str:
    return row["component"] or row["stage"] or "build"


def _summary(component: str, shape: str, members: Sequence[Row], now: datetime) -> Row:
    sample = first_line(redact.text(members[0]["error_message"]))[:SHAPE_LENGTH]
    times = [row["created_at"] for row in members]
    return {
        "component": component,
        "shape": shape,
        "sample": redact.Masked(sample),
        "varies": len({row["error_message"] for row in members}) > 1,
        "count": len(members),
        "first_at": min(times),
        "last_at": max(times),
        "builds": len({row["build_number"] for row in members}),
        "images": len({image_of(row) for row in members}),
        "open_ids": [row["id"] for row in members if not row.get("resolved_at")],
        "trend": _trend(times, now),
        "failures": members[:MAX_SHOWN],
    }


def _trend(times: Sequence[datetime], now: datetime) -> list[int]:
    days = [0] * TREND_DAYS
    for time in times:
        age = (now - time).days
        if 0 <= age < TREND_DAYS:
            days[TREND_DAYS - 1 - age] += 1
    return days
