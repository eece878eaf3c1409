"""What a report of tests, a scan or a bill of materials says, whatever wrote it; pure.

A report is known by its content: what a file is called says nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

from hooks.errors import HookError

SEVERITIES = ("critical", "high", "medium", "low", "unknown")
NEVER = "never"
MOST = 2**31 - 1  # that the receiver takes of one count

Json = dict[str, Any]

_ZONED = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


class Report(NamedTuple):
    """One report; `at` is when it was made, None where it does not say a time with its zone.

    `status` is the tests' result, or the one that the report states; a scan's follows from its
    counts.
    """

    name: str
    kind: str
    counts: Json
    status: str = ""
    fixable: Json | None = None
    at: str | None = None
    tool: str | None = None
    tool_version: str | None = None
    database_at: str | None = None


def status_of(report: Report, fail_on: str) -> str:
    """Return passed, failed or unknown: failed by a finding of a severity at or above `fail_on`."""
    if report.status:
        return report.status
    bad = SEVERITIES[: SEVERITIES.index(fail_on) + 1] if fail_on != NEVER else ()
    return "failed" if any(report.counts.get(severity) for severity in bad) else "passed"


def counted(severities: Iterable[object]) -> Json:
    """Return how many there are of each severity; a word that is none counts as unknown."""
    words = (str(each).lower() for each in severities)
    found = Counter(word if word in SEVERITIES else "unknown" for word in words)
    return {severity: min(found[severity], MOST) for severity in SEVERITIES}


def zoned(text: object) -> str | None:
    """Return a time if it has a zone; without one it may be that of any machine."""
    return text if isinstance(text, str) and _ZONED.fullmatch(text) else None


def words(value: object) -> str | None:
    """Return a text, None for anything else."""
    return value if isinstance(value, str) and value else None


def objects(value: object) -> list[Json]:
    """Return the objects of a list, [] for anything else."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def described(report: Report, status: str) -> str:
    """Return one line for people: "scan failed: 2 critical (1 with a fix), 11 high"."""
    fixable = report.fixable or {}
    parts = [
        f"{count} {name}" + (f" ({fixable[name]} with a fix)" if fixable.get(name) else "")
        for name, count in report.counts.items()
        if count
    ]
    return f"{report.kind} {status}" + (f": {', '.join(parts)}" if parts else "")


def wrong(problem: str) -> HookError:
    """Return the error of a file that is no report."""
    return HookError(f"not attached: {problem}")
