"""What keeps an image out of a channel that requires checks."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from receiver.domain.checks import RequiredCheck, gate

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
WEEK = timedelta(days=7)


def check(name: str = "trivy", status: str = "passed", **more: Any) -> dict[str, Any]:
    counts = {"critical": 2, "high": 30, "low": 900}
    known = {"name": name, "kind": "scan", "status": status, "at": NOW, "counts": counts}
    return known | more


@pytest.mark.parametrize(
    ("required", "known", "problem"),
    [
        (RequiredCheck("trivy"), None, "missing"),
        (RequiredCheck("trivy"), check("grype"), "missing"),
        (RequiredCheck("trivy"), check(), None),
        (RequiredCheck("trivy"), check(status="failed"), "failed"),
        (RequiredCheck("trivy"), check(status="unknown"), "failed"),
        (RequiredCheck("trivy", WEEK), check(at=NOW - WEEK), None),
        (RequiredCheck("trivy", WEEK), check(at=NOW - WEEK - timedelta(seconds=1)), "old"),
        (RequiredCheck("trivy"), check(at=NOW - 100 * WEEK), None),
        (RequiredCheck("trivy", WEEK), check(status="failed", at=NOW - 2 * WEEK), "failed"),
        (RequiredCheck("trivy", limits={"critical": 2}), check(status="failed"), None),
        (RequiredCheck("trivy", limits={"critical": 1}), check(), "failed"),
        (RequiredCheck("trivy", limits={"critical": 2, "high": 29}), check(), "failed"),
        (RequiredCheck("trivy", limits={"medium": 0}), check(), None),
        (RequiredCheck("trivy", limits={"critical": 9}), check(status="unknown"), "failed"),
        (RequiredCheck("tests"), check("tests", kind="tests", status="failed"), "failed"),
        (
            RequiredCheck("tests", limits={"critical": 9}),
            check("tests", kind="tests", status="failed"),
            "failed",
        ),
    ],
)
def test_the_gate(required: RequiredCheck, known: dict[str, Any] | None, problem: str | None):
    problems = gate([required], [known] if known else [], NOW)
    assert [each.problem for each in problems] == ([problem] if problem else [])


def test_every_problem_is_told_with_its_check_and_its_numbers():
    required = [
        RequiredCheck("trivy", limits={"high": 10, "critical": 0}),
        RequiredCheck("tests", timedelta(hours=12)),
        RequiredCheck("sbom"),
    ]
    old = check("tests", kind="tests", at=NOW - timedelta(hours=13))
    assert [each.detail for each in gate(required, [check(), old], NOW)] == [
        "The check trivy found 2 critical (at most 0), 30 high (at most 10).",
        "The check tests is 13.0 hours old; at most 12.0 hours are allowed.",
        "The image has no check sbom.",
    ]


def test_a_channel_that_requires_nothing_lets_everything_pass():
    assert gate([], [], NOW) == []
