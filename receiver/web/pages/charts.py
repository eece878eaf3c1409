"""Coordinates and sums for the templates, which do no arithmetic; pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from receiver.domain.conditions import shown

Row = dict[str, Any]
WIDTH = 1000
MIN_WIDTH = 4
TICKS = (60, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800, 86_400)
MAX_TICKS = 6
MANY = 60  # with more combinations than this, a group starts closed
EMPTY_PLACES = 4  # of a table, for each build in it


@dataclass(frozen=True, slots=True)
class Bar:
    """A state's row with its position on the time line of its attempt, in units of 1/1000."""

    row: Row
    x: int
    width: int


@dataclass(frozen=True, slots=True)
class Lane:
    """A stage of an attempt with all its runs; `ghost` is its usual width, or 0."""

    bars: list[Bar]
    ghost: int
    usual: float | None
    slowest: bool

    @property
    def last(self) -> Row:
        """Return the row of the newest run."""
        return self.bars[-1].row


@dataclass(frozen=True, slots=True)
class AttemptLine:
    """One attempt with its lanes on its own time line; ticks are (x, seconds)."""

    number: int
    start: datetime
    seconds: int
    lanes: list[Lane]
    ticks: list[tuple[int, int]]

    @property
    def unmapped(self) -> list[str]:
        """Return the names of its stages that map to no state, each once."""
        names = [lane.last["stage"] for lane in self.lanes if not lane.last["mapped"]]
        return list(dict.fromkeys(name for name in names if name))


def timeline(
    states: Iterable[Row], usual: Mapping[str, float], now: datetime | None = None
) -> list[AttemptLine]:
    """Group rows by attempt, newest first, and by stage; `usual` has the usual seconds by stage."""
    by_attempt: dict[int, list[Row]] = defaultdict(list)
    for row in states:
        by_attempt[row["attempt"]].append(row)
    now = now or datetime.now(UTC)
    return [
        _line(number, by_attempt[number], usual, now) for number in sorted(by_attempt, reverse=True)
    ]


def _line(
    number: int, rows: Sequence[Row], usual: Mapping[str, float], now: datetime
) -> AttemptLine:
    start = min(row["start_time"] for row in rows)
    end = max(row["end_time"] or max(now, row["start_time"]) for row in rows)
    span = max((end - start).total_seconds(), 0.001)
    lanes: dict[str, list[Bar]] = defaultdict(list)
    for row in rows:
        begin = (row["start_time"] - start).total_seconds()
        until = ((row["end_time"] or end) - start).total_seconds()
        width = max(MIN_WIDTH, round((until - begin) / span * WIDTH))
        bar = Bar(row, min(round(begin / span * WIDTH), WIDTH - MIN_WIDTH), width)
        lanes[row["stage"] or f"state {row['state']}"].append(bar)
    widest = max((bar.width for bars in lanes.values() for bar in bars), default=0)
    several = len(lanes) > 1
    drawn = [
        Lane(
            bars,
            round(min(usual.get(name, 0) / span * WIDTH, WIDTH - bars[0].x)),
            usual.get(name),
            several and any(bar.width == widest for bar in bars),
        )
        for name, bars in lanes.items()
    ]
    return AttemptLine(number, start, int(span), drawn, _ticks(span))


def _ticks(span: float) -> list[tuple[int, int]]:
    step = next((step for step in TICKS if span / step <= MAX_TICKS), TICKS[-1])
    count = min(int(span // step), MAX_TICKS)
    return [(round(each * step / span * WIDTH), each * step) for each in range(1, count + 1)]


@dataclass(frozen=True, slots=True)
class Grid:
    """One project's combinations as a table: a row is platform and OS version, a column a type.

    A row has one build or None in each column; `depth` is the depth in the tree of projects. Where
    most places would be empty there are no columns: a row has its builds one after the other.
    """

    project: str | None
    depth: int
    types: list[str]
    rows: Sequence[tuple[str, str, Sequence[Row | None]]]
    counts: dict[str, int]

    @property
    def total(self) -> int:
        """Return the number of its combinations."""
        return sum(self.counts.values())


def grids(builds: Sequence[Row], parents: Mapping[str, str | None]) -> list[Grid]:
    """Return a grid by project, each after its parent; builds without a project come last."""
    by_project: dict[str | None, list[Row]] = defaultdict(list)
    for build in builds:
        by_project[build["project"]].append(build)
    chains = {name: _chain(name, parents) for name in by_project if name}
    ordered = sorted(chains, key=lambda name: chains[name])
    by_name = [
        _grid(name, sum(each in by_project for each in chains[name][:-1]), by_project[name])
        for name in ordered
    ]
    return by_name + ([_grid(None, 0, by_project[None])] if None in by_project else [])


def _chain(name: str, parents: Mapping[str, str | None]) -> tuple[str, ...]:
    """Return the project's ancestors from the root on, then itself."""
    chain = [name]
    while (parent := parents.get(chain[0])) and parent not in chain:
        chain.insert(0, parent)
    return tuple(chain)


def _grid(project: str | None, depth: int, builds: Sequence[Row]) -> Grid:
    types = sorted({build["image_type"] for build in builds})
    lines: dict[tuple[str, str], dict[str, Row]] = defaultdict(dict)
    counts: dict[str, int] = defaultdict(int)
    for build in builds:
        lines[(build["platform"], build["os_version"])][build["image_type"]] = build
        counts[shown(build)] += 1
    if len(types) * len(lines) > EMPTY_PLACES * max(len(builds), MANY):
        types = []
    rows = [
        (*key, [line.get(each) for each in types] if types else list(line.values()))
        for key, line in lines.items()
    ]
    return Grid(project, depth, types, rows, dict(counts))


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


def changes(build: Row, neighbours: Sequence[Row]) -> Row | None:
    """Return the last good build before this one, and the differences from it."""
    before = [
        row for row in neighbours if row["place"] == "before" and row["status"] == "completed"
    ]
    if not before:
        return None
    good = before[-1]
    old, new = good["duration_seconds"], build["duration_seconds"]
    percent = round((new - old) / old * 100) if old and new and build["end_time"] else None
    return {"good": good, "percent": percent, "is_other_commit": _differ(build, good)}


def _differ(build: Row, good: Row) -> bool:
    return bool(build["commit_sha"] and build["commit_sha"] != good["commit_sha"])


def state(build: Row) -> str:
    """Return a build's state, marked where it is only an estimate: "≈ 95"."""
    return f"≈ {build['current_state']}" if build["estimated"] else str(build["current_state"])
