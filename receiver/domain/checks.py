"""Which checks keep an image out of a channel; pure.

A scanner's report has findings, but no verdict: whoever requires a scan may say how many of each
severity are too many. Without such limits the status counts, which the check's sender gave.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec
from msgspec import Struct

from receiver.domain.model import SEVERITIES

Problem = Literal["missing", "failed", "old"]


class RequiredCheck(Struct, frozen=True, omit_defaults=True):
    """A check that an image must have. `max_age` is None where any age will do.

    `limits` are the most findings of each severity: {"critical": 0, "high": 10}.
    """

    name: str
    max_age: timedelta | None = None
    limits: dict[str, int] = msgspec.field(default_factory=dict)


class GateProblem(Struct, frozen=True):
    """Why a required check does not let an image pass; `detail` is a sentence."""

    check: str
    problem: Problem
    detail: str


def gate(
    required: Iterable[RequiredCheck], checks: Sequence[Mapping[str, Any]], now: datetime
) -> list[GateProblem]:
    """Return what keeps an image out: nothing, if it may pass.

    `checks` are the last of each name, as storage.checks.latest() returns them.
    """
    known = {check["name"]: check for check in checks}
    problems = (_problem(each, known.get(each.name), now) for each in required)
    return [each for each in problems if each]


def _problem(
    required: RequiredCheck, check: Mapping[str, Any] | None, now: datetime
) -> GateProblem | None:
    name = required.name
    if check is None:
        return GateProblem(name, "missing", f"The image has no check {name}.")
    if failed := _failure(required, check):
        return GateProblem(name, "failed", f"The check {name} {failed}.")
    age = now - check["at"]
    if required.max_age is not None and age > required.max_age:
        text = (
            f"The check {name} is {_days(age)} old; at most {_days(required.max_age)} are allowed."
        )
        return GateProblem(name, "old", text)
    return None


def _failure(required: RequiredCheck, check: Mapping[str, Any]) -> str | None:
    """Return why a check is not good enough. Limits replace the status of a scan, except that its
    sender could not tell; those of one severity do not speak of the others."""
    if check["kind"] == "scan" and required.limits and check["status"] != "unknown":
        return _excess(required.limits, check["counts"])
    if check["status"] == "unknown":
        return "has no result"
    return None if check["status"] == "passed" else "failed"


def _excess(limits: Mapping[str, int], counts: Mapping[str, int]) -> str | None:
    over = [
        f"{counts[name]} {name} (at most {limits[name]})"
        for name in SEVERITIES
        if name in limits and counts.get(name, 0) > limits[name]
    ]
    return f"found {', '.join(over)}" if over else None


def _days(age: timedelta) -> str:
    hours = age.total_seconds() / 3600
    return f"{hours / 24:.1f} days" if hours >= 48 else f"{hours:.1f} hours"
