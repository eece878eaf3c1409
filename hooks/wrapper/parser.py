"""Packer's output → the events of each build, message by message; pure: the time is passed in.

One build is one target: a builder of a JSON template, a source of an HCL2 one. Messages outside
a target (`Build 'x' finished`) are Packer's own; a script's output always follows its target's
name, so that no output of a script can be a verdict. Verdicts are given at the end of the run, by
`verdict`; only a build that ends before the others is completed or failed at once.
"""

from __future__ import annotations

import re
from collections import deque
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple

from hooks.redact import Redactor
from hooks.wrapper import failures, phrases
from hooks.wrapper.lines import Form, Message, Record
from hooks.wrapper.phases import Phase
from hooks.wrapper.progress import NAMING_TIME, Progress
from hooks.wrapper.target import Part, Target
from hooks.wrapper.template import Template

Json = dict[str, Any]
LOOSE_LINES = 200

_HEADER = re.compile(r"(?!==>| )(.+?):? output will be in this color\.")
_TARGET = re.compile(r"==> (.+?):(?: (.*)|$)")
_POST_PROCESSOR = re.compile(r" \(([\w.-]+)\):(?: |$)")
_BUILD = re.compile(r"Build '(.+?)' (finished|errored)(?: after [^:]*?)?(?:: ?(.*)|\.?)$")
_SUMMARY = re.compile(r"--> (.+?): (.*)")
_CANCELLING = re.compile(r"Cancelling build after receiving (.+)")
# HCP Packer's own lines: internal/hcp/registry/types.bucket.go, since 1.15
_REGISTRY = re.compile(r"==> (?:Assigning|Failed assigning) version ")


class TargetEvent(NamedTuple):
    """An event of the build of a target."""

    target: str
    event: Json


