"""`milepost-hook packer …`: run Packer unchanged and report its builds.

Packer's output, exit code and files are the same as without this; every subcommand but `build`
replaces this process at once.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from hooks import client, identity, links, redact, settings, signing, sources, summary
from hooks.client import Deadline, Json
from hooks.errors import HookError
from hooks.wrapper import outcome, provenance, template, variables
from hooks.wrapper.feeder import Feeder
from hooks.wrapper.parser import Reader
from hooks.wrapper.process import Process, open_streams
from hooks.wrapper.reporter import Reporter, warn
from hooks.wrapper.target import Part, part_of

Env = Mapping[str, str]

EXIT_NOT_FOUND = 127


def run(arguments: Sequence[str], env: Env) -> int:
    """Run Packer with these arguments; return its exit code."""
    packer = shutil.which("packer", path=env.get("PATH"))
    if packer is None:
        warn("Packer is not on the PATH")
        return EXIT_NOT_FOUND
    command = next((each for each in arguments if not each.startswith("-")), "")
    if command != "build":
        os.execve(packer, ["packer", *arguments], dict(env))  # noqa: S606  # the user's own words
    return WrappedBuild(packer, arguments, env).run()


class WrappedBuild:
    """One `packer build` and its report."""

    def __init__(self, packer: str, arguments: Sequence[str], env: Env) -> None:
        self._packer = packer
        self._arguments = arguments
        self._env = env
        self._run_uuid = str(uuid.uuid4())
        self._template = template.read(arguments, env)
        self._number_parts = provenance.number_parts(self._template, arguments)
        self._redactor = redact.Redactor([*self._template.secrets, *redact.secret_values(env)])
        self.problem = self._configuration_problem()
        self._part = Part() if self.problem else part_of(env)
        self._asks = ("on-error", "ask") in variables.flags(arguments, "on-error")
        self._reader = Reader(self._redactor, self._part, self._template, self._asks)
        self._feeder = Feeder(self._reader)
        self._reporter = Reporter(env, self._values, self._details, self._sources)
        self._is_broken = False

    def run(self) -> int:
        """Start Packer, pass on its output, report its end; return the exit code."""
        began = time.time()
        command = [self._packer, *self._arguments]
        process = Process(command, {**self._env, "MILEPOST_WRAPPED": "1"})
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
        """Return the identity of a target's build; the name '' stands for the whole run."""
        kind = self._template.kind_of(target) or None
        return identity.identity_of_target(
            self._env, target, kind, self._run_uuid, self._number_parts
        )

    def _details(self, target: str) -> tuple[Json, Json]:
        """Return the raw names of a build and what its image is made with."""
        names = provenance.names(target, self._template, self._arguments)
        return {"names": names}, {**self._run_details, **self._job(target)}

    def _sources(self, target: str) -> list[Json]:
        """Return the images that a target's build starts from: what the user says, what the builder
        printed by now, and what the template says."""
        running = self._reader.targets.get(target)
        source = self._template.source(target)
        said = [settings.setting(self._env, "MILEPOST_SOURCE")]
        named = self._template.sources.get((source.kind, source.label), ())
        return sources.listed([*said, *(running.sources if running else ()), *named])

    def _job(self, target: str) -> Json:
        """Return the job's own number, so that the receiver joins its reports with this build's,
        and how many targets this run has, as far as it is known by now."""
        number = identity.plain_number(self._env)
        if number is None or number == self._values(target)["build_number"].text:
            return {}
        names = outcome.target_names(self._reader, self._template, self._arguments)
        count = max(len(names), len(self._reader.targets))
        return {"number": number, **({"targets": count} if count else {})}

    @cached_property
    def _run_details(self) -> Json:
        return provenance.run_details(self._packer, self._template, self._env)

    def _read(self, data: bytes) -> None:
        if not self.problem:
            self._feeder.feed(data, client.moment())

    def _tick(self) -> None:
        self._feeder.tick(client.moment())
        self._reporter.add(self._reader.take(client.moment()))

    def _finish(self, code: int, cancelled_by: int, began: float) -> None:
        """Report the open builds and the artifacts; wait until all of it is delivered."""
        if self.problem:
            warn(self.problem)
            return
        deadline = Deadline()
        self._feeder.end(client.moment())
        self._reader.end(client.moment())
        ended = outcome.Run(
            *(self._reader, self._reporter, self._redactor, self._template, self._part),
            *(self._arguments, began, deadline),
        )
        signal_name = signal.Signals(cancelled_by).name if cancelled_by and code else ""
        outcome.report_verdicts(ended, code, signal_name)
        self._tick()
        outcome.report_artifacts(ended)
        is_done = self._reporter.close(deadline)
        self._summarise()
        if self._reporter.problem or not is_done:
            self.problem = self._reporter.problem or "not reported: no answer within 10 s"
            warn(self.problem)

    def _summarise(self) -> None:
        """Write what the CI shows of the builds."""
        with contextlib.suppress(Exception):  # whatever it is, the build goes on
            summary.write([self._summary_of(each) for each in self._reporter.reported], self._env)

    def _summary_of(self, target: str) -> summary.Build:
        values = self._values(target)
        return summary.of_events(
            values["build_number"].text or "",
            links.build(self._env, values),
            self._reporter.reported[target],
            self._reporter.manifests.get(target),
        )

    def _strict_code(self) -> int:
        return 0 if self._env.get("MILEPOST_STRICT", "") in ("", "0") else 1


def main(arguments: Sequence[str]) -> None:
    """Run Packer and exit at once, without waiting for a thread that still posts."""
    open_streams()
    code = run(arguments, os.environ)
    with contextlib.suppress(AttributeError, OSError, ValueError):  # closed, or full
        sys.stdout.flush()
    os._exit(code)
