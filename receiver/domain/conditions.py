"""How a running build is, derived when it is read: overdue, stalled or lost. Pure.

Nothing has to be written when time passes, and the fold's rows stay `running`. A lost build counts
as failed wherever builds are counted or listed. A build that waits for a person is none of these.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple, get_args

from receiver.domain import display
from receiver.domain.expectations import Expectation, ExpectationOf, next_time

Row = Mapping[str, Any]
Condition = Literal["overdue", "stalled", "lost"]

GONE = ("stalled", "lost")  # conditions of a build whose job may have been killed
CONDITIONS: tuple[str, ...] = get_args(Condition)
PATIENCE = timedelta(minutes=15)  # past what is usual of a stage
SILENCE = timedelta(hours=2)  # before a silence counts, and three times what is usual of a build
FEWEST = 3  # of fewer runs nothing is usual


@dataclass(frozen=True, slots=True)
class Limits:
    """When a running build is stalled or lost, and what is expected of it; by the settings."""

    stall_after: timedelta
    lost_after: timedelta
    expectation_of: ExpectationOf


class Judged(NamedTuple):
    """How a running build is, with the reason in words."""

    condition: Condition
    reason: str


def judge(
    build: Row, limits: Limits, now: datetime, expectation: Expectation | None = None
) -> Judged | None:
    """Return how a build is; None where it is not running, or runs as it should.

    `build` is a row of running_details.sql, or one of running_builds.sql without its details.
    """
    if build["status"] != "running" or build["waiting"]:
        return None
    if reason := _lost(build, limits, now):
        return Judged("lost", reason)
    if is_stalled(build, now, limits.stall_after):
        return Judged("stalled", f"no heartbeat for {_span(silence(build, now))}")
    if reason := _overdue(build, now, expectation):
        return Judged("overdue", reason)
    return None


def shown(build: Row) -> str:
    """Return the word for a build: its condition where it has one, else its status."""
    return str(build["condition"] or build["status"])


def counted(build: Row) -> str:
    """Return the status that a build counts as: failed where it is lost."""
    return "failed" if build["condition"] == "lost" else str(build["status"])


def expected_end(condition: str | None, at: datetime | None, now: datetime) -> datetime | None:
    """Return when a running build would end, `at` by what is usual. One that is overdue, or of
    which nothing is heard, has no expected end, nor has one that is past it."""
    return at if condition is None and at and at > now else None


def silence(build: Row, now: datetime) -> timedelta:
    """Return how long nothing has been heard of a build."""
    heard: datetime = build["last_heard_at"] or build["created_at"]
    return now - heard


def is_stalled(build: Row, now: datetime, stall_after: timedelta) -> bool:
    """Return whether a running build that had sent heartbeats is silent for too long."""
    is_promised = build["heartbeat_at"] is not None and build["last_heard_at"] is not None
    return build["status"] == "running" and is_promised and silence(build, now) > stall_after


def _lost(build: Row, limits: Limits, now: datetime) -> str | None:
    if silence(build, now) > limits.lost_after:
        return f"nothing was heard for {_span(silence(build, now))}"
    if _is_silent(build, now) and build.get("next_build"):
        return (
            f"nothing was heard for {_span(silence(build, now))}, and {build['next_build']} began"
        )
    return None


def _is_silent(build: Row, now: datetime) -> bool:
    usual = timedelta(seconds=build.get("usual_seconds") or 0)
    return silence(build, now) > max(SILENCE, 3 * usual)


def _overdue(build: Row, now: datetime, expectation: Expectation | None) -> str | None:
    if _is_silent(build, now):
        return f"nothing was heard for {_span(silence(build, now))}"
    return _past_expectation(build, now, expectation) or _past_usual(build, now)


def _past_expectation(build: Row, now: datetime, expectation: Expectation | None) -> str | None:
    began = build["start_time"]
    if not began or not expectation:
        return None
    longest = expectation.max_duration
    if longest and now - began > longest:
        return f"it runs for {_span(now - began)}, and {_span(longest)} is the most"
    ready_by = expectation.ready_by
    if ready_by and now > next_time(began, ready_by, expectation.hours):
        return f"it was to be ready by {expectation.ready_by:%H:%M}"
    return None


def _past_usual(build: Row, now: datetime) -> str | None:
    """Return what of the open stage, or where none is open of the whole build, is past the 95th
    percentile of its last 20 runs."""
    began, what = build.get("stage_start"), build.get("stage") or "its stage"
    if not began:
        began, what = build["start_time"], "it"
    longest, runs = build.get("longest_seconds"), build.get("runs") or 0
    if not began or longest is None or runs < FEWEST:
        return None
    usual = timedelta(seconds=longest)
    if now - began <= usual + PATIENCE:
        return None
    return f"{what} runs for {_span(now - began)}, and mostly ends within {_span(usual)}"


def _span(span: timedelta) -> str:
    return display.duration(span.total_seconds())
