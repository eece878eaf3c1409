"""Envelopes and how they are sent: within ten seconds, under one id over all tries."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import Any, NamedTuple, TypeVar

from hooks import __version__, answers, network, settings, signing
from hooks.answers import Outcome
from hooks.ca_bundle import ca_file
from hooks.errors import HookError
from hooks.identity import DIMENSIONS, Values

BUDGET_SECONDS = 10.0
RETRY_PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)
NEWER_DETAILS = ("pipeline", "default_branch", "pull_request")
MAX_REDUCTIONS = 3  # unknown fields of an event show only once those above it are gone
MAX_BODY = 5 * 2**20  # bytes; the receiver's own limit

Json = dict[str, Any]
T = TypeVar("T")


class Clock(NamedTuple):
    """The sources of time; a test passes its own."""

    wall: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


class Deadline:
    """The time budget of one command, over everything that it does."""

    def __init__(self, seconds: float = BUDGET_SECONDS, clock: Clock | None = None) -> None:
        self.seconds = seconds
        self.clock = clock or Clock()
        self.end = self.clock.monotonic() + seconds

    def remaining(self) -> float:
        """Return the seconds until the end."""
        return max(0.0, self.end - self.clock.monotonic())

    def pause(self, seconds: float) -> bool:
        """Sleep and return True; return False at once if the end comes first."""
        if seconds >= self.remaining():
            return False
        self.clock.sleep(seconds)
        return True


def now() -> str:
    """Return the time in UTC, to the microsecond."""
    return moment().isoformat(timespec="microseconds").replace("+00:00", "Z")


def moment() -> datetime:
    """Return the time in UTC."""
    return datetime.now(timezone.utc)


def envelope(values: Values, events: list[Json], manifest: Json | None = None) -> Json:
    """Return the document to send. An unknown value is null; newer fields are left out then, so
    that a receiver that does not know them yet takes it at once."""
    newer = {name: values[name].text for name in NEWER_DETAILS if name in values}
    return {
        "version": 1,
        "build": {
            "number": values["build_number"].text,
            **{name: values[name].text for name in (*DIMENSIONS, "created_by")},
        },
        "run": {
            "key": values["run_key"].text,
            "attempt": _integer(values, "attempt"),
            "resumed_from": _integer(values, "resumed_from"),
            **{name: values[name].text for name in ("url", "commit", "branch")},
            **{name: text for name, text in newer.items() if text},
        },
        "events": events,
        "manifest": manifest,
    }


def add_names(document: Json, names: Mapping[str, str | None]) -> Json:
    """Return the document with raw names, by place, of which the image may be inferred."""
    known = {place: name for place, name in names.items() if name}
    if known:
        build = document["build"]
        build["names"] = {**known, **build.get("names", {})}
    return document


def add_sources(document: Json, sources: list[Json]) -> Json:
    """Return the document with the images that the build starts from; none is no field, so that a
    receiver that does not know it yet takes it at once."""
    if sources:
        document["sources"] = sources
    return document


def encode(document: Json) -> bytes:
    """Return the body of an envelope; raise HookError if it is too large."""
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
    body = text.encode("utf-8", "replace")  # an argument may hold bytes that are not UTF-8
    if len(body) > MAX_BODY:
        raise HookError(f"not reporting: {len(body)} bytes, the receiver takes at most {MAX_BODY}")
    return body


def new_message_id() -> str:
    """Return a new webhook-id, by which the receiver recognises a repeated delivery."""
    return f"msg_{os.urandom(16).hex()}"  # the module uuid takes 5 ms to import


def send(document: Json, env: Mapping[str, str], deadline: Deadline | None = None) -> Json:
    """Post an envelope past the spool; raise HookError if it was not taken in time."""
    outcome = Receiver(env).post(new_message_id(), encode(document), deadline or Deadline())
    if outcome.answer is None:
        raise HookError(f"not reported: {outcome.problem}")
    return outcome.answer


def _integer(values: Values, name: str) -> int | None:
    text = values[name].text
    if text is None:
        return None
    if not text.isdecimal() or len(text) > 9:
        raise HookError(f"not reporting: {values[name].origin} must be a whole number")
    return int(text)


class Receiver:
    """One connection to the receiver, from the environment; raises HookError if that is incomplete.

    The environment may name a proxy and certificate authorities, as for `requests`:
    https://requests.readthedocs.io/en/latest/user/advanced/#proxies
    """

    def __init__(self, env: Mapping[str, str]) -> None:
        settings.demand(env)
        self.url, self._secret = settings.address(env), signing.secret_of(env)
        self._place = settings.place(self.url)
        self._authorities = ca_file(env)
        self._session: Any = None

    def post(self, message_id: str, body: bytes, deadline: Deadline) -> Outcome:
        """Post; without the parts that an older receiver refuses because it does not know them."""
        outcome = self._post(message_id, body, deadline)
        for _ in range(MAX_REDUCTIONS):
            known = outcome.errors and answers.without_unknown(json.loads(body), outcome.errors)
            if not known:
                break
            body = encode(known)
            outcome = self._post(message_id, body, deadline)
        return outcome

    def _post(self, message_id: str, body: bytes, deadline: Deadline) -> Outcome:
        """Try until it is taken, refused for good, or the time is up; return the last outcome: of a
        try that the end of the time cuts off nothing is known, and the one before counts."""
        outcome = Outcome()
        for pause in RETRY_PAUSES:
            try:
                outcome = run_within(deadline, lambda: self._try(message_id, body, deadline))
            except HookError as error:
                return outcome if outcome.problem else Outcome(problem=error.args[0])
            if outcome.wait is None or not deadline.pause(max(pause, outcome.wait)):
                break
        return outcome

    def _try(self, message_id: str, body: bytes, deadline: Deadline) -> Outcome:
        import requests  # an import of 0.1 s that `--help` and markers can do without

        self._session = self._session or requests.Session()
        headers = {
            **signing.sign(self._secret, message_id, int(deadline.clock.wall()), body),
            "content-type": "application/json",
            "user-agent": f"milepost-hook/{__version__}",
        }
        try:
            answer = self._session.post(
                self.url,
                body,
                headers=headers,
                timeout=max(0.1, deadline.remaining()),
                allow_redirects=False,
                auth=lambda request: request,  # a .netrc would replace our Authorization
                verify=self._authorities,
            )
        except (requests.ConnectionError, requests.Timeout) as error:
            return network.outcome(error, self._place)
        except requests.RequestException as error:
            return Outcome(problem=f"check MILEPOST_URL ({type(error).__name__})")
        is_signed = not self._secret.startswith(signing.BEARER)  # with the time
        now = deadline.clock.wall() if is_signed else None
        return answers.outcome(answer.status_code, answer.content, answer.headers, self._place, now)


def run_within(deadline: Deadline, work: Callable[[], T]) -> T:
    """Run the work and return its result; raise HookError if the time is up first.

    The work has a thread of its own, which is then left behind: neither name resolution nor a
    server that answers byte by byte ends by itself.
    """
    answers: list[T] = []
    errors: list[Exception] = []

    def run() -> None:
        try:
            answers.append(work())
        except Exception as error:  # noqa: BLE001  # it is raised again below
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(deadline.remaining())
    if errors:
        raise errors[0]
    if not answers:
        raise HookError(f"no answer within {deadline.seconds:g} s")
    return answers[0]
