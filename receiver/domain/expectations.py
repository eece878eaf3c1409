"""What is expected of images: by a line of the projects file, else by how often they were built.

Pure. An image is late where the newest good build of it is too old; it is missing where nothing of
it even began since.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from fnmatch import fnmatchcase
from itertools import pairwise
from statistics import median
from typing import Any, NamedTuple

from receiver.domain.model import DIMENSIONS
from receiver.domain.windows import CALENDAR_DAY, DAY, Window, period_named, period_of

Row = Mapping[str, Any]
FEWEST = 3  # good builds; of fewer nothing is learned
GRACE = timedelta(hours=12)  # after the time that is expected or usual; of short ones, half of it


@dataclass(frozen=True, slots=True)
class Expectation:
    """An image that is expected: patterns of its dimensions, and its limits; None is no limit.

    `hours` is the window of its project: `ready_by` is a time of day in its zone.
    """

    project: str | None = None
    platform: str | None = None
    os_version: str | None = None
    image_type: str | None = None
    every: timedelta | None = None
    grace: timedelta | None = None
    max_age: timedelta | None = None
    ready_by: time | None = None
    max_duration: timedelta | None = None
    regions: tuple[str, ...] = ()
    hours: Window | None = None

    @property
    def only_image(self) -> Row | None:
        """The names of the one image that a good build is expected of; None where it has patterns,
        or says nothing of when."""
        names = {name: getattr(self, name) for name in DIMENSIONS}
        is_plain = all(text and not set(text) & {"*", "?"} for text in names.values())
        return names if is_plain and (self.every or self.ready_by or self.max_age) else None

    def fits(self, image: Row, projects: Sequence[str]) -> bool:
        """Return whether it is about an image; `projects` are its project's names and those of the
        projects above it, none of an image without a project."""
        names = {name: [image[name] or ""] for name in DIMENSIONS} | {"project": projects or [""]}
        return all(_matches(getattr(self, name), names[name]) for name in DIMENSIONS)


# An image's names, and the names of its project with those of the projects above it, nearest first
# → what is expected of it.
ExpectationOf = Callable[[Row, Sequence[str]], Expectation | None]


def _matches(pattern: str | None, names: Sequence[str]) -> bool:
    """Return whether one of the names fits a pattern in which * is any text and ? any character."""
    plain = pattern and pattern.replace("[", "[[]")
    return plain is None or any(fnmatchcase(name, plain) for name in names)


@dataclass(frozen=True, slots=True)
class History:
    """What was built of an image. `ends` are those of its last eight good builds, the newest first.

    `good_at` and `good_began_at` are end and begin of the newest of them that is not revoked, or
    that only renewed it. `began_at` is the begin of the newest build, whatever became of it;
    `first_at` is when the image was first heard of. `regions` are those of the newest build
    that made an image, None where nobody knows.
    """

    first_at: datetime
    ends: Sequence[datetime] = ()
    good_at: datetime | None = None
    good_began_at: datetime | None = None
    began_at: datetime | None = None
    regions: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Lateness:
    """Whether an image is late: since when, and why in words.

    `due_at` is when its next good build is expected; None where nothing is. `is_missing`: nothing
    of it began since. `missing_regions` are those that its newest good build does not have.
    """

    due_at: datetime | None = None
    late_since: datetime | None = None
    reason: str | None = None
    is_missing: bool = False
    missing_regions: tuple[str, ...] = ()

    @property
    def is_late(self) -> bool:
        """Whether a good build, or a region of it, is missing."""
        return self.reason is not None


class _Due(NamedTuple):
    """When the next good build is due, from when on it is late, and what is expected: a sentence
    with a place for the span."""

    at: datetime
    late_at: datetime
    rule: str
    span: timedelta = timedelta(0)

    @property
    def words(self) -> str:
        """What is expected, in words."""
        return self.rule.format(short(self.span))


def lateness(history: History, expectation: Expectation | None, now: datetime) -> Lateness:
    """Return whether an image is late; nothing is expected of one without a line of the file that
    was built less than three times."""
    start = history.good_at or history.first_at
    due = _due(start, history.good_began_at or start, history, expectation)
    absent = _absent_regions(history, expectation)
    if due and now > due.late_at:
        reason = f"{_no_good(history, start, now)}, {due.words}"
        return Lateness(due.at, due.late_at, reason, _is_missing(history, expectation, now), absent)
    if absent and history.good_at:
        reason = f"its newest build has no image in {', '.join(absent)}"
        return Lateness(due and due.at, history.good_at, reason, False, absent)
    return Lateness(due and due.at, missing_regions=absent)


def is_expected(history: History, expectation: Expectation | None) -> bool:
    """Return whether anything is expected of when an image is built."""
    return _is_stated(expectation) or len(history.ends) >= FEWEST


def _is_missing(history: History, expectation: Expectation | None, now: datetime) -> bool:
    if history.began_at is None:
        return False
    due = _due(history.began_at, history.began_at, history, expectation)
    return due is not None and now > due.late_at


def _due(
    start: datetime, began: datetime, history: History, expectation: Expectation | None
) -> _Due | None:
    """Return the first time that a good build is due after one that ended at `start`."""
    if expectation and _is_stated(expectation):
        return min(_stated(start, began, expectation), key=lambda due: due.late_at)
    usual = usual_interval(history.ends)
    if usual is None:
        return None
    late_at = start + max(2 * usual, usual + GRACE)
    return _Due(start + usual, late_at, "usually every {}", _rounded(usual))


def _is_stated(expectation: Expectation | None) -> bool:
    """Return whether somebody states when an image is built."""
    return bool(expectation and (expectation.every or expectation.ready_by or expectation.max_age))


def _stated(start: datetime, began: datetime, expectation: Expectation) -> list[_Due]:
    found = []
    if expectation.max_age:
        end = start + expectation.max_age
        found.append(_Due(end, end, "at most {} old", expectation.max_age))
    if expectation.ready_by:
        at = _ready_at(began, expectation.ready_by, expectation)
        words = f"expected by {expectation.ready_by:%H:%M}"
        found.append(_Due(at, at + (expectation.grace or timedelta(0)), words))
    elif expectation.every:
        every = expectation.every
        grace = min(GRACE, every / 2) if expectation.grace is None else expectation.grace
        found.append(_Due(start + every, start + every + grace, "expected every {}", every))
    return found


def _ready_at(began: datetime, ready_by: time, expectation: Expectation) -> datetime:
    """Return the `ready_by` of the window that is `every` days, at least one, after that in which
    a build began."""
    days = max(1, (expectation.every or DAY) // DAY)
    period = period_named(period_of(began, expectation.hours).day + days * DAY, expectation.hours)
    return next_time(period.begin, ready_by, expectation.hours)


def next_time(after: datetime, ready_by: time, hours: Window | None) -> datetime:
    """Return the first `ready_by` after a moment, in UTC; the zone is that of the hours."""
    zone = (hours or CALENDAR_DAY).zone
    day = after.astimezone(zone).date()
    moment = datetime.combine(day, ready_by, zone).astimezone(UTC)
    if moment <= after:
        moment = datetime.combine(day + DAY, ready_by, zone).astimezone(UTC)
    return moment


def usual_interval(ends: Sequence[datetime]) -> timedelta | None:
    """Return the median time between good builds; None of fewer than three."""
    if len(ends) < FEWEST:
        return None
    spans = [(later - earlier).total_seconds() for later, earlier in pairwise(ends)]
    return timedelta(seconds=median(spans))


def _absent_regions(history: History, expectation: Expectation | None) -> tuple[str, ...]:
    if not expectation or history.regions is None:
        return ()
    return tuple(each for each in expectation.regions if each not in history.regions)


def _no_good(history: History, start: datetime, now: datetime) -> str:
    if history.good_at is None:
        return "no good image yet"
    return f"no good image for {short(now - start)}"


def _rounded(span: timedelta) -> timedelta:
    hour = timedelta(hours=1)
    return round(span / hour) * hour if span > hour else span


def short(span: timedelta) -> str:
    """Return a span of time in one unit: days from two days on, else hours or less.

    >>> short(timedelta(days=9, hours=3))
    '9 d'
    """
    is_days = span >= 2 * DAY or (span and not span % DAY)
    units = (("d", DAY), ("h", timedelta(hours=1)), ("min", timedelta(minutes=1)))
    fitting = (each for each in units[0 if is_days else 1 :] if span >= each[1])
    name, unit = next(fitting, ("s", timedelta(seconds=1)))
    return f"{span // unit} {name}"
