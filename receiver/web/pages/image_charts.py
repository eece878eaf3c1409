"""Coordinates of the charts of one image: its durations, and the stages of its builds; pure."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any

from receiver.domain.image_runs import is_failed, is_good

Row = dict[str, Any]
HEIGHT = 100
STEP, BAR = 20, 14  # of a build, in units of the picture
COLOURS = 7  # stages with a colour of their own; the others are one
OTHERS = "others"


@dataclass(frozen=True, slots=True)
class Dot:
    """A build by its duration."""

    x: int
    y: int
    word: str
    row: Row


@dataclass(frozen=True, slots=True)
class Durations:
    """The durations of builds as dots, with the median and 90th percentile of the good ones: their
    heights from above, and seconds. `top` is the seconds at the top."""

    dots: Sequence[Dot]
    width: int
    top: int
    median_y: int
    p90_y: int
    median_seconds: float
    p90_seconds: float


@dataclass(frozen=True, slots=True)
class Part:
    """A stage of a build: its place in the column, from above, and which colour it has."""

    stage: str
    seconds: float
    y: int
    height: int
    colour: int


@dataclass(frozen=True, slots=True)
class Column:
    """The stages of a build, one on the other."""

    build_number: str
    x: int
    seconds: float
    parts: Sequence[Part]


@dataclass(frozen=True, slots=True)
class Stages:
    """Columns of builds, the oldest first. `legend` has a stage, its colour, the median of its
    seconds, and those of the newest build that had it, by colour."""

    columns: Sequence[Column]
    width: int
    top: float
    legend: Sequence[tuple[str, int, float, float | None]]


def durations(builds: Sequence[Row]) -> Durations | None:
    """Return the durations of the builds that ended well or badly, the oldest first; None where
    fewer than two were good."""
    ended = [row for row in builds if row["duration_seconds"] and (is_good(row) or is_failed(row))]
    good = [row["duration_seconds"] for row in ended if is_good(row)]
    if len(good) < 2:
        return None
    top = max(row["duration_seconds"] for row in ended)
    usual, p90 = median(good), quantiles(good, n=10, method="inclusive")[-1]
    dots = [
        Dot(
            place * STEP + STEP // 2,
            _down(row["duration_seconds"], top),
            "failed" if is_failed(row) else "good",
            row,
        )
        for place, row in enumerate(ended)
    ]
    width = len(ended) * STEP
    return Durations(dots, width, top, _down(usual, top), _down(p90, top), usual, p90)


def stages(rows: Sequence[Row]) -> Stages | None:
    """Return the stages of builds; `rows` are build_number, stage and seconds, the oldest build
    first and its stages in their order. None where there are fewer than two builds."""
    by_build: dict[str, dict[str, float]] = defaultdict(dict)
    for row in rows:
        by_build[row["build_number"]][row["stage"]] = row["seconds"]
    if len(by_build) < 2:
        return None
    colours = _colours(by_build)
    top = max(sum(each.values()) for each in by_build.values())
    columns = [
        _column(number, place, seconds, colours, top)
        for place, (number, seconds) in enumerate(by_build.items())
    ]
    return Stages(columns, len(columns) * STEP, top, _legend(by_build, colours))


def _down(seconds: float, top: float) -> int:
    return round(HEIGHT - seconds / top * HEIGHT)


def _colours(by_build: Mapping[str, Mapping[str, float]]) -> dict[str, int]:
    """Return the colours of the stages that take longest, in the order in which they run."""
    sums: dict[str, float] = defaultdict(float)
    for seconds in by_build.values():
        for stage, each in seconds.items():
            sums[stage] += each
    longest = sorted(sums, key=lambda stage: -sums[stage])[:COLOURS]
    ordered = [stage for stage in sums if stage in longest]
    return {stage: place for place, stage in enumerate(ordered, start=1)}


def _column(
    number: str, place: int, seconds: Mapping[str, float], colours: Mapping[str, int], top: float
) -> Column:
    own = [(stage, seconds[stage], colour) for stage, colour in colours.items() if stage in seconds]
    rest = sum(each for stage, each in seconds.items() if stage not in colours)
    if rest:
        own.append((OTHERS, rest, 0))
    parts, below = [], 0.0
    for stage, each, colour in own:
        upper, lower = _down(below + each, top), _down(below, top)
        parts.append(Part(stage, each, upper, lower - upper, colour))
        below += each
    return Column(number, place * STEP, sum(seconds.values()), parts)


def _legend(
    by_build: Mapping[str, Mapping[str, float]], colours: Mapping[str, int]
) -> list[tuple[str, int, float, float | None]]:
    newest = list(by_build.values())[-1]
    return [
        (
            stage,
            colour,
            median(seconds[stage] for seconds in by_build.values() if stage in seconds),
            newest.get(stage),
        )
        for stage, colour in colours.items()
    ]
