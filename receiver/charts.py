"""Numbers for the templates, which do no arithmetic themselves; pure."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

Row = dict[str, Any]
WIDTH = 1000
NARROWEST = 4
DASH = "\N{EN DASH}"


@dataclass(frozen=True, slots=True)
class Bar:
    """A state's row with its place on the attempt's time line, in units of 1/1000."""

    row: Row
    x: int
    width: int


@dataclass(frozen=True, slots=True)
class AttemptLine:
    """One attempt: its rows against its own span of time."""

    number: int
    start: datetime
    seconds: int
    bars: list[Bar]

    @property
    def unmapped(self) -> list[str]:
        """The names of its stages that map to no state, each once."""
        names = [bar.row["stage"] for bar in self.bars if not bar.row["mapped"]]
        return list(dict.fromkeys(name for name in names if name))


def timeline(states: Iterable[Row], now: datetime | None = None) -> list[AttemptLine]:
    """Group rows by attempt, newest first, each row a bar between its attempt's ends."""
    by_attempt: dict[int, list[Row]] = defaultdict(list)
    for row in states:
        by_attempt[row["attempt"]].append(row)
    moment = now or datetime.now(UTC)
    return [
        _line(number, by_attempt[number], moment) for number in sorted(by_attempt, reverse=True)
    ]


def _line(number: int, rows: list[Row], now: datetime) -> AttemptLine:
    start = min(row["start_time"] for row in rows)
    end = max(row["end_time"] or max(now, row["start_time"]) for row in rows)
    span = max((end - start).total_seconds(), 0.001)
    bars = []
    for row in rows:
        begin = (row["start_time"] - start).total_seconds()
        until = ((row["end_time"] or end) - start).total_seconds()
        width = max(NARROWEST, round((until - begin) / span * WIDTH))
        bars.append(Bar(row, min(round(begin / span * WIDTH), WIDTH - NARROWEST), width))
    return AttemptLine(number, start, int(span), bars)


def grouped(builds: Iterable[Row]) -> dict[str, list[Row]]:
    """The grid's cells by project; those without one come last, under a dash."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for build in builds:
        groups[build["project"] or DASH].append(build)
    return dict(sorted(groups.items(), key=lambda each: (each[0] == DASH, each[0])))


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
