"""Report a stage, a verdict, a failure or a manifest from inside a build."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from hooks import (
    __version__,
    client,
    command_options,
    identity,
    links,
    manifests,
    outbox,
    settings,
    sources,
    streams,
)
from hooks.client import Deadline, Json
from hooks.command_options import Parser
from hooks.errors import DeliveryPending, HookError

STATUS_WORDS = {
    "completed": (
        *("success", "succeeded", "completed", "passed", "ok"),
        *("unstable", "neutral", "unchanged"),
    ),
    "failed": ("failure", "failed", "error", "timed_out", "startup_failure", "stale"),
    "cancelled": ("cancelled", "canceled", "aborted", "not_built", "skipped"),
}
# These say more than our status: they are reported beside it.
DETAILED_WORDS = ("unstable", "neutral", "timed_out", "startup_failure", "stale")
SUMMARY_SECONDS = 3.0

UNCHANGED = "unchanged"  # nothing had to be built: the image that there is stays good

Env = Mapping[str, str]


def main(arguments: list[str] | None = None) -> None:
    """Run one command; exit with 1 on a problem only under --strict or MILEPOST_STRICT."""
    arguments = sys.argv[1:] if arguments is None else arguments
    streams.open_closed()
    if arguments[:1] == ["packer"]:  # the rest is Packer's own
        run_packer(arguments[1:])
    streams.replace_unprintable()
    try:
        run_command(arguments)
    finally:
        streams.flush()


def run_command(arguments: list[str]) -> None:
    """Run a command that is not Packer's; exit as `main` does."""
    if not arguments:
        parser().print_help(sys.stderr)
        sys.exit(2)
    try:
        options = parser().parse_args(arguments)
        options.run(options, os.environ, Deadline())
    except (HookError, OSError) as error:
        _exit(str(error), arguments)
    except Exception as error:  # noqa: BLE001  # whatever it is, the build goes on
        missing = f" {error.name}" if isinstance(error, ImportError) else ""
        _exit(f"not reporting: {type(error).__name__}{missing}", arguments)


def run_packer(arguments: list[str]) -> NoReturn:
    """Run Packer and report its builds; exit with Packer's exit code."""
    from hooks.wrapper import main as wrapper  # slow to import, and no other command needs it

    wrapper.main(arguments)
    raise AssertionError("unreachable")


def _exit(problem: str, arguments: list[str]) -> NoReturn:
    streams.complain(f"milepost: {' '.join(problem.split())}")
    is_strict = "--strict" in arguments or os.environ.get("MILEPOST_STRICT", "") not in ("", "0")
    sys.exit(1 if is_strict else 0)


def parser() -> Parser:
    """Return the parser of the command line."""
    common = command_options.common_options()
    root = Parser(prog="milepost-hook", description=__doc__, allow_abbrev=False)
    root.add_argument("--version", action="version", version=__version__)
    commands = root.add_subparsers(dest="command", required=True, parser_class=Parser)

    def command(name: str, run: Any, text: str) -> Parser:
        subparser = commands.add_parser(name, parents=[common], help=text, allow_abbrev=False)
        subparser.set_defaults(run=run)
        return subparser

    command_options.add_stage(
        command("stage", report_stage, "start a stage, which ends the one before it")
    )
    command_options.add_done(command("done", report_verdict, "report the result of the build"))
    command_options.add_fail(
        command("fail", report_failure, "report a failure of the open stage, not of the build")
    )
    command_options.add_manifest(
        command("manifest", report_manifest, "send a manifest that Packer wrote")
    )
    command_options.add_attach(
        command("attach", attach, "tell the result of tests or a scan of the image")
    )
    command_options.add_resume(
        command("resume", print_resume, "print the first state that still has to run")
    )
    commands.add_parser("packer", help="run packer build … and report its builds", add_help=False)
    command("check", run_check, "show the identity values and send a test without a build")
    command_options.add_flush(command("flush", flush, "send all reports in the spool now"))
    command_options.add_heartbeat(
        command("heartbeat", run_heartbeat, "say that the job still runs, until FILE is gone")
    )
    command_options.add_vendor(
        command("vendor", run_vendor, "write the hook's files into a folder")
    )
    command("compile", run_compile, "put Python's bytecode into the hook's file: calls are faster")
    return root


def report_stage(options: Any, env: Env, deadline: Deadline) -> None:
    """Report a stage; under the Packer wrapper print a marker instead, which the wrapper reads."""
    if _is_wrapped(env):
        _print_marker(options)
        return
    event = {"kind": "stage", "stage": options.name, "status": options.status, "at": client.now()}
    if options.state is not None:
        event["state"] = options.state
    _send(options, env, deadline, event)


def _print_marker(options: Any) -> None:
    if options.status != "started":
        raise HookError("not reporting: under the Packer wrapper a stage can only be started")
    number = "-" if options.state is None else options.state
    name = " ".join(options.name.split())  # a marker is one line
    print(f"milepost: stage {number} {name}", flush=True)


def _is_wrapped(env: Env) -> bool:
    """Return whether the Packer wrapper reads what this hook prints."""
    return env.get("MILEPOST_WRAPPED") == "1"


