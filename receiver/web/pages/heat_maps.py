"""Tables whose cells have a colour by their number: a picture for those who see it, and a table for
those who hear it. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MAX_ROWS = 12
LEVELS = 4  # of colour, beside none
SLOW = (200, 160, 140, 120)  # percent of what is usual, for the levels from the highest on


@dataclass(frozen=True, slots=True)
class Cell:
    """A number and its level, 0 to 4; a number that is None was not measured."""

    value: float | None
    level: int


@dataclass(frozen=True, slots=True)
class HeatMap:
    """Rows of cells under the names of columns; `left_out` is the number of further rows."""

    columns: Sequence[str]
    rows: Sequence[tuple[str, Sequence[Cell]]]
    left_out: int


def counts(rows: Iterable[Mapping[str, object]], columns: Mapping[int, str]) -> HeatMap:
    """Return the map of rows of stage, night (a place among `columns`) and count; those of most
    first."""
    places = list(columns)
    by_stage: dict[str, list[int]] = defaultdict(lambda: [0] * len(columns))
    for row in rows:
        place = int(str(row["night"]))
        if place in columns:
            by_stage[str(row["stage"])][places.index(place)] += int(str(row["count"]))
    most = max((max(each) for each in by_stage.values()), default=0)
    ordered = sorted(by_stage.items(), key=lambda item: (-sum(item[1]), item[0]))
    shown = [
        (stage, [Cell(value or None, _level(value, most)) for value in values])
        for stage, values in ordered[:MAX_ROWS]
    ]
    return HeatMap(list(columns.values()), shown, len(ordered) - len(shown))


def ratios(rows: Iterable[Mapping[str, Any]], columns: Mapping[int, str], last: int) -> HeatMap:
    """Return the map of stages' median seconds, each as percent of the median of all its nights; of
    the `last` nights, the stages that take longest first."""
    whole = {row["stage"]: row["median_seconds"] for row in rows if row["night"] is None}
    nights = {
        (row["stage"], row["night"]): row["median_seconds"]
        for row in rows
        if row["night"] is not None
    }
    places = list(columns)[-last:]
    ordered = sorted(whole, key=lambda stage: (-whole[stage], stage))
    shown = [
        (stage, [_ratio(nights.get((stage, place)), whole[stage]) for place in places])
        for stage in ordered[:MAX_ROWS]
    ]
    return HeatMap([columns[place] for place in places], shown, len(ordered) - len(shown))


def _ratio(seconds: float | None, usual: float) -> Cell:
    """Return a cell that is coloured from a fifth above what is usual on."""
    if seconds is None:
        return Cell(None, 0)
    percent = round(seconds / usual * 100)
    return Cell(
        percent, next((LEVELS - place for place, least in enumerate(SLOW) if percent >= least), 0)
    )


def _level(value: int, most: int) -> int:
    return 0 if value == 0 else max(1, round(value / most * LEVELS))
