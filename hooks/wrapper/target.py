"""The state of one build of a Packer run while its output is read."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, NamedTuple

from hooks.errors import HookError
from hooks.wrapper import builders
from hooks.wrapper.phases import Phase

Json = dict[str, Any]
LOG_LINES = 200
BY_HAND = "delete by hand"  # a resource of this type is what Packer says about it

_NEVER = datetime.min.replace(tzinfo=timezone.utc)
_PART = re.compile(r"(\d{1,3})-(\d{1,3})")


class Resource(NamedTuple):
    """One thing in a cloud, by its type and its id there."""

    type: str
    id: str


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


class Claim(NamedTuple):
    """A step that a script's words may have faked: it counts once the next line agrees."""

    phase: Phase
    event: Json
    component: str
    at: datetime


@dataclass
class Target:
    """One builder or source.

    `kind` is the builder's type; `words` is what the running step printed; `artifacts` and
    `errors` are Packer's summary; `removals` are types of resources; `asked` is the failure of a
    step that -on-error=ask may retry.
    """

    name: str
    kind: str = ""
    phase: Phase = Phase.NEW
    component: str = ""
    ended: str = ""
    error: str = ""
    marked: bool = False
    retried_stage: str = ""
    retried_error: str = ""
    verdict: str = ""
    is_held: bool = False  # the verdict waits for Packer's exit code
    stage: Json | None = None
    held: tuple[Json, datetime] | None = None
    claim: Claim | None = None
    asked: tuple[Json, datetime] | None = None
    before: str = ""
    by_hand: str = ""
    post_processors: list[str] = field(default_factory=list)
    artifacts: list[str] = field(default_factory=list)
    records: list[tuple[str, ...]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    resources: set[Resource] = field(default_factory=set)
    removals: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()  # the images that the builder says it starts from
    log: deque[str] = field(default_factory=lambda: deque(maxlen=LOG_LINES))
    words: deque[str] = field(default_factory=lambda: deque(maxlen=LOG_LINES))
    last_time: datetime = _NEVER

    def note(self, event: Json) -> None:
        """Store the open stage and the verdict."""
        if event["kind"] == "build":
            self.verdict = event["status"]
        elif event["kind"] == "stage":
            self.stage = dict(event) if event["status"] == "started" else None

    def settle_removals(self, is_believed: bool) -> Iterator[Json]:
        """Yield the removals that the line before announced, unless this one denies them."""
        types, self.removals = self.removals, ()
        for each in [each for each in self.resources if is_believed and each.type in types]:
            self.resources.discard(each)
            yield _resource_event(each, "removed")

    def resource_events(self, text: str, can_create: bool) -> Iterator[Json]:
        """Yield an event for the resource that this message says is created; note removals."""
        self.removals = builders.removed(self.kind, text)
        found = builders.created(self.kind, text, self.before) if can_create else None
        if found and (resource := Resource(found[0], found[1].rstrip(" ."))) not in self.resources:
            self.resources.add(resource)
            yield _resource_event(resource, "created")

    def by_hand_event(self) -> Iterator[Json]:
        """Yield what Packer said has to be removed by hand, with the name that followed."""
        text, self.by_hand = self.by_hand, ""
        resource = Resource(BY_HAND, " ".join(text.split())[:500])
        if text and resource not in self.resources:
            self.resources.add(resource)
            yield _resource_event(resource, "created")

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
