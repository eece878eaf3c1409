"""When an image is late: by a line of the projects file, else by how often it was built."""

from datetime import UTC, datetime, time, timedelta

import pytest

from receiver.domain.expectations import Expectation, History, lateness, short
from receiver.ingest.project_values import window

NOW = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NIGHT = window("20:00-08:00 Europe/Berlin")


def history(*ages: timedelta, began: timedelta | None = None) -> History:
    """Return the history of good builds of these ages, newest first, each of one hour."""
    ends = [NOW - age for age in ages]
    good_at = ends[0] if ends else None
    begun = NOW - began if began is not None else good_at and good_at - HOUR
    return History(
        first_at=min(ends, default=NOW - 20 * DAY),
        ends=ends,
        good_at=good_at,
        good_began_at=good_at and good_at - HOUR,
        began_at=begun,
    )


def every(step: timedelta, newest: timedelta, count: int = 8) -> History:
    return history(*(newest + each * step for each in range(count)))


@pytest.mark.parametrize(
    ("step", "age", "is_late"),
    [
        (DAY, 1.9 * DAY, False),
        (DAY, 2.1 * DAY, True),
        (7 * DAY, 13 * DAY, False),
        (7 * DAY, 15 * DAY, True),
        (30 * DAY, 59 * DAY, False),
        (30 * DAY, 61 * DAY, True),
        (HOUR, 12.9 * HOUR, False),
        (HOUR, 13.1 * HOUR, True),
    ],
)
def test_an_image_is_late_by_its_usual_interval(step: timedelta, age: timedelta, is_late: bool):
    found = lateness(every(step, age), None, NOW)
    assert found.is_late == is_late
    assert found.due_at == NOW - age + step


def test_one_long_pause_does_not_change_the_usual_interval():
    ages = [2.5 * DAY, 3.5 * DAY, 4.5 * DAY, 40 * DAY, 41 * DAY]
    assert lateness(history(*ages), None, NOW).is_late


def test_of_fewer_than_three_builds_nothing_is_expected():
    assert lateness(history(90 * DAY, 91 * DAY), None, NOW) == lateness(history(), None, NOW)
    assert not lateness(history(90 * DAY, 91 * DAY), None, NOW).is_late
    assert lateness(history(90 * DAY, 91 * DAY, 92 * DAY), None, NOW).is_late


def test_a_line_of_the_file_counts_instead_of_what_is_usual():
    weekly = Expectation(every=7 * DAY, grace=12 * HOUR)
    assert not lateness(every(DAY, 7.4 * DAY), weekly, NOW).is_late
    found = lateness(every(30 * DAY, 9 * DAY), weekly, NOW)
    assert found.reason == "no good image for 9 d, expected every 7 d"
    assert found.late_since == NOW - 9 * DAY + 7.5 * DAY


def test_a_line_without_a_time_leaves_what_is_usual():
    longest = Expectation(max_duration=HOUR)
    assert lateness(every(DAY, 3 * DAY), longest, NOW).reason == (
        "no good image for 3 d, usually every 1 d"
    )


def test_an_expected_image_that_was_never_good_is_late():
    found = lateness(history(began=DAY), Expectation(every=7 * DAY), NOW)
    assert found.reason == "no good image yet, expected every 7 d"


def test_without_a_grace_half_of_a_short_interval_is_left():
    hourly = Expectation(every=2 * HOUR)
    assert not lateness(history(2.9 * HOUR), hourly, NOW).is_late
    assert lateness(history(3.1 * HOUR), hourly, NOW).is_late
    assert lateness(history(2.1 * HOUR), Expectation(every=2 * HOUR, grace=HOUR / 60), NOW).is_late


def test_an_image_older_than_its_max_age_is_late():
    found = lateness(every(DAY, 31 * DAY, 1), Expectation(max_age=30 * DAY), NOW)
    assert found.reason == "no good image for 31 d, at most 30 d old"
    assert not lateness(every(DAY, 29 * DAY, 1), Expectation(max_age=30 * DAY), NOW).is_late
    both = Expectation(every=30 * DAY, max_age=7 * DAY)
    assert lateness(every(DAY, 8 * DAY, 1), both, NOW).is_late


@pytest.mark.parametrize(
    ("built", "now", "is_late"),
    [
        # The image of the night of the 29th; that of the 30th is to be ready at 07:00 in Berlin.
        ("2026-11-29T22:00:00+01:00", "2026-12-01T06:59:00+01:00", False),
        ("2026-11-29T22:00:00+01:00", "2026-12-01T07:01:00+01:00", True),
        # It took until 09:30 of the 30th, after the night had ended.
        ("2026-11-30T09:30:00+01:00", "2026-12-01T07:01:00+01:00", False),
        ("2026-11-30T07:30:00+01:00", "2026-12-01T07:01:00+01:00", True),
    ],
)
def test_an_image_that_is_not_ready_in_the_morning_is_late(built: str, now: str, is_late: bool):
    end = datetime.fromisoformat(built)
    good = History(first_at=end, ends=[end], good_at=end, good_began_at=end - HOUR, began_at=end)
    expected = Expectation(ready_by=time(7), hours=NIGHT)
    found = lateness(good, expected, datetime.fromisoformat(now))
    assert found.is_late == is_late
    if is_late:
        assert found.reason is not None
        assert found.reason.endswith(", expected by 07:00")


def test_a_weekly_image_that_is_to_be_ready_in_the_morning_is_due_a_week_later():
    end = datetime(2026, 11, 29, 23, 0, tzinfo=UTC)
    good = History(first_at=end, good_at=end, good_began_at=end - HOUR)
    expected = Expectation(every=7 * DAY, ready_by=time(7), hours=NIGHT)
    assert lateness(good, expected, NOW).due_at == datetime(2026, 12, 7, 6, 0, tzinfo=UTC)


def test_a_region_that_is_expected_and_absent_makes_an_image_late():
    wanted = Expectation(regions=("eu-central-1", "us-east-1"))
    made = History(first_at=NOW, ends=[NOW], good_at=NOW, regions=frozenset({"us-east-1"}))
    found = lateness(made, wanted, NOW)
    assert found.missing_regions == ("eu-central-1",)
    assert found.reason == "its newest build has no image in eu-central-1"
    unknown = History(first_at=NOW, ends=[NOW], good_at=NOW)
    assert not lateness(unknown, wanted, NOW).is_late


def test_an_image_is_missing_only_where_nothing_began():
    late = every(DAY, 4 * DAY)
    assert lateness(late, None, NOW).is_missing
    tried = history(*(NOW - end for end in late.ends), began=2 * HOUR)
    assert (lateness(tried, None, NOW).is_late, lateness(tried, None, NOW).is_missing) == (
        True,
        False,
    )


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (9 * DAY + 3 * HOUR, "9 d"),
        (44 * HOUR + HOUR / 2, "44 h"),
        (DAY, "1 d"),
        (HOUR / 2, "30 min"),
    ],
)
def test_an_age_is_told_in_one_unit(span: timedelta, words: str):
    assert short(span) == words
