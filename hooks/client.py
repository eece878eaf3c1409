"""Envelopes and their way to the receiver: at most ten seconds, one id over all tries."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import Any, TypeVar

from hooks import __version__, signing
from hooks.ci import DIMENSIONS, Values
from hooks.errors import HookError

BUDGET_SECONDS = 10.0
PAUSES = (0.5, 1.0, 2.0, 4.0)
TRY_AGAIN = (429, 500, 502, 503, 504)

Json = dict[str, Any]
T = TypeVar("T")


def now() -> str:
    """The time in UTC, to the microsecond."""
    return datetime.now(timezone.utc).isoformat(timespec="microseconds").replace("+00:00", "Z")


def envelope(values: Values, events: list[Json], manifest: Json | None = None) -> Json:
    """What the receiver takes; see its README. A value that is not known is null."""
    run = {name: values[name].text for name in ("url", "commit", "branch")}
    document: Json = {
        "version": 1,
        "build": {
            "number": values["build_number"].text,
            **{name: values[name].text for name in DIMENSIONS},
            "created_by": values["created_by"].text,
        },
        "run": {
            "key": values["run_key"].text,
            "attempt": _whole(values, "attempt"),
            "resumed_from": _whole(values, "resumed_from"),
            **run,
        },
        "events": events,
    }
    if manifest is not None:
        document["manifest"] = manifest
    return document


def send(document: Json, env: Mapping[str, str]) -> Json:
    """Post an envelope and give the answer; HookError where it was not taken in time."""
    url, secret = address(env), signing.secret_of(env)
    body = json.dumps(document, separators=(",", ":")).encode()
    return _within(BUDGET_SECONDS, lambda: _post(url, secret, body))


def address(env: Mapping[str, str]) -> str:
    """Where to post: MILEPOST_URL, with the route behind it unless it names one."""
    base = env.get("MILEPOST_URL", "").strip().rstrip("/")
    if not base:
        raise HookError("not reporting: set MILEPOST_URL")
    return base if "/webhooks/" in base else f"{base}/webhooks/milepost"


def _whole(values: Values, name: str) -> int | None:
    text = values[name].text
    if text is None:
        return None
    if not text.isdecimal():
        raise HookError(f"{values[name].origin} must be a whole number")
    return int(text)


def _within(seconds: float, work: Callable[[], T]) -> T:
    """Run the work in a thread that may be left behind: neither name resolution nor a server
    that answers byte by byte ends by itself."""
    outcome: list[Any] = []

    def run() -> None:
        try:
            outcome.append(work())
        except Exception as error:  # noqa: BLE001  # it is raised again below
            outcome.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if not outcome:
        raise HookError(f"not reported: no answer within {seconds:g} s")
    if isinstance(outcome[0], Exception):
        raise outcome[0]
    result: T = outcome[0]
    return result


def _post(url: str, secret: str, body: bytes) -> Json:
    """Try until it is taken, refused for good, or the time is up."""
    import requests  # an import of 0.1 s that `--help` and markers can do without

    message_id, end = f"msg_{uuid.uuid4().hex}", time.monotonic() + BUDGET_SECONDS
    problem = "no answer"
    for pause in (*PAUSES, 0.0):
        headers = signing.headers(secret, message_id, int(time.time()), body)
        headers.update({"content-type": "application/json", "user-agent": _agent()})
        try:
            answer = requests.post(
                url,
                body,
                headers=headers,
                timeout=max(0.1, end - time.monotonic()),
                allow_redirects=False,
            )
        except requests.RequestException as error:
            problem = type(error).__name__
        else:
            if answer.status_code // 100 == 2:  # a redirect has taken nothing
                return _json(answer.content)
            problem = _refusal(answer.status_code, _json(answer.content))
            if answer.status_code not in TRY_AGAIN:
                break
            pause = max(pause, _retry_after(answer.headers))
        if time.monotonic() + pause >= end:
            break
        time.sleep(pause)
    raise HookError(f"not reported: {problem}")


def _agent() -> str:
    return f"milepost-hook/{__version__}"


def _json(content: bytes) -> Json:
    try:
        document = json.loads(content)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _refusal(status: int, problem: Json) -> str:
    """The receiver's own words, on one line."""
    errors = problem.get("errors")
    fields = "; ".join(
        f"{name}: {' '.join(map(str, texts))}"
        for name, texts in (errors.items() if isinstance(errors, dict) else ())
        if isinstance(texts, list)
    )
    words = (f"the receiver answers {status}", str(problem.get("detail") or ""), fields)
    return " ".join(" ".join(word for word in words if word).split())[:500]


def _retry_after(headers: Mapping[str, str]) -> float:
    text = headers.get("retry-after", "")
    return float(text) if text.isdecimal() else 0.0
