"""Coordinates and sums for the templates, which do no arithmetic; pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class HistoryBar:
    """A build of the same image as a bar; its height is in 1/30 of the longest."""

    row: Row
    x: int
    height: int


def history(neighbours: Sequence[Row]) -> list[HistoryBar]:
    """Return the last 30 builds of a combination as bars, oldest first."""
    recent = [row for row in neighbours if row["place"] != "after"][-30:]
    longest = max((row["duration_seconds"] or 0 for row in recent), default=0) or 1
    return [
        HistoryBar(row, place * 10, max(4, round((row["duration_seconds"] or 0) / longest * 30)))
        for place, row in enumerate(recent)
    ]


def trend(counts: Sequence[int]) -> list[tuple[int, int]]:
    """Return a bar for each day's count: (x, height up to 20)."""
    most = max(counts, default=0) or 1
    return [(place * 6, round(count / most * 20)) for place, count in enumerate(counts)]


def state(build: Row) -> str:
    """Return a build's state, marked where it is only an estimate: "≈ 95"."""
    return f"≈ {build['current_state']}" if build["estimated"] else str(build["current_state"])
