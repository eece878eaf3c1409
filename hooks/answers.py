"""What an answer to a post means; pure.

Between a hook and its receiver stand proxies, sign-in pages and the default pages of others. An
answer is the receiver's own only in its form: a receipt is a 2xx JSON object with `id` and
`outcome` (docs/webhooks.md), a refusal is problem details (RFC 9457) with a `code`. Whatever else
comes back, the receiver may never have seen the report.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

RETRY_STATUSES = (408, 429, 500, 502, 503, 504)
REDIRECTS = (301, 302, 303, 307, 308)
MAX_SKEW_SECONDS = 300  # the receiver's own tolerance, as in Standard Webhooks' libraries
PROBLEM = "application/problem+json"
UNKNOWN_FIELD = "Unknown field."

Json = dict[str, Any]
Headers = Mapping[str, str]


class Outcome(NamedTuple):
    """Result of a try: an answer, or a problem and the wait in seconds, None for no further try."""

    answer: Json | None = None
    problem: str = ""
    wait: float | None = None
    is_refused: bool = False  # by the receiver, and for good
    is_foreign: bool = False  # something else answered
    errors: Json | None = None  # of a refusal, by field


def outcome(status: int, content: bytes, headers: Headers, host: str, now: float | None) -> Outcome:
    """Return what an answer means; `headers` ignore case, `now` is the time that was signed."""
    document = json_object(content)
    if status // 100 == 2 and {"id", "outcome"} <= document.keys():
        return Outcome(answer=document)
    is_temporary = status in RETRY_STATUSES
    wait = _retry_after(headers) if is_temporary else None
    if not _is_problem(document, headers):
        return Outcome(problem=_foreign(status, headers, host), wait=wait, is_foreign=True)
    skew = _skew(headers, now) if now and status == 401 else 0
    if abs(skew) >= MAX_SKEW_SECONDS:  # it counts again as soon as the clock is right
        return Outcome(problem=_clock(skew))
    return Outcome(
        problem=_refusal(status, document),
        wait=wait,
        is_refused=status // 100 == 4 and not is_temporary,
        errors=document.get("errors"),
    )


def json_object(content: bytes) -> Json:
    """Return the JSON object of a body, {} if it holds none."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def without_unknown(document: Json, errors: Any) -> Json | None:
    """Return the envelope without what an older receiver does not know; None if that is not all.

    Its 422 names unknown fields by their path, and the kind of an event with the kinds that it
    knows: {"run.pipeline": ["Unknown field."], "events.0.kind": ["Must be one of: stage, …"]}.
    """
    if not isinstance(errors, dict) or not errors:
        return None
    known, kinds = copy.deepcopy(document), set()
    for path, texts in errors.items():
        parts = str(path).split(".")
        if texts == [UNKNOWN_FIELD] and _remove(known, parts):
            continue
        if len(parts) != 3 or parts[::2] != ["events", "kind"] or not _is_choice(texts):
            return None
        kinds.add(parts[1])
    events = known.get("events") or []
    known["events"] = [each for n, each in enumerate(events) if str(n) not in kinds]
    return known if known["events"] or known.get("manifest") is not None else None


def _is_choice(texts: Any) -> bool:
    return isinstance(texts, list) and str(texts[0] if texts else "").startswith("Must be one of")


def _remove(document: Any, parts: list[str]) -> bool:
    """Remove the value at a path; return whether it was there."""
    *folders, name = parts
    for part in folders:
        if isinstance(document, list):
            document = dict(enumerate(document)).get(int(part) if part.isdecimal() else -1)
        else:
            document = document.get(part) if isinstance(document, dict) else None
    return isinstance(document, dict) and document.pop(name, document) is not document


def _is_problem(document: Json, headers: Headers) -> bool:
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind == PROBLEM and isinstance(document.get("code"), str)


def _foreign(status: int, headers: Headers, host: str) -> str:
    if status in REDIRECTS:
        target = " ".join(headers.get("location", "").split())[:200]
        return f"{host} redirects to {target or 'another address'}: correct MILEPOST_URL"
    return (
        f"{host} answers {status}, but not as a receiver does: "
        "check MILEPOST_URL and the proxies in between"
    )


def _skew(headers: Headers, now: float) -> float:
    """Return by how many seconds this clock is ahead of the answer's Date."""
    try:
        return now - parsedate_to_datetime(headers.get("date", "")).timestamp()
    except (TypeError, ValueError, OverflowError):
        return 0


def _clock(skew: float) -> str:
    word = "ahead of" if skew > 0 else "behind"
    return f"this machine's clock is {abs(skew):.0f} s {word} the receiver's: set the clock"


def _refusal(status: int, problem: Json) -> str:
    """Return the problem that the receiver names, on one line."""
    errors = problem.get("errors")
    fields = "; ".join(
        f"{name}: {' '.join(map(str, texts))}"
        for name, texts in (errors.items() if isinstance(errors, dict) else ())
        if isinstance(texts, list)
    )
    parts = (f"the receiver answers {status}", str(problem.get("detail") or ""), fields)
    return " ".join(" ".join(filter(None, parts)).split())[:500]


def _retry_after(headers: Headers) -> float:
    text = headers.get("retry-after", "")
    return float(text) if text.isdecimal() else 0.0
