"""Packer's output → the events of each build, line by line; pure: the time is passed in.

One build is one target: a builder of a JSON template, a source of an HCL2 one. Messages outside
a target (`Build 'x' finished`) are Packer's own; a script's output always stands behind its
target's name, so that nothing that a script prints can be a verdict.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple

from hooks.redact import Redactor
from hooks.wrapper import phrases
from hooks.wrapper.lines import Form
from hooks.wrapper.target import KEPT_LINES, Part, Target

Json = dict[str, Any]
HOLD = timedelta(seconds=1)  # how long an inline script may take to name itself

_HEADER = re.compile(r"(?!==>| )(.+?):? output will be in this color\.")
_TARGET = re.compile(r"(==>|   ) (.+?):(?: (.*)|$)")
_BEHIND = re.compile(r"(.+) \(([\w.-]+)\)$")
_BUILD = re.compile(r"Build '(.+?)' (finished|errored)(?: after [^:]*?)?(?:: ?(.*)|\.?)$")
_SUMMARY = re.compile(r"--> (.+?): (.*)")
_CANCELLING = re.compile(r"Cancelling build after receiving (.+)")


class Said(NamedTuple):
    """An event about the build of a target."""

    target: str
    event: Json


class Reader:
    """Reads the output of one `packer build`; `take()` gives what is new since the last time."""

    def __init__(self, redactor: Redactor | None = None, part: Part | None = None) -> None:
        self.targets: dict[str, Target] = {}
        self.manifests: list[str] = []
        self.cancelled = ""
        self.log: deque[str] = deque(maxlen=KEPT_LINES)
        self._form = Form()
        self._redactor = redactor or Redactor()
        self._part = part or Part()
        self._declared: set[str] = set()
        self._failing: Target | None = None  # whose message may go on in the next line
        self._section = ""
        self._summary: list[str] | None = None
        self._new: list[Said] = []
        self._last = datetime.min.replace(tzinfo=timezone.utc)

    def feed(self, line: str, at: datetime) -> None:
        """Read one line."""
        for text in self._form.said(line):
            clean = self._redactor.line(text)
            if clean:
                self.log.append(clean)
            self._read(clean, at)

    def take(self, at: datetime) -> list[Said]:
        """The events since the last call; a script that did not name itself begins after all."""
        for target in self.targets.values():
            if target.held and at - target.held[1] >= HOLD:
                self._release(target)
        new, self._new = self._new, []
        return new

    def end(self, at: datetime) -> None:
        """The output is at its end."""
        self._settle(at)
        for target in self.targets.values():
            self._release(target)

    def _read(self, text: str, at: datetime) -> None:
        if self._own(text, at):
            return
        found = self._addressed(text)
        if found:
            self._settle(at)
            target, behind, message = found
            target.log.append(text[:2_000])
            self._message(target, behind, message, text.startswith("==>"), at)
        elif self._summary is not None and text.strip():
            self._summary[-1] += "\n" + text
        elif self._failing and text.strip():
            self._failing.error += "\n" + text

    def _own(self, text: str, at: datetime) -> bool:
        """Packer's own messages, which no target's name stands before."""
        if text.startswith("Build '") and (build := _BUILD.match(text)):
            self._settle(at)
            self._ended(build[1], build[2], build[3], at)
        elif text.startswith("-->") and self._section and (summary := _SUMMARY.match(text)):
            self._settle(at)
            self._summed(summary[1], summary[2])
        elif text.startswith("Cancelling build") and (cancelling := _CANCELLING.match(text)):
            self._settle(at)
            self._cancel(cancelling[1], at)
        elif text.startswith(("==> Some builds didn't", "==> Builds finished", "==> Wait compl")):
            self._settle(at)
            self._summary = None
            self._section = {"S": "errors", "B": "artifacts"}.get(text[4], "")
        elif text.endswith("in this color.") and (header := _HEADER.fullmatch(text)):
            self._declared.add(header[1])
        else:
            return False
        return True

    def _addressed(self, text: str) -> tuple[Target, str, str] | None:
        """(target, post-processor, message) of a line that has a target's name before it."""
        found = _TARGET.match(text)
        if not found or self._section:
            return None
        name, behind = found[2], ""
        if name not in self.targets and (inner := _BEHIND.match(name)):
            name, behind = inner[1], inner[2]
        known = name in self.targets or name in self._declared
        if not known and (self._declared or found[1] != "==>"):
            return None
        return self._target(name), behind, found[3] or ""

    def _target(self, name: str) -> Target:
        return self.targets.setdefault(name, Target(name))

    def _message(self, target: Target, behind: str, text: str, loud: bool, at: datetime) -> None:
        if target.phase == "new":
            self._start(target, "starting", "Machine starting", at, self._part.state(5))
        self._resources(target, text, at)
        if self._marked(target, text, at) or target.failing or behind or not loud:
            return
        if phrases.CLEANUP_PROVISIONER.match(text):
            self._release(target)
            target.failing = True
        elif retry := phrases.RETRYING.match(text):
            self._retry(target, retry[1], at)
        elif step := phrases.post_processor(text):
            target.component = step.component
            target.post_processors.append(step.component)
            self._start(target, "post-processing", step.name, at, self._part.state(95))
        elif target.phase != "post-processing":
            self._progress(target, text, at)

    def _progress(self, target: Target, text: str, at: datetime) -> None:
        """The machine comes up, provisioners run, an image is made."""
        step = phrases.provisioner(text)
        if step and not (step.component == "file" and target.phase == "starting"):
            self._provision(target, step, at)
        elif target.phase == "starting" and phrases.CONNECTED.match(text):
            self._start(target, "connected", "Connected", at, self._part.state(10))
        elif target.phase in ("connected", "provisioning") and phrases.IMAGE.match(text):
            target.component = ""
            self._start(target, "image", "Image creation", at, self._part.state(95))

    def _provision(self, target: Target, step: phrases.Step, at: datetime) -> None:
        target.phase, target.component = "provisioning", step.component
        if target.marked:  # a marker's stage lasts until the next marker
            return
        self._release(target)
        event: Json = {"kind": "stage", "stage": step.name, "status": "started"}
        if phrases.is_anonymous(step):
            target.held = (event, at)
        else:
            self._say(target, event, at)

    def _marked(self, target: Target, text: str, at: datetime) -> bool:
        """What our hooks, or an `echo`, say inside Packer; never a verdict."""
        if not text.startswith("milepost: "):
            if text and not phrases.provisioner(text):
                self._release(target)
            return False
        if named := phrases.marker(text):
            self._named(target, *named, at)
        elif failed := phrases.failed_marker(text):
            self._fail_stage(target, failed, at)
        elif path := phrases.manifest_marker(text):
            self.manifests.append(path)
        return True

    def _named(self, target: Target, state: int | None, name: str, at: datetime) -> None:
        """A script names its stage; what it was called until now never began."""
        again, target.again = target.again, ""
        if target.failing or name == again:
            return
        target.held, target.marked = None, True
        event: Json = {"kind": "stage", "stage": name, "status": "started"}
        self._say(target, event if state is None else {**event, "state": state}, at)

    def _release(self, target: Target) -> None:
        if target.held:
            event, at = target.held
            target.held = None
            self._say(target, event, at)

    def _fail_stage(self, target: Target, text: str, at: datetime) -> None:
        try:
            said = json.loads(text)
        except (ValueError, RecursionError):
            return
        given = {name: said.get(name) for name in ("type", "message", "component")}
        failure = {name: str(value)[:2_000] for name, value in given.items() if value}
        self._say(target, {"kind": "stage", "status": "failed", "failure": failure}, at)

    def _retry(self, target: Target, message: str, at: datetime) -> None:
        """What starts after this is a retry inside the attempt; a marker's stage starts at once."""
        self._release(target)
        failure = {"type": "provisioner", "message": message, "component": target.component}
        stage = target.stage
        self._say(target, {"kind": "stage", "status": "failed", "failure": failure}, at)
        if target.marked and stage:
            target.again = stage["stage"]
            self._say(target, stage, at)

    def _start(self, target: Target, phase: str, name: str, at: datetime, state: int) -> None:
        self._release(target)
        target.phase = phase
        event = {"kind": "stage", "stage": name, "status": "started", "state": state}
        self._say(target, event, at)

    def _ended(self, name: str, how: str, message: str | None, at: datetime) -> None:
        target = self._target(name)
        self._release(target)
        self._resources(target, "", at)
        target.ended = how
        if how == "errored":
            target.error = message or ""
            self._failing = target
        elif not self.cancelled and not target.judged:
            self._finish(target, at)

    def _finish(self, target: Target, at: datetime) -> None:
        """Of a part of a chain the last stage ends, not the build."""
        kind = "build" if self._part.is_last else "stage"
        self._say(target, {"kind": kind, "status": "completed"}, at)

    def _settle(self, at: datetime) -> None:
        """A failure's message is whole."""
        target, self._failing = self._failing, None
        if target and not target.judged:
            self.fail(target, target.error.strip(), at)

    def fail(self, target: Target, message: str, at: datetime, kind: str = "") -> None:
        """Say that a build failed, with the end of its log."""
        kind = kind or phrases.failure_type(message, target.phase)
        failure = target.failure(kind, message[:4_000] or "The build failed")
        self._say(target, {"kind": "build", "status": "failed", "failure": failure}, at)

    def _cancel(self, how: str, at: datetime) -> None:
        """From here on nothing is finished, whatever Packer says."""
        self.cancelled = how
        for target in self.targets.values():
            if not target.ended:
                self.cancel(target, at)

    def cancel(self, target: Target, at: datetime) -> None:
        """Say that a build was cancelled."""
        self._release(target)
        failure = target.failure("cancelled", f"Cancelled: {self.cancelled}")
        self._say(target, {"kind": "build", "status": "cancelled", "failure": failure}, at)

    def _summed(self, name: str, text: str) -> None:
        target = self._target(name)
        self._summary = target.artifacts if self._section == "artifacts" else target.errors
        self._summary.append(text)

    def _resources(self, target: Target, text: str, at: datetime) -> None:
        for event in target.changed(text):
            self._say(target, event, at)

    def _say(self, target: Target, event: Json, at: datetime) -> None:
        """No two events have one time: the order in which they were said is the fold's."""
        starts = event["kind"] == "stage" and event["status"] == "started"
        if target.judged and starts:
            return  # after its verdict a start would be a further attempt
        self._last = max(at, self._last + timedelta(microseconds=1))
        event = {
            **event,
            "at": self._last.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        }
        target.note(event)
        self._new.append(Said(target.name, event))

    def running(self) -> Iterator[Target]:
        """The targets that have begun and are not judged."""
        return (each for each in self.targets.values() if each.phase != "new" and not each.judged)
