"""JUnit's XML, as pytest, Maven's Surefire, InSpec and others write it.

Shapes: https://maven.apache.org/surefire/maven-surefire-plugin/xsd/surefire-test-report.xsd (of
3.x: testcase with failure, error, skipped, flakyFailure, rerunFailure) and
https://github.com/pytest-dev/pytest/blob/main/src/_pytest/junitxml.py (testsuites, testsuite with
name, errors, failures, skipped, tests, timestamp; its timestamp has a zone since pytest 8.3).
"""

from __future__ import annotations

import io
from collections import Counter
from typing import Any

from hooks.checks.report import MOST, Report, wrong, zoned

ROOTS = ("testsuites", "testsuite")
WORSE = {"error": "errors", "failure": "failed", "skipped": "skipped"}  # the first one counts


def read(data: bytes) -> Report:
    """Return the report of a document; entities are never followed. Raises HookError."""
    from defusedxml.common import DefusedXmlException

    try:
        suites = _Suites(data)
    except DefusedXmlException as error:
        raise wrong("the XML declares entities or names a file outside of it") from error
    except (SyntaxError, ValueError, LookupError) as error:  # ParseError is a SyntaxError
        raise wrong(f"the XML is broken or cut off ({type(error).__name__})") from error
    return suites.report()


class _Suites:
    """Counts the test cases of a document, element by element, without keeping them."""

    def __init__(self, data: bytes) -> None:
        from defusedxml.ElementTree import iterparse

        self._found: Counter[str] = Counter()
        self._said: Counter[str] = Counter()  # by attributes of the outermost suites
        self._at: str | None = None
        self._tool: str | None = None
        open_elements: list[Any] = []
        for event, element in iterparse(io.BytesIO(data), events=("start", "end")):
            if event == "start":
                self._start(element, open_elements)
                open_elements.append(element)
                continue
            open_elements.pop()
            if _tag(element) == "testcase":
                self._found[_result(element)] += 1
            if open_elements and _tag(element) in ("testcase", "testsuite"):
                open_elements[-1].remove(element)

    def _start(self, element: Any, above: list[Any]) -> None:
        tag = _tag(element)
        if not above and tag not in ROOTS:
            raise wrong(f"the XML is no JUnit report: it begins with {tag[:50]}")
        if tag != "testsuite":
            return
        self._at = self._at or zoned(element.get("timestamp"))
        self._tool = self._tool or ("pytest" if element.get("name") == "pytest" else None)
        if all(_tag(each) == "testsuites" for each in above):
            for ours, name in (("failed", "failures"), ("errors", "errors"), ("tests", "tests")):
                self._said[ours] += _number(element.get(name))

    def report(self) -> Report:
        """Return the counts; a failure that only a suite's attributes tell counts as well."""
        found = self._found
        if not found:
            bad = self._said["failed"] + self._said["errors"]
            found["passed"] = max(0, self._said["tests"] - bad)
        counts = {name: found[name] for name in ("passed", "failed", "errors", "skipped")}
        for name in ("failed", "errors"):
            counts[name] = max(counts[name], self._said[name])
        if counts["failed"] or counts["errors"]:
            status = "failed"
        else:
            status = "passed" if counts["passed"] else "unknown"  # nothing was tested
        counts = {name: min(count, MOST) for name, count in counts.items()}
        return Report("tests", "tests", counts, status, at=self._at, tool=self._tool)


def _result(case: Any) -> str:
    tags = {_tag(each) for each in case}
    return next((ours for theirs, ours in WORSE.items() if theirs in tags), "passed")


def _tag(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 10 else 0
