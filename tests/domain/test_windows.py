"""Windows: nights with their hours and dates, calendar days, and the changes of clocks."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from receiver.domain.windows import Period, Window, period_named, period_of
from receiver.ingest.project_values import window

NIGHT = window("20:00-08:00 Europe/Berlin")
HOUR = timedelta(hours=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        ("2026-11-30T20:00:00+01:00", "2026-11-30"),
        ("2026-12-01T02:00:00+01:00", "2026-11-30"),
        ("2026-12-01T07:59:59+01:00", "2026-11-30"),
        ("2026-12-01T08:00:00+01:00", "2026-12-01"),
        ("2026-12-01T12:00:00+01:00", "2026-12-01"),
        ("2026-12-01T19:59:59+01:00", "2026-12-01"),
        ("2026-11-30T23:30:00+00:00", "2026-11-30"),
    ],
)
def test_a_night_is_named_by_its_evening_and_takes_the_day_before_it(moment: str, day: str) -> None:
    period = period_of(at(moment), NIGHT)
    assert period.name == day
    assert period.holds(at(moment))


def test_a_night_has_a_begin_an_end_and_neighbours() -> None:
    night = period_named(date(2026, 11, 30), NIGHT)
    assert night.begin == at("2026-11-30T20:00:00+01:00")
    assert night.end == at("2026-12-01T08:00:00+01:00")
    assert night.since == night.previous.end == at("2026-11-30T08:00:00+01:00")
    assert (night.previous.name, night.following.name) == ("2026-11-29", "2026-12-01")
    assert night.following.previous == night


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-03-28", 11), ("2026-10-24", 13), ("2026-11-30", 12)]
)
def test_a_night_in_which_clocks_change_is_an_hour_shorter_or_longer(day: str, hours: int) -> None:
    night = period_named(date.fromisoformat(day), NIGHT)
    assert night.end - night.begin == hours * HOUR


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-11-30", 24)]
)
def test_a_day_of_a_zone_with_summer_time_has_23_to_25_hours(day: str, hours: int) -> None:
    period = period_named(date.fromisoformat(day), window("00:00-23:59 Europe/Berlin"))
    assert period.end - period.since == hours * HOUR


def test_without_a_window_it_is_the_calendar_day_in_utc() -> None:
    day = period_of(at("2026-11-30T23:59:59+00:00"))
    assert (day.name, day.begin, day.since) == (
        "2026-11-30",
        at("2026-11-30T00:00:00+00:00"),
        at("2026-11-30T00:00:00+00:00"),
    )
    assert day.end == day.following.begin == at("2026-12-01T00:00:00+00:00")


def test_hours_within_one_day_are_named_by_it() -> None:
    hours = window("08:00-18:00 America/New_York")
    assert period_of(at("2026-11-30T09:00:00-05:00"), hours).name == "2026-11-30"
    assert period_of(at("2026-11-30T19:00:00-05:00"), hours).name == "2026-12-01"


@pytest.mark.parametrize(
    "text",
    [
        *("20:00-08:00 Europe/Berlin", "02:30-03:15 Europe/Berlin", "03:15-02:30 Europe/Berlin"),
        *("02:30-02:15 Europe/Berlin", "00:00-12:00 America/Santiago", "22:00-06:00 Asia/Kolkata"),
        *("20:00-08:00 Australia/Lord_Howe", "00:00-00:01 UTC", "20:00-08:00 Pacific/Apia"),
    ],
)
def test_windows_follow_each_other_without_a_gap(text: str) -> None:
    hours = window(text)
    days = [date(2026, 1, 1) + timedelta(days=each) for each in range(370)]
    periods = [period_named(day, hours) for day in days]
    for before, after in pairwise(periods):
        assert before.end == after.since
        assert before.since <= before.begin <= before.end
    moment = periods[0].since
    assert {*_found(moment, hours)} <= {*periods}


def _found(begin: datetime, hours: Window) -> list[Period]:
    """Return the window of each 50th minute of a year."""
    moments = [begin + each * timedelta(minutes=50) for each in range(365 * 24)]
    found = [(moment, period_of(moment, hours)) for moment in moments]
    assert all(period.holds(moment) for moment, period in found)
    return [period for _, period in found]


def test_a_zone_that_left_out_a_whole_day_has_a_window_for_each_moment() -> None:
    hours = window("20:00-08:00 Pacific/Apia")  # 30 December 2011 did not exist there
    begin = at("2011-12-28T00:00:00+00:00")
    found = [period_of(begin + each * HOUR, hours) for each in range(120)]
    assert all(period.holds(begin + each * HOUR) for each, period in enumerate(found))


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59+00:00"])
def test_a_time_at_the_end_of_the_calendar_has_a_window(moment: str) -> None:
    period = period_of(datetime.fromisoformat(moment), NIGHT)
    assert period.previous.end <= period.end <= period.following.end
