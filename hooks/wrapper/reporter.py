"""The thread that reports while Packer runs: events of each build in turn, and heartbeats.

It never holds the build up: what is not taken is kept and tried again, and at the end it has
ten seconds.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from hooks import client, identity, outbox
from hooks.client import Deadline
from hooks.errors import HookError, Kept
from hooks.wrapper.parser import Said

Json = dict[str, Any]

HEARTBEAT_SECONDS = 25.0
HEARTBEAT_BUDGET = 5.0
GATHER_SECONDS = 0.3  # events of one moment travel together
PAUSES = (1.0, 2.0, 5.0, 10.0)  # after a receiver that did not take it
MOST = 500  # events in one envelope


def deliver(document: Json, env: Mapping[str, str], deadline: Deadline) -> None:
    """The one place that sends. A heartbeat alone is of now: nobody keeps it for later."""
    if document["manifest"] is None and all(e["kind"] == "heartbeat" for e in document["events"]):
        client.send(document, env, Deadline(min(HEARTBEAT_BUDGET, deadline.left())))
    else:
        outbox.deliver(document, env, deadline)


class Reporter:
    """Takes events from the thread that reads Packer's output and sends them from its own."""

    def __init__(self, env: Mapping[str, str], values_of: Callable[[str], identity.Values]) -> None:
        self._env = env
        self._values_of = values_of
        self._events: dict[str, list[Json]] = {}
        self._manifests: dict[str, Json] = {}
        self._heard: dict[str, float] = {}  # when each running build last spoke
        self._judged: set[str] = set()
        self._change = threading.Condition()
        self._end: Deadline | None = None
        self.problem = ""
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin; not before the process has forked."""
        self._thread.start()

    def say(self, said: Iterable[Said]) -> None:
        """Report these events."""
        with self._change:
            for target, event in said:
                self._events.setdefault(target, []).append(event)
                self._change.notify()

    def say_manifest(self, target: str, manifest: Json) -> None:
        """Report a manifest of one build."""
        with self._change:
            self._manifests[target] = manifest
            self._change.notify()

    def close(self, deadline: Deadline) -> bool:
        """Wait until the last event is taken or the time is up; whether it was."""
        with self._change:
            self._end = deadline
            self._change.notify()
        self._thread.join(deadline.left())
        return not (self._thread.is_alive() or self._events or self._manifests)

    def _run(self) -> None:
        failures = 0
        while True:
            with self._change:
                self._wait(PAUSES[min(failures, len(PAUSES)) - 1] if failures else 0.0)
                end = self._end
            deadline = end or Deadline()
            failures = failures + 1 if self._round(deadline) else 0
            if end and (not failures or not deadline.pause(PAUSES[0])):
                return

    def _round(self, deadline: Deadline) -> bool:
        """Send what there is to say of each build; whether something was not taken."""
        with self._change:
            targets = list(dict.fromkeys([*self._events, *self._manifests, *self._due()]))
        return False in [self._sent(target, deadline) for target in targets]

    def _sent(self, target: str, deadline: Deadline) -> bool:
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
        """Until there is something to say, a heartbeat is due, or the end."""
        if pause:
            self._change.wait_for(lambda: self._end, pause)
        while not (self._end or self._events or self._manifests or self._due()):
            self._change.wait(1.0)
        if not self._end:
            self._change.wait_for(lambda: self._end, GATHER_SECONDS)

    def _due(self) -> list[str]:
        before = time.monotonic() - HEARTBEAT_SECONDS
        return [target for target, heard in self._heard.items() if heard <= before]

    def _send(self, target: str, deadline: Deadline) -> None:
        """In the order of events; what comes meanwhile waits for the next round."""
        with self._change:
            events = self._events.get(target, [])[:MOST]
            manifest = self._manifests.get(target)
        if any(event["kind"] == "build" for event in events):
            self._judged.add(target)
        is_quiet = target in self._judged
        alive = [] if is_quiet or (events and target in self._heard) else [_heartbeat()]
        document = client.envelope(self._values_of(target), [*events, *alive], manifest)
        try:
            deliver(document, self._env, deadline)
            self.problem = ""
        except Kept as error:
            self.problem = str(error)
        with self._change:
            self._heard[target] = float("inf") if is_quiet else time.monotonic()
            self._forget(target, len(events), manifest)

    def _forget(self, target: str, count: int, manifest: Json | None) -> None:
        rest = self._events.get(target, [])[count:]
        self._events.pop(target, None)
        if rest:
            self._events[target] = rest
        if self._manifests.get(target) is manifest:
            self._manifests.pop(target, None)


def tell(problem: str) -> None:
    """One line for a person, where Packer's own errors go."""
    os.write(sys.stderr.fileno(), f"milepost: {' '.join(problem.split())}\n".encode())


def _heartbeat() -> Json:
    return {"kind": "heartbeat", "at": client.now()}