def report_verdict(options: Any, env: Env, deadline: Deadline) -> None:
    """Report the result of the build; under the Packer wrapper do nothing."""
    if _is_wrapped(env):
        return
    word = options.status.strip().lower()
    status = next((ours for ours, words in STATUS_WORDS.items() if word in words), None)
    if status is None:
        raise HookError("not reporting: --status must be success, failure, cancelled or unchanged")
    event: Json = {"kind": "build", "status": status, "at": client.now()}
    if word in DETAILED_WORDS:
        event["failure"] = {"type": "build", "message": f"The CI's own word: {word}"}
    if word == UNCHANGED:  # beside a status that every receiver knows
        event["word"] = UNCHANGED
    try:
        _send(options, env, deadline, event)
    except DeliveryPending:  # it waits in the spool
        _summarise(options, env, deadline, status)
        raise
    _summarise(options, env, deadline, status)


def _summarise(options: Any, env: Env, deadline: Deadline, status: str) -> None:
    """Write what the CI shows of the build: as the receiver knows it, or what is known here."""
    from hooks import resume, summary

    if not summary.is_wanted(env):
        return
    with suppress(Exception):  # whatever it is, the build goes on
        values = identity.identity(vars(options), env)
        number, url = values["build_number"].text or "", links.build(env, values)
        build = summary.Build(number, status, url)
        with suppress(HookError):  # without a token the receiver may show nothing
            patience = Deadline(min(SUMMARY_SECONDS, deadline.remaining()))
            build = summary.of_api(resume.fetch(number, env, patience), url)
        summary.write([build], env)


def report_failure(options: Any, env: Env, deadline: Deadline) -> None:
    """Report a failure of the open stage, or of the named one."""
    failure = {"type": options.type, "message": options.message, "component": options.component}
    if _is_wrapped(env):
        print(f"milepost: fail {json.dumps(failure)}", flush=True)
        return
    event = {"kind": "stage", "status": "failed", "at": client.now(), "failure": failure}
    if options.stage:
        event["stage"] = options.stage
    _send(options, env, deadline, event)


def report_manifest(options: Any, env: Env, deadline: Deadline) -> None:
    """Send the manifest as it is; under the Packer wrapper print its path instead."""
    path = options.file or manifests.find(Path.cwd(), deadline)
    if _is_wrapped(env):
        print(f"milepost: manifest {path.absolute()}", flush=True)
        return
    values = _values(options, env)
    document = client.envelope(values, [], manifests.read(path, deadline))
    client.add_sources(document, _sources(options, env))
    outbox.deliver(document, env, deadline)
    _confirm(options, env, values)


def print_resume(options: Any, env: Env, deadline: Deadline) -> None:
    """Print the resume point of the build, and exit."""
    from hooks import resume

    sys.exit(resume.run(options, env, deadline))


def attach(options: Any, env: Env, deadline: Deadline) -> None:
    """Report a check of the build's image."""
    from hooks import attach

    attach.run(options, env, deadline)


def run_check(options: Any, env: Env, deadline: Deadline) -> None:
    """Print the identity of the build and send a test."""
    from hooks import check

    check.run(options, env, deadline)


def run_heartbeat(options: Any, env: Env, deadline: Deadline) -> None:
    """Send heartbeats until the job is done."""
    from hooks import heartbeat

    heartbeat.run(options, env, deadline)


def run_vendor(options: Any, _env: Env, _deadline: Deadline) -> None:
    """Write the hook's files into a folder."""
    from hooks import vendor

    vendor.run(options.folder, Path(sys.argv[0]))


def run_compile(_options: Any, _env: Env, _deadline: Deadline) -> None:
    """Put Python's bytecode into the hook's file."""
    from hooks import compiling

    compiling.run(Path(sys.argv[0]))


def flush(options: Any, env: Env, deadline: Deadline) -> None:
    """Send the whole spool; print the numbers of sent, kept and refused. Raises HookError."""
    result, left = outbox.flush(env, deadline, options.refused)
    print(f"sent {len(result.answers)}, kept {left}, set aside {len(result.refusals)}")
    problems = [result.problem, *result.refusals.values()]
    if any(problems):
        raise HookError("; ".join(filter(None, problems))[:500])


def _send(options: Any, env: Env, deadline: Deadline, event: Json) -> None:
    values = _values(options, env)
    document = client.envelope(values, [event])
    outbox.deliver(client.add_sources(document, _sources(options, env)), env, deadline)
    _confirm(options, env, values)


def _sources(options: Any, env: Env) -> list[Json]:
    """Return the images that the build starts from, as the user says them."""
    return sources.listed(options.source or [settings.setting(env, "MILEPOST_SOURCE")])


def _values(options: Any, env: Env) -> identity.Values:
    """Return the identity; raise HookError with everything that is missing."""
    is_nameless = not identity.has_number(vars(options), env)
    settings.demand(env, ["MILEPOST_BUILD_NUMBER"] if is_nameless else [])
    return identity.identity(vars(options), env)


def _confirm(options: Any, env: Env, values: identity.Values) -> None:
    """Print the build's page: to a person at a terminal, and once in the log of a CI's job."""
    is_end = options.command == "done" and identity.is_ci(env)
    if is_end or sys.stdout.isatty():
        print(f"milepost: {links.build(env, values)}")


if __name__ == "__main__":
    main()
