"""The nights of every image: what was due, what came of it, and the row of its last fourteen. Pure.

How often an image is built is what `[[expect]]` states, else the median of the days between the
nights in which one began. A night is due where that many days have passed. An image
that was not built for three times as long, and for a week, is no longer waited for.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from itertools import pairwise, takewhile
from statistics import median
from typing import Any

from receiver.domain.image_runs import Image, began_at, ended_at, has_ended, is_failed, is_good
from receiver.domain.nights import shown_period
from receiver.domain.windows import Period, Window, period_named

Row = dict[str, Any]
CELLS = 14
REACH = 14 * 7  # windows that are looked at for the cells of a weekly image
GIVEN_UP = 7  # days, at least, until nobody waits for an image any more
SECOND = "second"  # good, after a failed build or attempt of the same night
GOOD = ("good", SECOND)
BAD = ("failed", "missing")


@dataclass(frozen=True, slots=True)
class Cell:
    """One due night of an image: good, second, failed, cancelled, running, missing or waiting (it
    is not over); with its last build and how many it had."""

    day: date
    word: str
    build: Row | None = None
    builds: int = 0


@dataclass(frozen=True)
class ImageNights:
    """An image with its last due nights, the oldest first. `tonight` is that of the night shown,
    None where it was not due; `before` is the due night before it."""

    image: Image
    cells: Sequence[Cell]
    tonight: Cell | None
    before: Cell | None

    @cached_property
    def success(self) -> int | None:
        """The percentage of good nights among those that ended."""
        ended = [cell for cell in self.cells if cell.word in (*GOOD, "failed")]
        return round(sum(cell.word in GOOD for cell in ended) / len(ended) * 100) if ended else None

    @cached_property
    def usual_seconds(self) -> float | None:
        """The median of the durations of its good builds."""
        seconds = [
            build["duration_seconds"]
            for build in self.image.builds
            if is_good(build) and build["duration_seconds"]
        ]
        return median(seconds) if seconds else None

    @cached_property
    def is_in_trouble(self) -> bool:
        """Whether somebody should look at it."""
        return self.image.is_failed or (self.tonight is not None and self.tonight.word in BAD)

    def in_a_row(self, word: str) -> int:
        """Return how many of its last due nights that are over were of this word, one after the
        other."""
        ended = [cell.word for cell in self.cells if cell.word not in ("running", "waiting")]
        return len(list(takewhile(lambda each: each == word, reversed(ended))))

    @cached_property
    def became(self) -> str | None:
        """Whether it newly failed or is good again, against the due night before."""
        if not self.tonight or not self.before:
            return None
        was, now = self.before.word, self.tonight.word
        if now == "failed" and was in GOOD:
            return "failed"
        return "good" if now in GOOD and was in BAD else None


@dataclass(slots=True)
class Calendar:
    """The windows of each project up to the night that is shown; each is worked out once."""

    hours: Mapping[str | None, Window | None]
    now: datetime
    day: date | None = None
    _known: dict[Window | None, tuple[list[Period], list[datetime]]] = field(default_factory=dict)

    def periods(self, project: str | None) -> tuple[list[Period], list[datetime]]:
        """Return the last windows of a project, the oldest first, and their ends; the last one is
        shown."""
        hours = self.hours.get(project)
        if hours not in self._known:
            shown = period_named(self.day, hours) if self.day else shown_period(self.now, hours)
            periods = [
                period_named(shown.day - timedelta(days=back), hours)
                for back in range(REACH - 1, -1, -1)
            ]
            self._known[hours] = periods, [period.end for period in periods]
        return self._known[hours]


def image_nights(image: Image, calendar: Calendar, every: int | None = None) -> ImageNights:
    """Return the nights of an image; `every` is the number of nights from one build to the next,
    where somebody states it."""
    periods, ends = calendar.periods(image.names["project"])
    by_place = _by_place(image.builds, periods, ends)
    every = every or _days_between(sorted(by_place))
    cells: list[Cell] = []
    first = min(by_place, default=len(periods))  # nothing is due before the first build
    for place in range(len(periods) - 1, first - 1, -1):
        if cell := _cell(place, periods[place], by_place, every, calendar.now):
            cells.append(cell)
        if len(cells) == CELLS:
            break
    is_due = bool(cells) and cells[0].day == periods[-1].day
    tonight = cells[0] if is_due else None
    rest = cells[1:] if is_due else cells
    return ImageNights(image, cells[::-1], tonight, rest[0] if rest else None)


def _by_place(
    builds: Sequence[Row], periods: Sequence[Period], ends: Sequence[datetime]
) -> dict[int, list[Row]]:
    """Return the builds by the place of their window, the newest first."""
    found: dict[int, list[Row]] = {}
    for build in builds:
        began = began_at(build)
        place = bisect_right(ends, began)
        if place < len(periods) and began >= periods[place].since:
            found.setdefault(place, []).append(build)
    return found


def _days_between(places: Sequence[int]) -> int | None:
    """Return the usual number of windows from one that has builds to the next; None for one."""
    gaps = [after - before for before, after in pairwise(places)]
    return max(1, round(median(gaps))) if gaps else None


def _cell(
    place: int,
    period: Period,
    by_place: Mapping[int, Sequence[Row]],
    every: int | None,
    now: datetime,
) -> Cell | None:
    """Return what came of a window, None where nothing was due and nothing was built."""
    builds = by_place.get(place)
    if not builds:
        before = max((each for each in by_place if each < place), default=None)
        if every is None or before is None or not every <= place - before <= _patience(every):
            return None
        return Cell(period.day, "waiting" if now < period.end else "missing")
    ended = [build for build in builds if has_ended(build)]
    if ended:
        last = max(ended, key=_order) if len(ended) > 1 else ended[0]
        return Cell(period.day, _word(last, ended), last, len(builds))
    running = next((build for build in builds if build["status"] in ("running", "pending")), None)
    if running:
        return Cell(period.day, "running", running, len(builds))
    return Cell(period.day, "cancelled", builds[0], len(builds))


def _order(build: Row) -> tuple[datetime, datetime]:
    return ended_at(build), build["created_at"]


def _patience(every: int) -> int:
    return max(GIVEN_UP, 3 * every)


def _word(last: Row, ended: Sequence[Row]) -> str:
    if is_failed(last):
        return "failed"
    return SECOND if last["attempt"] > 1 or any(map(is_failed, ended)) else "good"


def summary(rows: Sequence[ImageNights]) -> Row:
    """Return the numbers of the night: how many images were due, and by word."""
    due = [row.tonight for row in rows if row.tonight]
    counts = {word: sum(cell.word == word for cell in due) for word in WORDS}
    good = counts["good"] + counts[SECOND]
    return {"due": len(due), **counts, "good": good, "second": counts[SECOND]}


WORDS = ("good", SECOND, "failed", "missing", "waiting", "running", "cancelled")


def runs_of(cells: Sequence[Cell]) -> list[Row]:
    """Return the cells in runs of one word, for a page that many images share: word, count, first
    and last day, and the build of a run that somebody may want to open."""
    runs: list[Row] = []
    for cell in cells:
        if runs and runs[-1]["word"] == cell.word and cell.word in ("good", "missing"):
            runs[-1]["count"] += 1
            runs[-1]["last"] = cell.day
        else:
            number = cell.build["build_number"] if cell.build else None
            runs.append(
                {"word": cell.word, "count": 1, "first": cell.day, "last": cell.day}
                | {"build_number": None if cell.word == "good" else number, "builds": cell.builds}
            )
    return runs
