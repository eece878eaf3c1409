"""The nights of pages: which window is shown, and the last ones before it. Pure.

A "night" is a window of a project, also where that is the calendar day.
"""

from datetime import datetime

from receiver.domain.windows import CALENDAR_DAY, Period, Window, period_of


def shown_period(now: datetime, hours: Window | None) -> Period:
    """Return the window that runs, else the last that ran: at eight in the morning, after a window
    until 07:00, last night's, and not the one that comes."""
    period = period_of(now, hours)
    return period if period.begin <= now else period.previous


def last_periods(now: datetime, hours: Window | None, count: int) -> list[Period]:
    """Return so many windows up to the one that is shown, the oldest first."""
    periods = [shown_period(now, hours)]
    while len(periods) < count:
        periods.append(periods[-1].previous)
    return periods[::-1]


def night_name(period: Period) -> str:
    """Return what people call a window: "Night of 29 Nov", of a calendar day "Sun 29 Nov"."""
    day = f"{period.day.day} {period.day:%b}"
    if period.hours == CALENDAR_DAY:
        return f"{period.day:%a} {day}"
    return f"Night of {day}" if period.hours.end <= period.hours.start else day
