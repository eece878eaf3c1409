"""Coordinates and sums for the templates, which do no arithmetic; pure."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from receiver.domain.conditions import shown

Row = dict[str, Any]
MANY = 60  # with more combinations than this, a group starts closed
EMPTY_PLACES = 4  # of a table, for each build in it


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


def state(build: Row) -> str:
    """Return a build's state, marked where it is only an estimate: "≈ 95"."""
    return f"≈ {build['current_state']}" if build["estimated"] else str(build["current_state"])
