"""The state of one build of a Packer run while its output is read."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from hooks.errors import HookError
from hooks.wrapper import resources
from hooks.wrapper.resources import Resource

Json = dict[str, Any]
LOG_LINES = 200

_PART = re.compile(r"(\d{1,3})-(\d{1,3})")


class Part(NamedTuple):
    """The states that one Packer run takes a build through: all, or a part of a chain."""

    first: int = 0
    last: int = 100

    @property
    def is_last(self) -> bool:
        """Return whether the build is complete when this part is."""
        return self.last == 100

    def state(self, state: int) -> int:
        """Return a phase's state within this part: a machine started for 55 is not at 5."""
        return min(max(state, self.first), self.last)


def part_of(env: Mapping[str, str]) -> Part:
    """Return MILEPOST_PART, such as 55-100; raise HookError if it is no range of states."""
    text = env.get("MILEPOST_PART", "").strip()
    if not text:
        return Part()
    match = _PART.fullmatch(text)
    if not match or not int(match[1]) <= int(match[2]) <= 100:
        raise HookError("not reporting: MILEPOST_PART must be two states, such as 15-50")
    return Part(int(match[1]), int(match[2]))


@dataclass
class Target:
    """One builder or source.

    `phase` is new, starting, connected, provisioning, image or post-processing; `artifacts` and
    `errors` are Packer's summary; `removals` are types of resources.
    """

    name: str
    phase: str = "new"
    component: str = ""
    ended: str = ""
    error: str = ""
    marked: bool = False
    failing: bool = False
    retried_stage: str = ""
    verdict: str = ""
    stage: Json | None = None
    held: tuple[Json, datetime] | None = None
    post_processors: list[str] = field(default_factory=list)
    artifacts: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    resources: set[Resource] = field(default_factory=set)
    removals: tuple[str, ...] = ()
    log: deque[str] = field(default_factory=lambda: deque(maxlen=LOG_LINES))

    def note(self, event: Json) -> None:
        """Store the open stage and the verdict."""
        if event["kind"] == "build":
            self.verdict = event["status"]
        elif event["kind"] == "stage":
            self.stage = dict(event) if event["status"] == "started" else None

    def resource_events(self, text: str) -> Iterator[Json]:
        """Yield an event for each resource created in this message, or removed since the last."""
        types, self.removals = self.removals, resources.removals(text)
        if not resources.is_failed_removal(text):
            for each in [each for each in self.resources if each.type in types]:
                self.resources.discard(each)
                yield _resource_event(each, "removed")
        for each in resources.created(text):
            if each not in self.resources:
                self.resources.add(each)
                yield _resource_event(each, "created")

    def failure(self, kind: str, message: str) -> Json:
        """Return the failure of this build, with the end of its log."""
        return {
            "type": kind,
            "message": message,
            "component": self.component or None,
            "details": {"log": list(self.log)},
        }


def _resource_event(resource: Resource, status: str) -> Json:
    return {"kind": "resource", "status": status, "resource": resource._asdict()}
