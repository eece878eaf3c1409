"""Packer's output → the events of each build, line by line; pure: the time is passed in.

One build is one target: a builder of a JSON template, a source of an HCL2 one. Messages outside
a target (`Build 'x' finished`) are Packer's own; a script's output always follows its target's
name, so that no output of a script can be a verdict.
"""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple

from hooks.redact import Redactor
from hooks.wrapper import phrases
from hooks.wrapper.lines import Form
from hooks.wrapper.target import Part, Target

Json = dict[str, Any]
NAMING_TIME = timedelta(seconds=1)  # for an inline script to name itself

_HEADER = re.compile(r"(?!==>| )(.+?):? output will be in this color\.")
_TARGET = re.compile(r"(==>|   ) (.+?):(?: (.*)|$)")
_POST_PROCESSOR = re.compile(r"(.+) \(([\w.-]+)\)$")
_BUILD = re.compile(r"Build '(.+?)' (finished|errored)(?: after [^:]*?)?(?:: ?(.*)|\.?)$")
_SUMMARY = re.compile(r"--> (.+?): (.*)")
_CANCELLING = re.compile(r"Cancelling build after receiving (.+)")


class TargetEvent(NamedTuple):
    """An event of the build of a target."""

    target: str
    event: Json


class Reader:
    """Reads the output of one `packer build`; `take()` returns the events since the last call."""

    def __init__(self, redactor: Redactor | None = None, part: Part | None = None) -> None:
        self.targets: dict[str, Target] = {}
        self.manifests: list[str] = []
        self.cancelled = ""
        self._form = Form()
        self._redactor = redactor or Redactor()
        self._part = part or Part()
        self._declared: set[str] = set()
        self._failing: Target | None = None  # its message may go on in the next line
        self._section = ""
        self._summary: list[str] | None = None
        self._new: list[TargetEvent] = []
        self._last_time = datetime.min.replace(tzinfo=timezone.utc)

    def feed(self, line: str, at: datetime) -> None:
        """Read one line."""
        for text in self._form.texts(line):
            self._read(self._redactor.line(text), at)

    def take(self, at: datetime) -> list[TargetEvent]:
        """Return the events since the last call; a script without a name of its own begins now."""
        for target in self.targets.values():
            if target.held and at - target.held[1] >= NAMING_TIME:
                self._release(target)
        new, self._new = self._new, []
        return new

    def end(self, at: datetime) -> None:
        """Close what is open at the end of the output."""
        self._settle(at)
        for target in self.targets.values():
            self._release(target)

    def _read(self, text: str, at: datetime) -> None:
        if self._packer_message(text, at):
            return
        message = self._target_message(text)
        if message:
            self._settle(at)
            target, post_processor, content = message
            target.log.append(text[:2_000])
            self._read_message(target, post_processor, content, text.startswith("==>"), at)
        elif self._summary is not None and text.strip():
            self._summary[-1] += "\n" + text
        elif self._failing and text.strip():
            self._failing.error += "\n" + text

    def _packer_message(self, text: str, at: datetime) -> bool:
        """Read a message of Packer itself, without a target's name; return whether it is one."""
        if text.startswith("Build '") and (build := _BUILD.match(text)):
            self._settle(at)
            self._end_build(build[1], build[2], build[3], at)
        elif text.startswith("-->") and self._section and (summary := _SUMMARY.match(text)):
            self._settle(at)
            self._summarise(summary[1], summary[2])
        elif text.startswith("Cancelling build") and (cancelling := _CANCELLING.match(text)):
            self._settle(at)
            self._cancel_all(cancelling[1], at)
        elif text.startswith(("==> Some builds didn't", "==> Builds finished", "==> Wait compl")):
            self._settle(at)
            self._summary = None
            self._section = {"S": "errors", "B": "artifacts"}.get(text[4], "")
        elif text.endswith("in this color.") and (header := _HEADER.fullmatch(text)):
            self._declared.add(header[1])
        else:
            return False
        return True

    def _target_message(self, text: str) -> tuple[Target, str, str] | None:
        """Return (target, post-processor, message) of a line that begins with a target's name."""
        match = _TARGET.match(text)
        if not match or self._section:
            return None
        name, post_processor = match[2], ""
        if name not in self.targets and (inner := _POST_PROCESSOR.match(name)):
            name, post_processor = inner[1], inner[2]
        known = name in self.targets or name in self._declared
        if not known and (self._declared or match[1] != "==>"):
            return None
        return self._target(name), post_processor, match[3] or ""

    def _target(self, name: str) -> Target:
        return self.targets.setdefault(name, Target(name))

    def _read_message(
        self, target: Target, post_processor: str, text: str, is_heading: bool, at: datetime
    ) -> None:
        if target.phase == "new":
            self._start(target, "starting", "Machine starting", at, self._part.state(5))
        self._note_resources(target, text, at)
        is_marker = self._read_marker(target, text, at)
        if is_marker or target.failing or post_processor or not is_heading:
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
        """Read a message of a build phase: the machine, the provisioners, the image."""
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
        if target.marked:  # a marked stage lasts until the next marker
            return
        self._release(target)
        event: Json = {"kind": "stage", "stage": step.name, "status": "started"}
        if phrases.is_anonymous(step):
            target.held = (event, at)
        else:
            self._emit(target, event, at)

    def _read_marker(self, target: Target, text: str, at: datetime) -> bool:
        """Read a line of a hook or an `echo` inside Packer; return whether it is one."""
        if not text.startswith("milepost: "):
            if text and not phrases.provisioner(text):
                self._release(target)
            return False
        if stage := phrases.stage_marker(text):
            self._start_marked(target, *stage, at)
        elif failure := phrases.failure_marker(text):
            self._fail_stage(target, failure, at)
        elif path := phrases.manifest_marker(text):
            self.manifests.append(path)
        return True

    def _start_marked(self, target: Target, state: int | None, name: str, at: datetime) -> None:
        """Start the stage that a script names; a held stage never began."""
        retried_stage, target.retried_stage = target.retried_stage, ""
        if target.failing or name == retried_stage:
            return
        target.held, target.marked = None, True
        event: Json = {"kind": "stage", "stage": name, "status": "started"}
        self._emit(target, event if state is None else {**event, "state": state}, at)

    def _release(self, target: Target) -> None:
        if target.held:
            event, at = target.held
            target.held = None
            self._emit(target, event, at)

    def _fail_stage(self, target: Target, text: str, at: datetime) -> None:
        try:
            fields = json.loads(text)
        except (ValueError, RecursionError):
            return
        names = ("type", "message", "component")
        failure = {name: str(fields[name])[:2_000] for name in names if fields.get(name)}
        self._emit(target, {"kind": "stage", "status": "failed", "failure": failure}, at)

    def _retry(self, target: Target, message: str, at: datetime) -> None:
        """Fail the stage: its next start is a retry. A marked stage starts at once."""
        self._release(target)
        failure = {"type": "provisioner", "message": message, "component": target.component}
        stage = target.stage
        self._emit(target, {"kind": "stage", "status": "failed", "failure": failure}, at)
        if target.marked and stage:
            target.retried_stage = stage["stage"]
            self._emit(target, stage, at)

    def _start(self, target: Target, phase: str, name: str, at: datetime, state: int) -> None:
        self._release(target)
        target.phase = phase
        event = {"kind": "stage", "stage": name, "status": "started", "state": state}
        self._emit(target, event, at)

    def _end_build(self, name: str, result: str, message: str | None, at: datetime) -> None:
        target = self._target(name)
        self._release(target)
        self._note_resources(target, "", at)
        target.ended = result
        if result == "errored":
            target.error = message or ""
            self._failing = target
        elif not self.cancelled and not target.verdict:
            self._finish(target, at)

    def _finish(self, target: Target, at: datetime) -> None:
        """Complete the build, or for a part of a chain only its last stage."""
        kind = "build" if self._part.is_last else "stage"
        self._emit(target, {"kind": kind, "status": "completed"}, at)

    def _settle(self, at: datetime) -> None:
        """Report a failure: its message is complete."""
        target, self._failing = self._failing, None
        if target and not target.verdict:
            self.fail(target, target.error.strip(), at)

    def fail(self, target: Target, message: str, at: datetime, kind: str = "") -> None:
        """Report that a build failed, with the end of its log."""
        kind = kind or phrases.failure_type(message, target.phase)
        failure = target.failure(kind, message[:4_000] or "The build failed")
        self._emit(target, {"kind": "build", "status": "failed", "failure": failure}, at)

    def _cancel_all(self, signal: str, at: datetime) -> None:
        """Cancel every open build; from here on none is completed, even if Packer says so."""
        self.cancelled = signal
        for target in self.targets.values():
            if not target.ended:
                self.cancel(target, at)

    def cancel(self, target: Target, at: datetime) -> None:
        """Report that a build was cancelled."""
        self._release(target)
        failure = target.failure("cancelled", f"Cancelled: {self.cancelled}")
        self._emit(target, {"kind": "build", "status": "cancelled", "failure": failure}, at)

    def _summarise(self, name: str, text: str) -> None:
        target = self._target(name)
        self._summary = target.artifacts if self._section == "artifacts" else target.errors
        self._summary.append(text)

    def _note_resources(self, target: Target, text: str, at: datetime) -> None:
        for event in target.resource_events(text):
            self._emit(target, event, at)

    def _emit(self, target: Target, event: Json, at: datetime) -> None:
        """Add an event, under a time of its own: the fold orders events by their times."""
        starts = event["kind"] == "stage" and event["status"] == "started"
        if target.verdict and starts:
            return  # a start after the verdict would be a further attempt
        self._last_time = max(at, self._last_time + timedelta(microseconds=1))
        event = {
            **event,
            "at": self._last_time.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        }
        target.note(event)
        self._new.append(TargetEvent(target.name, event))
