"""The nights of an image: what was due, and what came of it."""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from receiver.domain.image_runs import Image
from receiver.domain.night_board import Calendar, image_nights, runs_of, summary
from receiver.domain.windows import Window

NOW = datetime(2026, 11, 30, 7, 30, tzinfo=UTC)  # 08:30 in Berlin, behind the window
NIGHT = Window(time(20), time(8), ZoneInfo("Europe/Berlin"))
NAMES = {"project": "core", "platform": "aws", "os_version": "rhel-9", "image_type": "base"}


def build(days: float, status: str = "completed", **more: Any) -> dict[str, Any]:
    """A build that began so many days before last night's, at 22:00 in Berlin."""
    began = datetime(2026, 11, 29, 21, tzinfo=UTC) - timedelta(days=days)
    end = None if status == "running" else began + timedelta(hours=1)
    row = {"id": uuid4(), "build_number": f"b-{days}", "status": status, "attempt": 1}
    row |= {"began_at": began, "start_time": began, "end_time": end, "created_at": began}
    row |= {"last_heard_at": began, "future": False, "duration_seconds": 3600, "condition": None}
    return NAMES | row | more


def nights(*builds: dict[str, Any], now: datetime = NOW, hours: Window | None = NIGHT):
    image = Image(NAMES, sorted(builds, key=lambda row: row["began_at"], reverse=True))
    return image_nights(image, Calendar({None: None, "core": hours}, now))


def words(*builds: dict[str, Any], **more: Any) -> list[str]:
    return [cell.word for cell in nights(*builds, **more).cells]


def test_a_nightly_image_has_its_last_fourteen_nights():
    found = nights(*[build(days) for days in range(30)])
    assert [cell.word for cell in found.cells] == ["good"] * 14
    assert found.cells[-1].day.isoformat() == "2026-11-29"
    assert found.tonight == found.cells[-1]


def test_a_weekly_image_has_its_last_fourteen_weeks():
    found = nights(*[build(7 * week) for week in range(20)])
    assert [cell.word for cell in found.cells] == ["good"] * 14
    assert (found.cells[-1].day - found.cells[0].day).days == 13 * 7


def test_a_weekly_image_is_not_due_in_the_nights_between():
    found = nights(*[build(7 * week + 3) for week in range(1, 10)], build(3))
    assert found.tonight is None
    assert not found.is_in_trouble


def test_a_night_without_the_usual_build_was_not_started():
    assert words(*[build(days) for days in (1, 2, 3)])[-1] == "missing"
    assert words(*[build(days) for days in (0, 1, 3, 4)]) == [
        "good",
        "good",
        "missing",
        "good",
        "good",
    ]


def test_an_image_that_nobody_builds_any_more_is_not_waited_for():
    assert nights(*[build(days) for days in range(20, 26)]).tonight is None


@pytest.mark.parametrize(
    ("builds", "word"),
    [
        ([build(0, "failed")], "failed"),
        ([build(0.1, "failed"), build(0)], "second"),
        ([build(0, attempt=2)], "second"),
        ([build(0.1), build(0, "failed")], "failed"),
        ([build(0, "cancelled")], "cancelled"),
        ([build(0, "running")], "running"),
        ([build(0, "running", condition="lost")], "failed"),
        ([build(0.1, "failed"), build(0, "running")], "failed"),
    ],
)
def test_the_last_ended_build_of_a_night_tells_how_it_was(builds: list[Any], word: str):
    assert words(*builds, build(1), build(2))[-1] == word


def test_a_night_that_is_not_over_is_still_to_come():
    early = datetime(2026, 11, 30, 20, tzinfo=UTC)  # 21:00 in Berlin, the next night
    assert words(build(0), build(1), build(2), now=early)[-1] == "waiting"


def test_many_builds_of_a_day_are_one_cell_with_their_number():
    found = nights(*[build(hour / 24) for hour in range(48)], hours=None)
    assert [cell.builds for cell in found.cells] == [2, 24, 22, 0]  # the last day has just begun


def test_a_change_is_told_against_the_due_night_before():
    assert nights(build(0, "failed"), build(1), build(2)).became == "failed"
    assert nights(build(0), build(1, "failed"), build(2)).became == "good"
    assert nights(build(0, "failed"), build(1, "failed"), build(2)).became is None


def test_the_numbers_of_a_night_count_each_due_image_once():
    rows = [
        nights(build(0), build(1)),
        nights(build(0, "failed"), build(1)),
        nights(build(1), build(2)),
    ]
    found = summary(rows)
    assert (found["due"], found["good"], found["failed"], found["missing"]) == (3, 1, 1, 1)


def test_good_nights_are_written_as_one_run_and_failed_ones_each():
    cells = nights(build(0, "failed"), *[build(days) for days in range(1, 6)]).cells
    assert [(run["word"], run["count"]) for run in runs_of(cells)] == [("good", 5), ("failed", 1)]
    assert runs_of(cells)[-1]["build_number"] == "b-0"