class Reader:
    """Reads the output of one `packer build`; `take()` returns the events since the last call."""

    def __init__(
        self,
        redactor: Redactor | None = None,
        part: Part | None = None,
        template: Template | None = None,
        asks: bool = False,
    ) -> None:
        self.targets: dict[str, Target] = {}
        self.declared: list[str] = []
        self.loose: deque[str] = deque(maxlen=LOOSE_LINES)  # Packer's words outside of builds
        self.cancelled = ""
        self._form = Form()
        self._redactor = redactor or Redactor()
        self._part = part or Part()
        self._template = template or Template()
        self._progress = Progress(self.emit, self._part, self._template, asks)
        written = [name for name in self._template.targets if "*" not in name]
        self._names = sorted(written, key=len, reverse=True)  # known names, the longest first
        self._failing: Target | None = None  # its message may go on in the next line
        self._section = ""
        self._summary: list[str] | None = None
        self._new: list[TargetEvent] = []

    @property
    def manifests(self) -> list[str]:
        """Return the paths that hooks inside Packer named."""
        return self._progress.manifests

    def feed(self, line: str, at: datetime) -> None:
        """Read one line."""
        message = self._form.read(line)
        if isinstance(message, Record):
            self._read_record(message)
        elif message is not None:
            self._read(message, at)

    @property
    def names(self) -> list[str]:
        """Return the names of the targets that are known by now."""
        return self._names

    def take(self, at: datetime) -> list[TargetEvent]:
        """Return the events since the last call; a script without a name of its own begins now."""
        for target in self.targets.values():
            if target.held and at - target.held[1] >= NAMING_TIME:
                self._progress.release(target)
        new, self._new = self._new, []
        return new

    def end(self, at: datetime) -> None:
        """Close what is open at the end of the output."""
        self._settle(at)
        for target in self.targets.values():
            self._progress.close(target, bool(target.ended), at)

    def target(self, name: str) -> Target:
        """Return the target of this name, a new one if there is none."""
        if name not in self.targets:
            self.targets[name] = Target(name, self._template.kind_of(name) or "")
            self._know(name)
        return self.targets[name]

    def _know(self, name: str) -> None:
        if name not in self._names:
            self._names = sorted([*self._names, name], key=len, reverse=True)

    def _read(self, message: Message, at: datetime) -> None:
        head = message.head
        if self._packer_message(head, at):
            rest = message.lines[message.lines.index(head) + 1 :]
            self._continue(rest)
        elif found := self._target_of(head):
            self._settle(at)
            for line in message.lines:  # those of another target are a script's words
                if (same := self._target_of(line)) and same[:2] == found[:2]:
                    self._read_line(line, *same, at)
        else:
            self._continue(message.lines)

    def _read_line(
        self, line: str, target: Target, post_processor: str, text: str, at: datetime
    ) -> None:
        clean = self._redactor.line(line[:2_000])
        target.log.append(clean)
        if target.phase is not Phase.FAILING and text and not phrases.is_packers(text):
            target.words.append(clean.partition(": ")[2])
        if post_processor:
            self._progress.read_output(target, text, at)
        else:
            self._progress.read(target, text, line.startswith("==>"), at)

    def _continue(self, lines: tuple[str, ...]) -> None:
        """Add lines to the message before them, or to Packer's words outside of builds."""
        for line in lines:
            if self._summary is not None and line.strip():
                self._summary[-1] += "\n" + line
            elif self._failing and line.strip():
                self._failing.error += "\n" + line
            elif not self._section:
                self.loose.append(line)

    def _packer_message(self, text: str, at: datetime) -> bool:
        """Read a message of Packer itself, without a target's name; return whether it is one."""
        if text.startswith("Build '") and (build := _BUILD.match(text)):
            self._settle(at)
            self._end_build(build[1], build[2], build[3], at)
        elif text.startswith("-->") and self._section and (summary := self._summary_of(text)):
            self._settle(at)
            self._summarise(*summary)
        elif text.startswith("Cancelling build") and (cancelling := _CANCELLING.match(text)):
            self._settle(at)
            self._cancel_all(cancelling[1], at)
        elif text.startswith(("==> Some builds didn't", "==> Builds finished", "==> Wait compl")):
            self._settle(at)
            self._summary = None
            self._section = {"S": "errors", "B": "artifacts"}.get(text[4], "over")
        elif text.endswith("in this color.") and (header := _HEADER.fullmatch(text)):
            self.declared.append(header[1])
            self._know(header[1])
        else:
            return _REGISTRY.match(text) is not None
        return True

    def _target_of(self, text: str) -> tuple[Target, str, str] | None:
        """Return (target, post-processor, message) of a line that begins with a target's name."""
        if self._section or text[:4] not in ("==> ", "    "):
            return None
        for name in self._names:
            if not text.startswith(name, 4):
                continue
            rest = text[4 + len(name) :]
            if rest[:2] in (":", ": "):
                return self.target(name), "", rest[2:]
            if inner := _POST_PROCESSOR.match(rest):
                return self.target(name), inner[1], rest[inner.end() :]
        match = None if self.declared else _TARGET.match(text)
        if not match or not self._template.accepts(match[1]):
            return None
        return self.target(match[1]), "", match[2] or ""

    def _end_build(self, name: str, result: str, message: str | None, at: datetime) -> None:
        target = self.target(name)
        self._progress.close(target, True, at)
        target.ended = result
        if result == "errored":
            target.asked = None
            target.error = message or ""
            self._failing = target
            return
        self._progress.fail_asked(target)
        if not self.cancelled and not target.verdict:
            if self._is_last(target) or self._is_doubted(name):
                target.is_held = True
            else:
                self.finish(target, at)

    def _is_last(self, target: Target) -> bool:
        """Return whether no other build is open, so that the exit code comes at once."""
        names = {*self.targets, *self.declared} - {target.name}
        return all(name in self.targets and self.targets[name].ended for name in names)

    def _is_doubted(self, name: str) -> bool:
        """Return whether Packer has said that something failed behind this build.

        "publishing build metadata to HCP Packer for NAME failed" comes before "finished".
        """
        return any(f'"{name}"' in line for line in self.loose)

    def finish(self, target: Target, at: datetime) -> None:
        """Complete the build, or for a part of a chain only its last stage."""
        target.is_held = False
        kind = "build" if self._part.is_last else "stage"
        self.emit(target, {"kind": kind, "status": "completed"}, at)

    def _settle(self, at: datetime) -> None:
        """Report a failure: its message is complete."""
        target, self._failing = self._failing, None
        if target and not target.verdict:
            self.fail(target, target.error.strip(), at)

    def fail(self, target: Target, message: str, at: datetime, kind: str = "") -> None:
        """Report that a build failed, with the end of its log."""
        message = message.strip() or "The build failed"
        if target.stage and message == target.retried_error:  # the step has passed since
            self.emit(target, {"kind": "stage", "status": "completed"}, at)
        elif not kind:
            message = failures.explained(message, target.words)
        phase = self._phase_of(target)
        failure = target.failure(kind or failures.kind_of(message, phase), message[:4_000])
        self.emit(target, {"kind": "build", "status": "failed", "failure": failure}, at)

    @staticmethod
    def _phase_of(target: Target) -> str:
        """Return the phase in which a build failed: with a component, that one was running."""
        if target.phase is Phase.FAILING:
            return "provisioning" if target.component else "builder"
        return str(target.phase.value)

    def _cancel_all(self, signal: str, at: datetime) -> None:
        """Cancel every open build; from here on none is completed, even if Packer says so."""
        self.cancelled = signal
        self._progress.is_cancelled = True
        for target in self.targets.values():
            if not target.ended:
                self.cancel(target, at)

    def cancel(self, target: Target, at: datetime) -> None:
        """Report that a build was cancelled."""
        self._progress.release(target)
        failure = target.failure("cancelled", f"Cancelled: {self.cancelled}")
        self.emit(target, {"kind": "build", "status": "cancelled", "failure": failure}, at)

    def _summary_of(self, text: str) -> tuple[str, str] | None:
        """Return (name, text) of a line of the summary; a name may hold a colon."""
        for name in self._names:
            if text.startswith(f"--> {name}: "):
                return name, text[len(name) + 6 :]
        match = _SUMMARY.match(text)
        return (match[1], match[2]) if match else None

    def _summarise(self, name: str, text: str) -> None:
        target = self.target(name)
        self._summary = target.artifacts if self._section == "artifacts" else target.errors
        self._summary.append(text)

    def _read_record(self, record: Record) -> None:
        if record.kind == "artifact" and record.target:
            self.target(record.target).records.append(record.fields)

    def emit(self, target: Target, event: Json, at: datetime) -> None:
        """Add an event, under a time of its own: the fold orders events by their times."""
        starts = event["kind"] == "stage" and event["status"] == "started"
        if target.verdict and starts:
            return  # a start after the verdict would be a further attempt
        target.last_time = max(at, target.last_time + timedelta(microseconds=1))
        moment = target.last_time.astimezone(timezone.utc).isoformat(timespec="microseconds")
        event = {**self._clean(event), "at": moment.replace("+00:00", "Z")}
        target.note(event)
        self._new.append(TargetEvent(target.name, event))

    def _clean(self, event: Json) -> Json:
        """Return the event without secrets; ids of resources and artifacts stay as they are."""
        names = ("stage", "failure")
        return {
            key: self._redactor.document(value) if key in names else value
            for key, value in event.items()
        }
