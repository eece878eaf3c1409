"""The window of a build, such as the night of 30 November: which one a time belongs to. Pure.

A project's window is "20:00-08:00 Europe/Berlin" in the projects file; without one it is the
calendar day in UTC, the zone of all that is stored and shown. A build belongs to the window in
which its first attempt began.

Windows leave no gap: what begins outside of the hours, such as at noon, belongs to the window that
comes next. So each build is told of once, in the report of the first window that ends after it.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
# A sender may state any time; so near to its ends the calendar has no window before or after.
FIRST, LAST = date(2, 1, 1), date(9998, 12, 31)
EARLIEST, LATEST = datetime(2, 1, 1, tzinfo=UTC), datetime(9998, 12, 31, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Window:
    """The hours of a project's builds, such as a night: from `start` to `end` in `zone`.

    They pass midnight where `end` is not after `start`.
    """

    start: time
    end: time
    zone: ZoneInfo


CALENDAR_DAY = Window(time(0), time(0), ZoneInfo("UTC"))


@dataclass(frozen=True, slots=True)
class Period:
    """One window: of a night in winter time, 12 hours of `20:00-08:00`.

    `day` is the date on which it begins: of a night, that of its evening. `begin` and `end` are
    moments in UTC, as is `since`, the end of the window before: what begins at or after `since` and
    before `end` belongs to this window.
    """

    day: date
    since: datetime
    begin: datetime
    end: datetime
    hours: Window

    @property
    def name(self) -> str:
        """The date as a text, such as 2026-11-30."""
        return self.day.isoformat()

    @property
    def previous(self) -> "Period":
        """The window before."""
        return period_named(self.day - DAY, self.hours)

    @property
    def following(self) -> "Period":
        """The window after."""
        return period_named(self.day + DAY, self.hours)

    def holds(self, moment: datetime) -> bool:
        """Return whether what began at a moment belongs to this window."""
        return self.since <= moment < self.end


def period_of(moment: datetime, hours: Window | None = None) -> Period:
    """Return the window of a moment; `hours` are those of its project, None the calendar day."""
    hours = hours or CALENDAR_DAY
    moment = min(max(moment, EARLIEST), LATEST)
    day = moment.astimezone(hours.zone).date() - 2 * DAY  # two: a zone may leave out a day
    while _end(day, hours) <= moment:
        day += DAY
    return period_named(day, hours)


def period_named(day: date, hours: Window | None = None) -> Period:
    """Return the window that begins on a date; `hours` as in period_of()."""
    hours = hours or CALENDAR_DAY
    day = min(max(day, FIRST), LAST)
    since, end = _end(day - DAY, hours), _end(day, hours)
    # Where clocks are set forward, 02:30, which does not exist, is a later moment than 03:15.
    begin = min(max(_moment(day, hours.start, hours), since), end)
    return Period(day, since, begin, end, hours)


def _end(day: date, hours: Window) -> datetime:
    passes_midnight = hours.end <= hours.start
    return _moment(day + DAY if passes_midnight else day, hours.end, hours)


def _moment(day: date, clock: time, hours: Window) -> datetime:
    """Return a moment in UTC: two times of one zone are compared by their clocks alone.

    Of an hour that comes twice it is the first: https://peps.python.org/pep-0495/.
    """
    return datetime.combine(day, clock, hours.zone).astimezone(UTC)
