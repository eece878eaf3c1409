"""Our own JSON, for whatever has no reader here:
`{"milepost_check": 1, "name": "cis", "kind": "scan", "counts": {"high": 2}}`."""

from __future__ import annotations

from hooks.checks.report import MOST, SEVERITIES, Json, Report, words, wrong, zoned

KINDS = ("tests", "scan", "sbom")
STATUSES = ("passed", "failed", "unknown")
COUNTS = ("passed", "failed", "errors", "skipped", *SEVERITIES, "components")


def fits(document: Json) -> bool:
    """Return whether this is ours."""
    return "milepost_check" in document


def read(document: Json) -> Report:
    """Return what it says. Raises HookError, which names what is wrong."""
    if document["milepost_check"] != 1:
        raise wrong("milepost_check must be 1")
    kind, status = document.get("kind"), document.get("status")
    if kind not in KINDS:
        raise wrong(f"kind must be one of {', '.join(KINDS)}")
    if status is not None and status not in STATUSES:
        raise wrong(f"status must be one of {', '.join(STATUSES)}")
    counts = _counts(document, "counts", COUNTS)
    return Report(
        words(document.get("name")) or kind,
        kind,
        counts,
        status or _of_tests(kind, counts),
        _counts(document, "fixable", SEVERITIES),
        zoned(document.get("at")),
        words(document.get("tool")),
        words(document.get("tool_version")),
        zoned(document.get("database_at")),
    )


def _of_tests(kind: str, counts: Json) -> str:
    if kind != "tests":
        return ""  # it follows from the findings
    if counts.get("failed") or counts.get("errors"):
        return "failed"
    return "passed" if counts.get("passed") else "unknown"


def _counts(document: Json, name: str, known: tuple[str, ...]) -> Json:
    counts = document.get(name)
    if counts is None:
        return {}
    if not isinstance(counts, dict) or not all(map(_is_count, counts.values())):
        raise wrong(f"{name} must be an object of whole numbers")
    if strange := sorted(set(counts) - set(known)):
        raise wrong(f"{name} has {', '.join(strange)[:100]}: it may have {', '.join(known)}")
    return counts


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value <= MOST
