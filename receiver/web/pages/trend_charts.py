"""Coordinates of the charts of `/trends`; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]
HEIGHT = 100
STEP, BAR = 20, 14  # of a night, in units of the picture


@dataclass(frozen=True, slots=True)
class NightBar:
    """Good and failed builds of a night: heights of the two parts of its bar, from below."""

    label: str
    x: int
    good: int
    failed: int
    row: Row


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars with the width of the whole picture and the number at its top."""

    bars: Sequence[NightBar]
    width: int
    top: int


@dataclass(frozen=True, slots=True)
class Lines:
    """Median and 90th percentile as the points of two lines, with the seconds at the top."""

    median: str
    p90: str
    width: int
    top: int


def by_place(rows: Sequence[Row], labels: Mapping[int, str]) -> list[tuple[str, Row]]:
    """Return the row of every night, the oldest first; of one without builds an empty one."""
    places = {row["night"]: row for row in rows}
    return [(label, places.get(place, {})) for place, label in labels.items()]


def success(nights: Sequence[tuple[str, Row]]) -> Chart:
    """Return a bar for each night, as high as it has builds."""
    most = max((_total(row) for _, row in nights), default=0) or 1
    bars = []
    for place, (label, row) in enumerate(nights):
        good = round((row.get("completed") or 0) / most * HEIGHT)
        failed = round((row.get("failed") or 0) / most * HEIGHT)
        failed = max(failed, 2) if row.get("failed") else 0
        bars.append(NightBar(label, place * STEP, min(good, HEIGHT - failed), failed, row))
    return Chart(bars, max(len(bars), 1) * STEP, most)


def durations(nights: Sequence[tuple[str, Row]]) -> Lines:
    """Return the lines of the durations of good builds; a night without any has no point."""
    top = max((row.get("p90_seconds") or 0 for _, row in nights), default=0) or 1
    return Lines(
        _points(nights, "median_seconds", top),
        _points(nights, "p90_seconds", top),
        max(len(nights), 1) * STEP,
        top,
    )


def _points(nights: Sequence[tuple[str, Row]], column: str, top: int) -> str:
    return " ".join(
        f"{place * STEP + STEP // 2},{round(HEIGHT - row[column] / top * HEIGHT)}"
        for place, (_, row) in enumerate(nights)
        if row.get(column) is not None
    )


def _total(row: Row) -> int:
    return (row.get("completed") or 0) + (row.get("failed") or 0)
