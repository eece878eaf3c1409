"""The nights of pages: which window is shown, and the last ones before it. Pure.

A "night" is a window of a project, also where that is the calendar day.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from receiver.domain.windows import CALENDAR_DAY, DAY, Period, Window, period_named, period_of

SPARE = 2  # days by which windows of two zones, or one that comes, may lie ahead of the shown one


def shown_period(now: datetime, hours: Window | None) -> Period:
    """Return the window that runs, else the last that ran: at eight in the morning, after a window
    until 07:00, last night's, and not the one that comes."""
    period = period_of(now, hours)
    return period if period.begin <= now else period.previous


@dataclass(frozen=True, slots=True)
class Nights:
    """The days on which the last nights of several projects begin, the oldest first: at least
    `count` up to `shown`, the place from 1 of the night that the overview names."""

    days: Sequence[date]
    shown: int
    count: int

    def last(self, places: Iterable[int]) -> int:
        """Return the place of the last column: a later night than the shown one counts where it
        has builds, which are at these places."""
        return max([self.shown, *places])

    def labels(self, places: Iterable[int]) -> dict[int, str]:
        """Return the days of the `count` columns by their places, such as "29 Nov"."""
        last = self.last(places)
        days = {place: self.days[place - 1] for place in range(last - self.count + 1, last + 1)}
        return {place: f"{day.day} {day:%b}" for place, day in days.items()}

    def starts(self, hours: Window | None) -> list[datetime]:
        """Return from when on builds of these hours belong to each night."""
        return [period_named(day, hours).since for day in self.days]


def last_nights(now: datetime, hours: Sequence[Window | None], count: int) -> Nights:
    """Return the last nights of projects with these hours, one of each project; the nights are
    named by the hours of most of them."""
    most = Counter(hours).most_common(1)[0][0]
    shown = shown_period(now, most).day
    newest = max(period_of(now, each).day for each in {*hours, None})
    ahead = min(max((newest - shown).days, 0), SPARE)
    days = [shown + (place - count + 1) * DAY for place in range(count + ahead)]
    return Nights(days, count, count)


def night_name(period: Period) -> str:
    """Return what people call a window: "Night of 29 Nov", of a calendar day "Sun 29 Nov"."""
    day = f"{period.day.day} {period.day:%b}"
    if period.hours == CALENDAR_DAY:
        return f"{period.day:%a} {day}"
    return f"Night of {day}" if period.hours.end <= period.hours.start else day
