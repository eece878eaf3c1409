"""The stages of a build on the time line of their attempt, with what is still to come; pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from receiver.domain.conditions import expected_end

Row = dict[str, Any]
WIDTH = 1000
MIN_WIDTH = 4
TICKS = (60, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800, 86_400)
MAX_TICKS = 6


@dataclass(frozen=True, slots=True)
class Bar:
    """A state's row with its position on the time line of its attempt, in units of 1/1000."""

    row: Row
    x: int
    width: int


@dataclass(frozen=True, slots=True)
class Lane:
    """A stage of an attempt with all its runs; `ghost` is its usual width, or 0. `is_late` where it
    runs longer than usual."""

    bars: list[Bar]
    ghost: int
    usual: float | None
    slowest: bool
    is_late: bool = False

    @property
    def last(self) -> Row:
        """Return the row of the newest run."""
        return self.bars[-1].row


@dataclass(frozen=True, slots=True)
class Ahead:
    """A stage that has not begun, with where it usually would be."""

    stage: str
    x: int
    width: int
    usual: float


@dataclass(frozen=True, slots=True)
class AttemptLine:
    """One attempt with its lanes on its own time line; ticks are (x, seconds).

    `ahead` are the stages to come of one that runs, and `ends_at` is when it would end, None where
    nothing is usual or it has no expected end.
    """

    number: int
    start: datetime
    seconds: int
    lanes: list[Lane]
    ticks: list[tuple[int, int]]
    ahead: list[Ahead] = field(default_factory=list)
    ends_at: datetime | None = None

    @property
    def unmapped(self) -> list[str]:
        """Return the names of its stages that map to no state, each once."""
        names = [lane.last["stage"] for lane in self.lanes if not lane.last["mapped"]]
        return list(dict.fromkeys(name for name in names if name))


def timeline(
    states: Iterable[Row],
    usual: Mapping[str, float],
    now: datetime | None = None,
    *,
    runs: bool = False,
    condition: str | None = None,
) -> list[AttemptLine]:
    """Group rows by attempt, newest first, and by stage; `usual` has the usual seconds by stage, in
    the order in which stages run. `runs` where the newest attempt does; `condition` is that of the
    build."""
    by_attempt: dict[int, list[Row]] = defaultdict(list)
    for row in states:
        by_attempt[row["attempt"]].append(row)
    now = now or datetime.now(UTC)
    newest = max(by_attempt, default=0)
    lines = [
        _line(number, by_attempt[number], usual, now, runs=runs and number == newest)
        for number in sorted(by_attempt, reverse=True)
    ]
    return [replace(line, ends_at=expected_end(condition, line.ends_at, now)) for line in lines]


def _line(
    number: int, rows: Sequence[Row], usual: Mapping[str, float], now: datetime, *, runs: bool
) -> AttemptLine:
    start = min(row["start_time"] for row in rows)
    end = max(row["end_time"] or max(now, row["start_time"]) for row in rows)
    coming = _coming(rows, usual) if runs else []
    ahead_from = max(end, now) if runs else end
    left = _left_of_open(rows, usual, now) if runs else 0.0
    ends_at = ahead_from + timedelta(seconds=left + sum(seconds for _, seconds in coming))
    span = max(((ends_at if runs else end) - start).total_seconds(), 0.001)
    lanes = _lanes(rows, start, end, span, usual)
    begin = (ahead_from - start).total_seconds() + left
    return AttemptLine(
        number,
        start,
        int((end - start).total_seconds()),
        lanes,
        _ticks(span),
        _ahead(coming, begin, span),
        ends_at if runs and usual else None,
    )


def _lanes(
    rows: Sequence[Row], start: datetime, end: datetime, span: float, usual: Mapping[str, float]
) -> list[Lane]:
    lanes: dict[str, list[Bar]] = defaultdict(list)
    for row in rows:
        begin = (row["start_time"] - start).total_seconds()
        until = ((row["end_time"] or end) - start).total_seconds()
        width = max(MIN_WIDTH, round((until - begin) / span * WIDTH))
        bar = Bar(row, min(round(begin / span * WIDTH), WIDTH - MIN_WIDTH), width)
        lanes[row["stage"] or f"state {row['state']}"].append(bar)
    widest = max((bar.width for bars in lanes.values() for bar in bars), default=0)
    return [
        Lane(
            bars,
            round(min(usual.get(name, 0) / span * WIDTH, WIDTH - bars[0].x)),
            usual.get(name),
            len(lanes) > 1 and any(bar.width == widest for bar in bars),
            _is_late(bars[-1].row, end, usual.get(name)),
        )
        for name, bars in lanes.items()
    ]


def _is_late(row: Row, end: datetime, usual: float | None) -> bool:
    if row["end_time"] is not None or usual is None:
        return False
    return bool((end - row["start_time"]).total_seconds() > usual)


def _coming(rows: Sequence[Row], usual: Mapping[str, float]) -> list[tuple[str, float]]:
    """Return the usual stages behind the last one that has begun."""
    begun = {row["stage"] for row in rows}
    order = list(usual)
    last = max((place for place, stage in enumerate(order) if stage in begun), default=-1)
    return [(stage, usual[stage]) for stage in order[last + 1 :]]


def _left_of_open(rows: Sequence[Row], usual: Mapping[str, float], now: datetime) -> float:
    """Return the seconds that the open stages usually still take."""
    left = (
        usual.get(row["stage"] or "", 0) - (now - row["start_time"]).total_seconds()
        for row in rows
        if row["end_time"] is None
    )
    return float(max(0.0, 0.0, *left))


def _ahead(coming: Sequence[tuple[str, float]], begin: float, span: float) -> list[Ahead]:
    stages = []
    for stage, seconds in coming:
        x = min(round(begin / span * WIDTH), WIDTH - MIN_WIDTH)
        stages.append(Ahead(stage, x, max(MIN_WIDTH, round(seconds / span * WIDTH)), seconds))
        begin += seconds
    return stages


def _ticks(span: float) -> list[tuple[int, int]]:
    step = next((step for step in TICKS if span / step <= MAX_TICKS), TICKS[-1])
    count = min(int(span // step), MAX_TICKS)
    return [(round(each * step / span * WIDTH), each * step) for each in range(1, count + 1)]
