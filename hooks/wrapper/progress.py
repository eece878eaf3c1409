"""What a message of one target means for its build: stages, failures of stages, resources.

`emit` takes an event. A script's lines look like Packer's since 1.13, so that a step which a script
could name waits until Packer's next line agrees (`Claim`).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from hooks.wrapper import builders, failures, phrases, sources
from hooks.wrapper.phases import CLAIMED, CONFIRMING, Phase, Sign, after
from hooks.wrapper.target import Claim, Part, Target
from hooks.wrapper.template import Template

Json = dict[str, Any]
Emit = Callable[[Target, Json, datetime], None]
NAMING_TIME = timedelta(seconds=1)  # for an inline script to name itself
# Only while no script runs can a line be the builder's own beyond doubt.
UNDOUBTED = frozenset({Phase.NEW, Phase.STARTING, Phase.IMAGE, Phase.FAILING})


class Progress:
    """Reads the messages of each target, and emits what they say."""

    def __init__(self, emit: Emit, part: Part, template: Template, asks: bool) -> None:
        self._emit = emit
        self._part = part
        self._template = template
        self._asks = asks
        self.is_cancelled = False
        self.manifests: list[str] = []

    def read(self, target: Target, text: str, is_heading: bool, at: datetime) -> None:
        """Read a line of Packer or of a script behind the target's name."""
        if target.phase is Phase.NEW:
            target.phase = Phase.STARTING
            self._start(target, "Machine starting", self._part.state(5), at)
        if target.phase is Phase.STARTING and (image := sources.printed(target.kind, text)):
            target.sources += (image,)
        sign, step = self._sign(target, text, is_heading)
        self._judge_claim(target, sign, text)
        self._note_resources(target, sign, text, at)
        if not self._read_marker(target, text, at):
            self._follow(target, sign, step, text, at)
        target.before = text or target.before

    def read_output(self, target: Target, text: str, at: datetime) -> None:
        """Read a line of a post-processor."""
        self._judge_claim(target, Sign.OUTPUT, text)
        self._read_marker(target, text, at)

    def close(self, target: Target, is_over: bool, at: datetime) -> None:
        """End what waits: `is_over` says that Packer ended the build itself."""
        self.release(target)
        if is_over:
            self._judge_claim(target, Sign.OUTPUT, "")
        for event in (*target.settle_removals(is_over), *target.by_hand_event()):
            self._emit(target, event, at)

    def release(self, target: Target) -> None:
        """Start the stage of an inline script, which has not named itself."""
        if target.held:
            event, at = target.held
            target.held = None
            self._emit(target, event, at)

    def fail_asked(self, target: Target) -> None:
        """Fail the stage whose step is tried again."""
        if target.asked:
            failure, at = target.asked
            target.asked, target.retried_error = None, failure["message"]
            self.release(target)
            self._emit(target, {"kind": "stage", "status": "failed", "failure": failure}, at)

    def _sign(
        self, target: Target, text: str, is_heading: bool
    ) -> tuple[Sign, phrases.Step | None]:
        """Return what this line says, as far as template, builder and phase allow it."""
        if not is_heading or not text:
            return Sign.WORDS, None
        if text == phrases.CLEANUP_PROVISIONER:
            return Sign.ERRORS, None
        if (step := phrases.post_processor(text)) and self._template.has("post", step.component):
            return Sign.POST_PROCESSOR, step
        if phrases.CONNECTED.fullmatch(text):
            return Sign.CONNECTED, None
        step = phrases.provisioner(text)
        if step and self._template.has("provisioner", step.component):
            is_upload = step.component == "file" and target.phase is Phase.STARTING
            return (Sign.WORDS, None) if is_upload else (Sign.PROVISIONER, step)
        return (Sign.IMAGE if builders.is_after(target.kind, text) else Sign.WORDS), None

    def _follow(
        self, target: Target, sign: Sign, step: phrases.Step | None, text: str, at: datetime
    ) -> None:
        """Take the build to the phase that the table names; without one move nothing."""
        if sign in (Sign.PROVISIONER, Sign.POST_PROCESSOR, Sign.IMAGE):
            self.fail_asked(target)
        if target.phase is Phase.FAILING and sign is Sign.PROVISIONER:
            if self._template.may_clean_up():
                return
            target.phase = Phase.PROVISIONING  # so the errors were a script's word
        phase = after(target.phase, sign)
        if phase is None or (phase is target.phase and sign is Sign.CONNECTED):
            self._read_words(target, text, at)
            return
        event, component = self._event(phase, step)
        if (target.phase, sign) in CLAIMED and not self.is_cancelled:
            target.claim = Claim(phase, event, component, at)
            return
        self._enter(target, phase, event, component, at)

    def _event(self, phase: Phase, step: phrases.Step | None) -> tuple[Json, str]:
        """Return the start of a phase's stage, and the component that runs."""
        if step and phase is Phase.PROVISIONING:
            return {"kind": "stage", "stage": step.name, "status": "started"}, step.component
        name, state = {
            Phase.CONNECTED: ("Connected", 10),
            Phase.IMAGE: ("Image creation", 95),
        }.get(phase, (step.name if step else "", 95))
        event = {"kind": "stage", "stage": name, "status": "started"}
        return {**event, "state": self._part.state(state)}, step.component if step else ""

    def _enter(
        self, target: Target, phase: Phase, event: Json, component: str, at: datetime
    ) -> None:
        if phase is Phase.FAILING:
            self.release(target)
            target.phase, target.asked = phase, None
            return
        is_same = component == target.component == phrases.WINDOWS_UPDATE
        target.phase, target.component = phase, component
        if phase is Phase.POST_PROCESSING:
            target.post_processors.append(component)
        if is_same or (phase is Phase.PROVISIONING and target.marked):
            target.words.clear()
            return  # a marked stage lasts until the next marker
        self.release(target)
        target.words.clear()
        if phase is Phase.PROVISIONING and event["stage"].endswith(" script"):
            target.held = (event, at)
        else:
            self._emit(target, event, at)

    def _judge_claim(self, target: Target, sign: Sign, text: str) -> None:
        """Believe what waits if this line can only come behind it; else forget it."""
        claim = target.claim
        if claim is None or (sign is Sign.WORDS and not text.strip()):
            return
        target.claim = None
        if sign in CONFIRMING or sign is Sign.ERRORS:
            self._enter(target, claim.phase, claim.event, claim.component, claim.at)

    def _note_resources(self, target: Target, sign: Sign, text: str, at: datetime) -> None:
        """Note what this run created and removed; a script's words say nothing about it."""
        is_known = target.phase in UNDOUBTED or self.is_cancelled or sign in CONFIRMING
        if not is_known and not target.removals:
            return
        is_by_hand = phrases.BY_HAND.fullmatch(text) is not None
        for event in target.settle_removals(is_known and not is_by_hand):
            self._emit(target, event, at)
        if not is_known:
            return
        if target.by_hand and text:
            target.by_hand += f" {text}" if text.startswith("Name: ") else ""
            for event in target.by_hand_event():
                self._emit(target, event, at)
        if is_by_hand:
            target.by_hand = text
        for event in target.resource_events(text, not target.claim):
            self._emit(target, event, at)

    def _read_words(self, target: Target, text: str, at: datetime) -> None:
        """Read a line that moves no phase: a retry, a warning, or a step's own words."""
        if (retry := phrases.RETRYING.fullmatch(text)) and self._template.says("max_retries"):
            self._retry(target, _unquoted(retry[1]), at)
        elif (warning := phrases.CONTINUED.fullmatch(text)) and self._template.says(
            "continue_on_error"
        ):
            self._warn(target, _unquoted(warning[1]), at)
        elif target.component == phrases.SBOM and phrases.SBOM_FAILED.fullmatch(text):
            self._warn(target, text, at)
        elif self._asks and phrases.ASKED.fullmatch(text):
            kind = failures.kind_of(target.before, target.phase.value)
            failure = {"type": kind, "message": target.before or text}
            target.asked = ({**failure, "component": target.component or None}, at)

    def _read_marker(self, target: Target, text: str, at: datetime) -> bool:
        """Read a line of a hook or an `echo` inside Packer; return whether it is one."""
        if not text.startswith("milepost: "):
            if text and not phrases.provisioner(text):
                self.release(target)
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
        if target.phase is Phase.FAILING or name == retried_stage:
            return
        target.held, target.marked = None, True
        self.fail_asked(target)
        event: Json = {"kind": "stage", "stage": name, "status": "started"}
        self._emit(target, event if state is None else {**event, "state": state}, at)

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
        self.release(target)
        failure = self._step_failure(target, message)
        stage = target.stage
        self._emit(target, {"kind": "stage", "status": "failed", "failure": failure}, at)
        if target.marked and stage:
            target.retried_stage = stage["stage"]
            self._emit(target, stage, at)

    def _warn(self, target: Target, message: str, at: datetime) -> None:
        """Complete the stage with a warning: Packer goes on although its step failed."""
        self.release(target)
        name = target.stage["stage"] if target.stage else target.component
        failure = self._step_failure(target, message)
        event: Json = {"kind": "stage", "stage": name, "status": "completed", "failure": failure}
        self._emit(target, event, at)

    @staticmethod
    def _step_failure(target: Target, message: str) -> Json:
        message = failures.explained(message, target.words)
        kind = failures.kind_of(message, Phase.PROVISIONING.value)
        return {"type": kind, "message": message, "component": target.component or None}

    def _start(self, target: Target, name: str, state: int, at: datetime) -> None:
        event = {"kind": "stage", "stage": name, "status": "started", "state": state}
        self._emit(target, event, at)


def _unquoted(text: str) -> str:
    """Return the text of Go's %q."""
    return text.replace("\\n", "\n").replace("\\t", "\t").replace('\\"', '"').replace("\\\\", "\\")
