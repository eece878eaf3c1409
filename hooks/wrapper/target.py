"""What is known of one build of a Packer run while its output is read."""

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
KEPT_LINES = 200

_PART = re.compile(r"(\d{1,3})-(\d{1,3})")


class Part(NamedTuple):
    """The states that one Packer run takes a build through: all, or a part of a chain."""

    first: int = 0
    last: int = 100

    @property
    def is_last(self) -> bool:
        """The build is complete when this part is."""
        return self.last == 100

    def state(self, state: int) -> int:
        """A phase of Packer's inside this part: a machine that comes up for 55 is no 5."""
        return min(max(state, self.first), self.last)


def part_of(env: Mapping[str, str]) -> Part:
    """MILEPOST_PART, such as 55-100; HookError."""
    text = env.get("MILEPOST_PART", "").strip()
    if not text:
        return Part()
    found = _PART.fullmatch(text)
    if not found or not int(found[1]) <= int(found[2]) <= 100:
        raise HookError("not reporting: MILEPOST_PART must be two states, such as 15-50")
    return Part(int(found[1]), int(found[2]))


@dataclass
class Target:
    """One builder or source. `phase` is new, starting, connected, provisioning, image or
    post-processing; `artifacts` and `errors` are Packer's summary; `going` is being removed."""

    name: str
    phase: str = "new"
    component: str = ""
    ended: str = ""
    error: str = ""
    marked: bool = False
    failing: bool = False
    again: str = ""
    judged: str = ""
    stage: Json | None = None
    held: tuple[Json, datetime] | None = None
    post_processors: list[str] = field(default_factory=list)
    artifacts: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    made: set[Resource] = field(default_factory=set)
    going: tuple[str, ...] = ()
    log: deque[str] = field(default_factory=lambda: deque(maxlen=KEPT_LINES))

    def note(self, event: Json) -> None:
        """Remember the open stage and the verdict."""
        if event["kind"] == "build":
            self.judged = event["status"]
        elif event["kind"] == "stage":
            self.stage = dict(event) if event["status"] == "started" else None

    def changed(self, text: str) -> Iterator[Json]:
        """An event for each resource that this message says is made, or is gone since the last."""
        going, self.going = self.going, resources.going(text)
        gone = [] if resources.stays(text) else [each for each in self.made if each.type in going]
        for each in gone:
            self.made.discard(each)
            yield _resource(each, "removed")
        for each in resources.made(text):
            if each not in self.made:
                self.made.add(each)
                yield _resource(each, "created")

    def failure(self, kind: str, message: str) -> Json:
        """Why it failed, with the end of its log."""
        return {
            "type": kind,
            "message": message,
            "component": self.component or None,
            "details": {"log": list(self.log)},
        }


def _resource(resource: Resource, status: str) -> Json:
    told = {"type": resource.type, "id": resource.id}
    return {"kind": "resource", "status": status, "resource": told}
