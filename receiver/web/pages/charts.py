"""Numbers for the templates, which do no arithmetic themselves; pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

Row = dict[str, Any]
WIDTH = 1000
NARROWEST = 4
DASH = "\N{EN DASH}"
TICKS = (60, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800, 86_400)
MOST_TICKS = 6
MANY = 60  # combinations, above which a group starts closed


@dataclass(frozen=True, slots=True)
class Bar:
    """A state's row with its place on the attempt's time line, in units of 1/1000."""

    row: Row
    x: int
    width: int


@dataclass(frozen=True, slots=True)
class Lane:
    """A stage of an attempt with its tries side by side; `ghost` is its usual width, or 0."""

    bars: list[Bar]
    ghost: int
    usual: float | None
    slowest: bool

    @property
    def last(self) -> Row:
        """The row of the newest try."""
        return self.bars[-1].row


@dataclass(frozen=True, slots=True)
class AttemptLine:
    """One attempt: its lanes against its own span of time; ticks are (x, seconds)."""

    number: int
    start: datetime
    seconds: int
    lanes: list[Lane]
    ticks: list[tuple[int, int]]

    @property
    def unmapped(self) -> list[str]:
        """The names of its stages that map to no state, each once."""
        names = [lane.last["stage"] for lane in self.lanes if not lane.last["mapped"]]
        return list(dict.fromkeys(name for name in names if name))


def timeline(
    states: Iterable[Row], usual: Mapping[str, float], now: datetime | None = None
) -> list[AttemptLine]:
    """Group rows by attempt, newest first, and by stage; `usual` gives stages their seconds."""
    by_attempt: dict[int, list[Row]] = defaultdict(list)
    for row in states:
        by_attempt[row["attempt"]].append(row)
    moment = now or datetime.now(UTC)
    return [
        _line(number, by_attempt[number], usual, moment)
        for number in sorted(by_attempt, reverse=True)
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
        width = max(NARROWEST, round((until - begin) / span * WIDTH))
        bar = Bar(row, min(round(begin / span * WIDTH), WIDTH - NARROWEST), width)
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
    step = next((step for step in TICKS if span / step <= MOST_TICKS), TICKS[-1])
    count = min(int(span // step), MOST_TICKS)
    return [(round(each * step / span * WIDTH), each * step) for each in range(1, count + 1)]


@dataclass(frozen=True, slots=True)
class Grid:
    """One project's combinations as a table: rows are platform and OS version, columns types.

    `cells` holds for each row one build or None a column; `depth` is its place in the tree.
    """

    project: str | None
    depth: int
    types: list[str]
    rows: list[tuple[str, str, list[Row | None]]]
    counts: dict[str, int]

    @property
    def total(self) -> int:
        """How many combinations it has."""
        return sum(self.counts.values())


def grids(builds: Sequence[Row], parents: Mapping[str, str | None]) -> list[Grid]:
    """The grid by project, each below its parent; those without one come last."""
    by_project: dict[str | None, list[Row]] = defaultdict(list)
    for build in builds:
        by_project[build["project"]].append(build)
    chains = {name: _chain(name, parents) for name in by_project if name}
    ordered = sorted(chains, key=lambda name: chains[name])
    found = [
        _grid(name, sum(each in by_project for each in chains[name][:-1]), by_project[name])
        for name in ordered
    ]
    return found + ([_grid(None, 0, by_project[None])] if None in by_project else [])


def _chain(name: str, parents: Mapping[str, str | None]) -> tuple[str, ...]:
    """The project's ancestors from the root on, and itself."""
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
        counts["stalled" if build["stalled"] else build["status"]] += 1
    rows = [(*key, [line.get(each) for each in types]) for key, line in lines.items()]
    return Grid(project, depth, types, rows, dict(counts))


@dataclass(frozen=True, slots=True)
class Past:
    """A build of the same image as a bar: its height in 1/30 of the longest."""

    row: Row
    x: int
    height: int


def history(near: Sequence[Row]) -> list[Past]:
    """The last 30 builds of a combination as bars, oldest first."""
    shown = [row for row in near if row["place"] != "after"][-30:]
    longest = max((row["duration_seconds"] or 0 for row in shown), default=0) or 1
    return [
        Past(row, place * 10, max(4, round((row["duration_seconds"] or 0) / longest * 30)))
        for place, row in enumerate(shown)
    ]


def trend(counts: Sequence[int]) -> list[tuple[int, int]]:
    """Bars of a count a day: (x, height up to 20)."""
    most = max(counts, default=0) or 1
    return [(place * 6, round(count / most * 20)) for place, count in enumerate(counts)]


def changes(build: Row, near: Sequence[Row]) -> Row | None:
    """The last good build before one, and what differs from it: duration in per cent."""
    before = [row for row in near if row["place"] == "before" and row["status"] == "completed"]
    if not before:
        return None
    good = before[-1]
    old, new = good["duration_seconds"], build["duration_seconds"]
    percent = round((new - old) / old * 100) if old and new and build["end_time"] else None
    return {"good": good, "percent": percent, "is_other_commit": _differ(build, good)}


def _differ(build: Row, good: Row) -> bool:
    return bool(build["commit_sha"] and build["commit_sha"] != good["commit_sha"])


def duration(seconds: float | None) -> str:
    """A span for people, two units at most; a dash where there is none."""
    if seconds is None:
        return DASH
    whole = int(seconds)
    units = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
    parts = []
    for name, size in units:
        count, whole = divmod(whole, size)
        if count:
            parts.append(f"{count} {name}")
    return " ".join(parts[:2]) or "0 s"
