"""`milepost-hook packer …`: run Packer unchanged and report its builds.

Packer's output, exit code and files are the same as without this; every subcommand but `build`
replaces this process at once.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import sys
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from hooks import client, identity, redact, settings, signing
from hooks.client import Deadline, Json
from hooks.errors import HookError
from hooks.wrapper import template_secrets, verdict
from hooks.wrapper.manifests import read_all
from hooks.wrapper.parser import Reader, TargetEvent
from hooks.wrapper.process import Process
from hooks.wrapper.reporter import Reporter, warn
from hooks.wrapper.target import Part, Target, part_of

Env = Mapping[str, str]

EXIT_NOT_FOUND = 127
MAX_LINE = 2**20


def run(arguments: Sequence[str], env: Env) -> int:
    """Run Packer with these arguments; return its exit code."""
    packer = shutil.which("packer", path=env.get("PATH"))
    if packer is None:
        warn("Packer is not on the PATH")
        return EXIT_NOT_FOUND
    command = next((each for each in arguments if not each.startswith("-")), "")
    if command != "build":
        os.execve(packer, ["packer", *arguments], dict(env))  # noqa: S606  # the user's own words
    return WrappedBuild(arguments, env).run(packer)


class WrappedBuild:
    """One `packer build` and its report."""

    def __init__(self, arguments: Sequence[str], env: Env) -> None:
        self._arguments = arguments
        self._env = env
        self._run_uuid = str(uuid.uuid4())
        self._template = template_secrets.read(arguments, env)
        self._redactor = redact.Redactor([*self._template.secrets, *redact.secret_values(env)])
        self.problem = self._configuration_problem()
        self._part = Part() if self.problem else part_of(env)
        self._reader = Reader(self._redactor, self._part)
        self._reporter = Reporter(env, self._values)
        self._rest = b""
        self._is_broken = False

    def run(self, packer: str) -> int:
        """Start Packer, pass on its output, report its end; return the exit code."""
        began = time.time()
        process = Process([packer, *self._arguments], {**self._env, "MILEPOST_WRAPPED": "1"})
        if not self.problem:
            self._reporter.start()
        process.relay(lambda data: self._safely(self._read, data), lambda: self._safely(self._tick))
        code = process.wait()
        self._safely(self._finish, code, process.cancelled_by, began)
        exit_code = code if code >= 0 else 128 - code
        return self._strict_code() if self.problem and not exit_code else exit_code

    def _safely(self, work: Callable[..., None], *arguments: Any) -> None:
        """Do the work; on any error stop reporting, and let the build go on."""
        if self._is_broken:
            return
        try:
            work(*arguments)
        except Exception as error:  # noqa: BLE001
            self._is_broken = True
            self.problem = f"not reporting: {type(error).__name__}"
            warn(self.problem)

    def _configuration_problem(self) -> str:
        """Return why nothing can be reported; the build goes on."""
        try:
            settings.demand(self._env)
            settings.address(self._env)
            signing.secret_of(self._env)
            part_of(self._env)
            self._values("target")
        except HookError as error:
            return str(error)
        return ""

    def _values(self, target: str) -> identity.Values:
        kind = template_secrets.platform(target, self._template)
        return identity.identity_of_target(self._env, target, kind, self._run_uuid)

    def _read(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        self._rest = self._rest[:MAX_LINE]
        at = _now()
        for line in lines:
            self._reader.feed(line.decode("utf-8", "replace"), at)

    def _tick(self) -> None:
        self._reporter.add(self._reader.take(_now()))

    def _finish(self, code: int, cancelled_by: int, began: float) -> None:
        """Report the open builds and the artifacts; wait until all of it is delivered."""
        if self.problem:
            warn(self.problem)
            return
        deadline = Deadline()
        if self._rest:
            self._reader.feed(self._rest.decode("utf-8", "replace"), _now())
        self._reader.end(_now())
        signal_name = signal.Signals(cancelled_by).name if cancelled_by and code else ""
        for target in list(self._reader.targets.values()):
            self._report_verdict(target, code, self._reader.cancelled or signal_name)
        self._tick()
        self._add_artifacts(began, deadline)
        is_done = self._reporter.close(deadline)
        if self._reporter.problem or not is_done:
            self.problem = self._reporter.problem or "not reported: no answer within 10 s"
            warn(self.problem)

    def _report_verdict(self, target: Target, code: int, cancelled: str) -> None:
        status, kind, message = verdict.ending(target, code, cancelled)
        if status == "cancelled":
            self._reader.cancelled = cancelled
            self._reader.cancel(target, _now())
        elif status:
            self._reader.fail(target, message, _now(), kind)

    def _add_artifacts(self, began: float, deadline: Deadline) -> None:
        """Report each complete build's manifest entry, else the artifacts of Packer's summary."""
        if self._reader.cancelled:
            return
        complete = [
            each
            for each in self._reader.targets.values()
            if each.verdict in ("completed", "") and each.ended == "finished"
        ]
        documents = read_all([*self._template.manifests, *self._reader.manifests], began, deadline)
        entries = {(each.type, each.name): each for each in verdict.entries(documents, began)}
        expected = [each for each in complete if verdict.wrote_manifest(each)]
        present = [each for each in expected if self._key(each) in entries]
        warning = f"{len(expected)} builds, manifest has {len(present)}"
        is_torn = bool(documents) and len(present) < len(expected)
        for target in complete:
            self._add(target, entries.get(self._key(target)), deadline)
            if is_torn and target in expected:
                self._warn(target, warning, target in present)

    def _key(self, target: Target) -> tuple[str, str]:
        """Return a target's type and name in a manifest; two build blocks may share them."""
        kind = template_secrets.platform(target.name, self._template)
        return kind or "", template_secrets.source(target.name, self._template)

    def _is_shared(self, target: Target) -> bool:
        keys = [self._key(each) for each in self._reader.targets.values()]
        return keys.count(self._key(target)) > 1

    def _add(self, target: Target, entry: verdict.Entry | None, deadline: Deadline) -> None:
        if entry and self._part.is_last and not self._is_shared(target):
            self._reporter.add_manifest(target.name, self._redactor.document(entry.manifest))
            return
        kind, name = self._key(target)
        for artifact in verdict.artifacts(target, kind or None, name):
            self._emit(target, _artifact_event(artifact, self._part, deadline))

    def _warn(self, target: Target, warning: str, is_present: bool) -> None:
        """Report a completed stage with a warning: the image is complete, its manifest is not."""
        lost = "" if is_present else ": this build's entry is lost, its artifact is from the output"
        failure = {"type": "manifest", "message": warning + lost}
        event = {"kind": "stage", "stage": "Manifest", "status": "completed", "state": 95}
        self._emit(target, {**event, "failure": failure})

    def _emit(self, target: Target, event: Json) -> None:
        self._reporter.add([TargetEvent(target.name, {**event, "at": client.now()})])

    def _strict_code(self) -> int:
        return 0 if self._env.get("MILEPOST_STRICT", "") in ("", "0") else 1


def _artifact_event(artifact: Json, part: Part, deadline: Deadline) -> Json:
    """Return the event of an artifact, with its state if it is one of a part of a chain."""
    event: Json = {"kind": "artifact", "artifact": artifact}
    files = [Path(file["name"]) for file in artifact["files"]]
    for file, path in zip(artifact["files"], files):  # Python 3.9
        if path.is_file():
            file["size"] = path.stat().st_size
    if part.is_last:
        return event
    if len(files) == 1 and (digest := _sha256(files[0], deadline)):
        artifact["checksum"] = f"sha256:{digest}"
    return {**event, "state": part.last}


def _sha256(path: Path, deadline: Deadline) -> str:
    """Return the digest of a file; nothing if it is missing or too large for the time left."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while piece := file.read(2**20):
                digest.update(piece)
                if deadline.remaining() < deadline.seconds / 2:
                    return ""
    except OSError:
        return ""
    return digest.hexdigest()


def _now() -> datetime:
    return datetime.now(timezone.utc)


def main(arguments: Sequence[str]) -> None:
    """Run Packer and exit at once, without waiting for a thread that still posts."""
    code = run(arguments, os.environ)
    sys.stdout.flush()
    os._exit(code)
