"""How a running build is: overdue, stalled or lost, by the times that are known of it."""

from datetime import UTC, datetime, time, timedelta
from itertools import permutations
from typing import Any

import pytest

from receiver.config import load
from receiver.domain.conditions import Limits, judge
from receiver.domain.expectations import Expectation
from receiver.domain.fold.events import StoredStatement
from receiver.errors import ConfigError
from receiver.ingest.project_settings import ProjectSettings
from receiver.ingest.project_values import window
from tests.support.fold_events import fold, manifest_event, stage, statement, verdict

NOW = datetime(2026, 12, 1, 6, 0, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
LIMITS = Limits(15 * MINUTE, 24 * HOUR, ProjectSettings().expectation)
IMAGE = {"project": "core", "platform": "aws", "os_version": "rhel-9", "image_type": "base"}


def running(**more: Any) -> dict[str, Any]:
    """Return a build that began an hour ago and of which something was heard just now."""
    row: dict[str, Any] = {
        "status": "running",
        "waiting": False,
        "created_at": NOW - HOUR,
        "start_time": NOW - HOUR,
        "last_heard_at": NOW,
        "heartbeat_at": None,
        "stage": "Security baseline",
        "stage_start": NOW - 22 * MINUTE,
        "longest_seconds": None,
        "runs": 0,
        "usual_seconds": None,
        "next_build": None,
    }
    return row | more


def condition(expectation: Expectation | None = None, **more: Any) -> str | None:
    judged = judge(running(**more), LIMITS, NOW, expectation)
    return judged and judged.condition


@pytest.mark.parametrize(
    ("longest", "runs", "expected"),
    [(120, 20, "overdue"), (421, 20, None), (419, 20, "overdue"), (120, 2, None), (None, 0, None)],
)
def test_a_stage_is_overdue_fifteen_minutes_past_what_is_usual(
    longest: float | None, runs: int, expected: str | None
):
    assert condition(longest_seconds=longest, runs=runs) == expected


def test_where_no_stage_is_open_the_whole_build_is_measured():
    between: dict[str, Any] = {"stage": None, "stage_start": None, "runs": 20}
    assert condition(**between, longest_seconds=40 * 60) == "overdue"
    assert condition(**between, longest_seconds=46 * 60) is None


@pytest.mark.parametrize(
    ("hours", "usual", "expected"),
    [(1.9, None, None), (2.1, None, "overdue"), (2.1, 3600, None), (3.1, 3600, "overdue")],
)
def test_a_silence_counts_past_two_hours_and_three_times_the_usual_duration(
    hours: float, usual: float | None, expected: str | None
):
    assert condition(last_heard_at=NOW - hours * HOUR, usual_seconds=usual) == expected


def test_a_long_silence_is_a_loss():
    assert condition(last_heard_at=NOW - 25 * HOUR) == "lost"
    assert condition(last_heard_at=NOW - 25 * HOUR, usual_seconds=86_400) == "lost"


def test_a_silence_and_the_next_build_are_a_loss():
    assert condition(last_heard_at=NOW - 2.1 * HOUR, next_build="core-2") == "lost"
    assert condition(last_heard_at=NOW - 1.9 * HOUR, next_build="core-2") is None


def test_heartbeats_that_stopped_are_a_stall_and_then_a_loss():
    beats: dict[str, Any] = {"heartbeat_at": NOW}
    assert condition(**beats, last_heard_at=NOW - 14 * MINUTE) is None
    assert condition(**beats, last_heard_at=NOW - 16 * MINUTE) == "stalled"
    assert condition(**beats, last_heard_at=NOW - 3 * HOUR) == "stalled"
    assert condition(**beats, last_heard_at=NOW - 3 * HOUR, next_build="core-2") == "lost"
    assert condition(**beats, last_heard_at=NOW - 25 * HOUR) == "lost"


def test_a_build_longer_than_its_max_duration_is_overdue():
    assert condition(Expectation(max_duration=59 * MINUTE)) == "overdue"
    assert condition(Expectation(max_duration=61 * MINUTE)) is None


@pytest.mark.parametrize(
    ("ready_by", "expected"), [("06:30", "overdue"), ("07:30", None), ("05:30", None)]
)
def test_a_build_past_its_ready_by_is_overdue(ready_by: str, expected: str | None):
    """It is 07:00 in Berlin, and the build began at 06:00: 05:30 is tomorrow's."""
    hours = window("20:00-08:00 Europe/Berlin")
    assert condition(Expectation(ready_by=time.fromisoformat(ready_by), hours=hours)) == expected


@pytest.mark.parametrize("status", ["pending", "completed", "failed", "cancelled"])
def test_a_build_that_does_not_run_has_no_condition(status: str):
    assert condition(status=status, last_heard_at=NOW - 48 * HOUR) is None


def test_a_build_that_waits_for_a_person_has_no_condition():
    silent: dict[str, Any] = {
        "last_heard_at": NOW - 48 * HOUR,
        "heartbeat_at": NOW,
        "next_build": "core-2",
    }
    assert condition(**silent, waiting=True) is None


def test_the_reason_is_told_in_words():
    assert judge(running(longest_seconds=120, runs=20), LIMITS, NOW) == (
        "overdue",
        "Security baseline runs for 22 min, and mostly ends within 2 min",
    )
    lost = running(last_heard_at=NOW - 3 * HOUR, next_build="core-2")
    assert judge(lost, LIMITS, NOW) == ("lost", "nothing was heard for 3 h, and core-2 began")


def test_the_time_until_a_loss_is_a_setting_with_a_unit():
    assert load({}).lost_after == timedelta(hours=24)
    assert load({"MILEPOST_LOST_AFTER": "36h"}).lost_after == timedelta(hours=36)
    for wrong in ("900", "soon", "0h"):
        with pytest.raises(ConfigError, match="MILEPOST_LOST_AFTER"):
            load({"MILEPOST_LOST_AFTER": wrong})


SETTINGS = """
[project."core"]
window = "20:00-08:00 Europe/Berlin"
[[expect]]
project = "core"
image_type = "db-?"
every = "1d"
[[expect]]
project = "co*"
every = "7d"
"""


@pytest.mark.parametrize(
    ("image_type", "projects", "days"),
    [
        ("db-a", ["core"], 1),
        ("db-ab", ["core"], 7),
        ("base", ["core"], 7),
        ("db-a", ["child", "core"], 1),
        ("base", ["other"], None),
        ("base", [], None),
    ],
)
def test_the_first_line_that_fits_tells_what_is_expected(
    image_type: str, projects: list[str], days: int | None
):
    settings = ProjectSettings.parse(SETTINGS, "projects.toml")
    found = settings.expectation(IMAGE | {"image_type": image_type}, projects)
    assert (found and found.every) == (days and timedelta(days=days))


def test_a_bracket_in_a_pattern_is_only_a_letter():
    assert Expectation(image_type="b[a]se").fits(IMAGE | {"image_type": "b[a]se"}, [])
    assert not Expectation(image_type="b[a]se").fits(IMAGE, [])


UNCHANGED = verdict("completed", 9, word="unchanged")


@pytest.mark.parametrize("order", [*permutations(range(3))])
def test_a_build_that_had_nothing_to_do_is_unchanged_in_any_order(order: tuple[int, ...]):
    forge = statement(verdict("completed", 10, word="success"), source="github")
    told = [statement(stage("Storage", "started", 0)), statement(UNCHANGED), forge]
    result = fold(*(told[each] for each in order))
    assert (result.build.status, result.build.unchanged) == ("completed", True)


def test_a_build_that_failed_or_made_something_is_not_unchanged():
    assert not fold(statement(UNCHANGED), statement(verdict("failed", 10))).build.unchanged
    assert not fold(statement(UNCHANGED, manifest_event(8))).build.unchanged
    later = statement(verdict("completed", 20), run="run-2", attempt=2)
    assert not fold(statement(UNCHANGED), later).build.unchanged


BUILD_JOB, GATED_JOB = ({"run": f"github:acme/images:5:1:{job}"} for job in (1, 2))
DONE = statement(stage("Storage", "started", 0), stage("Storage", "completed", 3), **BUILD_JOB)


def job(status: str, word: str, minutes: float = 5) -> StoredStatement:
    return statement(verdict(status, minutes, word=word), source="github", **GATED_JOB)


@pytest.mark.parametrize("word", ["waiting", "manual", "action_required", "scheduled"])
def test_a_job_that_waits_for_a_person_makes_a_waiting_build(word: str):
    result = fold(DONE, job("pending", word)).build
    assert (result.status, result.waiting) == ("running", True)


def test_a_build_does_not_wait_while_a_stage_or_another_job_runs():
    opened = statement(stage("Storage", "started", 0), **BUILD_JOB)
    assert not fold(opened, job("pending", "waiting")).build.waiting
    runs = statement(verdict("running", 1), source="github", **BUILD_JOB)
    assert not fold(DONE, runs, job("pending", "waiting")).build.waiting


@pytest.mark.parametrize("order", [*permutations(range(3))])
def test_an_approved_job_does_not_wait_any_more(order: tuple[int, ...]):
    told = [DONE, job("pending", "waiting"), job("running", "in_progress", 9)]
    assert not fold(*(told[each] for each in order)).build.waiting


def test_a_job_that_waits_for_a_runner_makes_no_waiting_build():
    assert not fold(DONE, job("pending", "queued")).build.waiting
