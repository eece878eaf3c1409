"""The thread that reports while Packer runs: the events of each build in order, and heartbeats.

It never delays the build: events that are not taken are sent again, and the end takes at most ten
seconds.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping

from hooks import client, identity, outbox
from hooks.client import Deadline, Json
from hooks.errors import DeliveryPending, HookError
from hooks.wrapper.parser import TargetEvent

HEARTBEAT_SECONDS = 25.0
HEARTBEAT_BUDGET_SECONDS = 5.0
BATCH_SECONDS = 0.3  # events of one moment share an envelope
RETRY_PAUSES = (1.0, 2.0, 5.0, 10.0)
MAX_EVENTS = 500  # in one envelope
SUMMARISED = ("stage", "build", "artifact")  # kinds of events


def deliver(document: Json, env: Mapping[str, str], deadline: Deadline) -> None:
    """Send an envelope; one of a heartbeat alone is out of date later, so it is not spooled."""
    kinds = {event["kind"] for event in document["events"]}
    if document["manifest"] is None and kinds <= {"heartbeat"}:
        client.send(document, env, Deadline(min(HEARTBEAT_BUDGET_SECONDS, deadline.remaining())))
    else:
        outbox.deliver(document, env, deadline)


class Reporter:
    """Takes events from the thread that reads Packer's output, and sends them from its own."""

    def __init__(
        self,
        env: Mapping[str, str],
        values_of: Callable[[str], identity.Values],
        details_of: Callable[[str], tuple[Json, Json]] = lambda _: ({}, {}),
        sources_of: Callable[[str], list[Json]] = lambda _: [],
    ) -> None:
        self._env = env
        self._values_of = values_of
        self._details_of = details_of  # more fields of the envelope's `build` and `run`
        self._sources_of = sources_of  # the images that a build starts from, as far as is known
        self._events: dict[str, list[Json]] = {}
        self._manifests: dict[str, Json] = {}
        self._sent_at: dict[str, float] = {}  # the last delivery of each running build
        self._ended: set[str] = set()
        self.reported: dict[str, list[Json]] = {}  # events and manifests of each build
        self.manifests: dict[str, Json] = {}
        self._change = threading.Condition()
        self._end: Deadline | None = None
        self.problem = ""
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Start the thread; not before the process has forked."""
        self._thread.start()

    def add(self, events: Iterable[TargetEvent]) -> None:
        """Report these events."""
        with self._change:
            for target, event in events:
                self._events.setdefault(target, []).append(event)
                if event["kind"] in SUMMARISED:
                    self.reported.setdefault(target, []).append(event)
                self._change.notify()

    def add_manifest(self, target: str, manifest: Json) -> None:
        """Report the manifest of one build."""
        with self._change:
            self._manifests[target] = self.manifests[target] = manifest
            self._change.notify()

    def close(self, deadline: Deadline) -> bool:
        """Wait until the last event is taken or the time is up; return whether it was taken."""
        with self._change:
            self._end = deadline
            self._change.notify()
        self._thread.join(deadline.remaining())
        return not (self._thread.is_alive() or self._events or self._manifests)

    def _run(self) -> None:
        failures = 0
        while True:
            with self._change:
                self._wait(RETRY_PAUSES[min(failures, len(RETRY_PAUSES)) - 1] if failures else 0.0)
                end = self._end
            deadline = end or Deadline()
            failures = failures + 1 if self._send_all(deadline) else 0
            if end and (not failures or not deadline.pause(RETRY_PAUSES[0])):
                return

    def _send_all(self, deadline: Deadline) -> bool:
        """Send the events of each build; return whether any was not taken."""
        with self._change:
            targets = list(dict.fromkeys([*self._events, *self._manifests, *self._due()]))
        return False in [self._try(target, deadline) for target in targets]

    def _try(self, target: str, deadline: Deadline) -> bool:
        try:
            self._send(target, deadline)
        except HookError as error:
            self.problem = str(error)
        except Exception as error:  # noqa: BLE001  # whatever it is, the build goes on
            self.problem = f"not reporting: {type(error).__name__}"
        else:
            return True
        return False

    def _wait(self, pause: float) -> None:
        """Wait until there is an event, a heartbeat is due, or the end."""
        if pause:
            self._change.wait_for(lambda: self._end, pause)
        while not (self._end or self._events or self._manifests or self._due()):
            self._change.wait(1.0)
        if not self._end:
            self._change.wait_for(lambda: self._end, BATCH_SECONDS)

    def _due(self) -> list[str]:
        before = time.monotonic() - HEARTBEAT_SECONDS
        return [target for target, sent_at in self._sent_at.items() if sent_at <= before]

    def _send(self, target: str, deadline: Deadline) -> None:
        """Send events in order; later ones wait for the next round."""
        with self._change:
            events = self._events.get(target, [])[:MAX_EVENTS]
            manifest = self._manifests.get(target)
        if any(event["kind"] == "build" for event in events):
            self._ended.add(target)
        has_ended = target in self._ended
        heartbeats = [] if has_ended or (events and target in self._sent_at) else [_heartbeat()]
        document = client.envelope(self._values_of(target), [*events, *heartbeats], manifest)
        build, run = self._details_of(target)
        document["build"].update(build)
        document["run"].update(run)
        client.add_sources(document, self._sources_of(target))
        try:
            deliver(document, self._env, deadline)
            self.problem = ""
        except DeliveryPending as error:
            self.problem = str(error)
        with self._change:
            self._sent_at[target] = float("inf") if has_ended else time.monotonic()
            self._remove(target, len(events), manifest)

    def _remove(self, target: str, count: int, manifest: Json | None) -> None:
        rest = self._events.get(target, [])[count:]
        self._events.pop(target, None)
        if rest:
            self._events[target] = rest
        if self._manifests.get(target) is manifest:
            self._manifests.pop(target, None)


def warn(problem: str) -> None:
    """Print one line to where Packer's own errors go."""
    with contextlib.suppress(OSError):  # full, or nobody reads it
        os.write(2, f"milepost: {' '.join(problem.split())}\n".encode("utf-8", "replace"))


def _heartbeat() -> Json:
    return {"kind": "heartbeat", "at": client.now()}
