"""milepost-hook …: report a stage, a verdict, a failure or a manifest from inside a build."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote, urlsplit

from hooks import __version__, client, identity, outbox, signing
from hooks.client import Deadline, Json
from hooks.errors import HookError

READ_TRIES = 20  # Packer rewrites a shared manifest in place: what is read may be half of it
READ_PAUSE = 0.1
STAGE_STATUSES = ("started", "completed", "skipped", "failed", "cancelled")
WORDS = {
    "completed": ("success", "succeeded", "completed", "passed", "ok", "unstable", "neutral"),
    "failed": ("failure", "failed", "error", "timed_out", "startup_failure", "stale"),
    "cancelled": ("cancelled", "canceled", "aborted", "not_built", "skipped"),
}
TELLING = ("unstable", "neutral", "timed_out", "startup_failure", "stale")  # more than our word

Env = Mapping[str, str]


class Parser(argparse.ArgumentParser):
    """A mistake in a hook's arguments must not break the build that it reports on."""

    def error(self, message: str) -> NoReturn:
        """Raise instead of exiting with 2."""
        raise HookError(f"not reporting: {message}")


def main(arguments: list[str] | None = None) -> None:
    """Run one command; 0 whatever happens, unless --strict or MILEPOST_STRICT asks for 1."""
    given = sys.argv[1:] if arguments is None else arguments
    if not given:
        parser().print_help(sys.stderr)
        sys.exit(2)
    if given[0] == "packer":  # its arguments are Packer's, not ours
        wrap(given[1:])
    try:
        options = parser().parse_args(given)
        options.run(options, os.environ, Deadline())
    except (HookError, OSError) as error:
        _give_up(str(error), given)
    except Exception as error:  # noqa: BLE001  # whatever it is, the build goes on
        missing = f" {error.name}" if isinstance(error, ImportError) else ""
        _give_up(f"not reporting: {type(error).__name__}{missing}", given)


def wrap(arguments: list[str]) -> NoReturn:
    """Run Packer and report it; this process ends with Packer's exit code."""
    from hooks.wrapper import main as wrapper  # a `stage` does without it

    wrapper.main(arguments)
    raise AssertionError("unreachable")


def _give_up(problem: str, given: list[str]) -> NoReturn:
    print(f"milepost: {' '.join(problem.split())}", file=sys.stderr)
    is_strict = "--strict" in given or os.environ.get("MILEPOST_STRICT", "") not in ("", "0")
    sys.exit(1 if is_strict else 0)


def parser() -> Parser:
    """The command line."""
    common = _common()
    root = Parser(prog="milepost-hook", description=__doc__, allow_abbrev=False)
    root.add_argument("--version", action="version", version=__version__)
    commands = root.add_subparsers(dest="command", required=True, parser_class=Parser)

    def command(name: str, run: Any, text: str) -> Parser:
        made = commands.add_parser(name, parents=[common], help=text, allow_abbrev=False)
        made.set_defaults(run=run)
        return made

    _stage(command("stage", report_stage, "start a stage, end the last one"))
    _done(command("done", report_verdict, "say how the build ended"))
    _fail(command("fail", report_failure, "fail the open stage, not the build"))
    _manifest(command("manifest", report_manifest, "post the manifest that Packer wrote"))
    _resume(command("resume", print_resume, "print the first state that still has to run"))
    commands.add_parser("packer", help="packer build …: run Packer and report it", add_help=False)
    command("check", check, "show who speaks and send a test, which makes no build")
    command("flush", flush, "send at once what waits in the spool")
    return root


def _stage(stage: Parser) -> None:
    stage.add_argument("name")
    stage.add_argument("--state", type=_state, help="0 to 100, where no map knows the name")
    stage.add_argument("--status", choices=STAGE_STATUSES, default="started")


def _done(done: Parser) -> None:
    done.add_argument("--status", required=True, help="success, failure, cancelled, or the CI's")


def _fail(fail: Parser) -> None:
    fail.add_argument("message")
    fail.add_argument("--stage", help="the stage that failed, if it is not the open one")
    fail.add_argument("--type", default="stage", help="such as provisioner or builder")
    fail.add_argument("--component", help="what failed, such as ansible")


def _manifest(manifest: Parser) -> None:
    manifest.add_argument("file", type=Path)


def _resume(resume: Parser) -> None:
    resume.add_argument("--target", help="Packer's target, which the wrapper appends to the number")
    resume.add_argument("--assume-kept", action="store_true", help="the machine is still there")
    resume.add_argument("--json", action="store_true", help="everything, as JSON")
    resume.add_argument("--print", choices=("state", "artifact", "checksum", "attempt"))
    resume.add_argument("--exit-code", action="store_true", help="3: from 0; 4: nothing to do")


def _common() -> Parser:
    common = Parser(add_help=False)
    for name in ("build-number", "project", "platform", "os-version", "image-type"):
        common.add_argument(f"--{name}", help=f"else MILEPOST_{name.upper().replace('-', '_')}")
    common.add_argument("--resumed-from", help="else MILEPOST_RESUMED_FROM: a state, 0 to 100")
    common.add_argument("--attempt", help="else GitHub's; which try of the build this is")
    common.add_argument("--created-by", help="else the CI's; who started it")
    common.add_argument("--run-key", help="else the CI's; one for each job and each try of it")
    common.add_argument("--strict", action="store_true", help="exit with 1 if it was not reported")
    return common


def _state(text: str) -> int:
    if not text.isdecimal() or len(text) > 3 or int(text) > 100:
        raise argparse.ArgumentTypeError("must be a whole number from 0 to 100")
    return int(text)


def report_stage(options: Any, env: Env, deadline: Deadline) -> None:
    """Start a stage; under the Packer wrapper print a marker instead, which the wrapper reads."""
    if _is_wrapped(env):
        _mark(options)
        return
    event = {"kind": "stage", "stage": options.name, "status": options.status, "at": client.now()}
    if options.state is not None:
        event["state"] = options.state
    _send(options, env, deadline, event)


def _mark(options: Any) -> None:
    if options.status != "started":
        raise HookError("not reporting: under the Packer wrapper a stage can only be started")
    number = "-" if options.state is None else options.state
    name = " ".join(options.name.split())  # one line, whatever the name holds
    print(f"milepost: stage {number} {name}", flush=True)


def _is_wrapped(env: Env) -> bool:
    """Inside the Packer wrapper what a hook prints is read with its target's name in front."""
    return env.get("MILEPOST_WRAPPED") == "1"


def report_verdict(options: Any, env: Env, deadline: Deadline) -> None:
    """End the build; under the Packer wrapper the wrapper judges."""
    if _is_wrapped(env):
        return
    word = options.status.strip().lower()
    status = next((ours for ours, words in WORDS.items() if word in words), None)
    if status is None:
        raise HookError("not reporting: --status must be success, failure or cancelled")
    event: Json = {"kind": "build", "status": status, "at": client.now()}
    if word in TELLING:
        event["failure"] = {"type": "build", "message": f"The CI's own word: {word}"}
    _send(options, env, deadline, event)


def report_failure(options: Any, env: Env, deadline: Deadline) -> None:
    """Fail the open stage, or the named one."""
    failure = {"type": options.type, "message": options.message, "component": options.component}
    if _is_wrapped(env):
        print(f"milepost: fail {json.dumps(failure)}", flush=True)
        return
    event = {"kind": "stage", "status": "failed", "at": client.now(), "failure": failure}
    if options.stage:
        event["stage"] = options.stage
    _send(options, env, deadline, event)


def report_manifest(options: Any, env: Env, deadline: Deadline) -> None:
    """Post the manifest as it is; under the Packer wrapper say where it is."""
    if _is_wrapped(env):
        print(f"milepost: manifest {options.file.absolute()}", flush=True)
        return
    values = identity.identity(vars(options), env)
    document = client.envelope(values, [], read_manifest(options.file, deadline))
    outbox.deliver(document, env, deadline)


def read_manifest(path: Path, deadline: Deadline) -> Json:
    """The manifest's JSON object; waits where Packer is still writing it."""
    for _ in range(READ_TRIES):
        try:
            document = json.loads(path.read_bytes())
        except (ValueError, RecursionError):
            if not deadline.pause(READ_PAUSE):
                break
            continue
        if isinstance(document, dict):
            return document
        break
    raise HookError(f"not reporting: {path} holds no manifest")


def print_resume(options: Any, env: Env, deadline: Deadline) -> None:
    """Print where the next attempt begins."""
    from hooks import resume

    sys.exit(resume.run(options, env, deadline))


def check(options: Any, env: Env, deadline: Deadline) -> None:
    """Print each identity value and where it came from, send a test, say where to look."""
    for name, value in identity.details(vars(options), env).items():
        _show(name, value)
    values = identity.identity(vars(options), env)
    _show("build_number", values["build_number"])
    is_bearer = signing.secret_of(env).startswith(signing.BEARER)
    _show("secret", identity.Value("a bearer token" if is_bearer else "a key", "MILEPOST_SECRET"))
    test = client.envelope(values, [{"kind": "heartbeat", "at": client.now()}])
    answer = client.send(test, env, deadline)
    print(f"\nThe receiver took a signed test: {json.dumps(answer)}\nLook at: {_page(env, values)}")


def flush(_: Any, env: Env, deadline: Deadline) -> None:
    """Send what is spooled; say what was sent, kept and set aside."""
    drained, kept = outbox.flush(env, deadline)
    sent, refused = len(drained.answers), len(drained.refusals)
    print(f"sent {sent}, kept {kept}, set aside {refused}")
    problems = [drained.problem, *drained.refusals.values()]
    if any(problems):
        raise HookError("; ".join(filter(None, problems))[:500])


def _show(name: str, value: identity.Value) -> None:
    print(f"{name:13} {value.text or '-'}   ({value.origin})")


def _page(env: Env, values: identity.Values) -> str:
    """The build's page, without a password that the URL may hold."""
    parts = urlsplit(client.address(env).partition("/webhooks/")[0])
    host = parts.netloc.rpartition("@")[2]
    number = quote(values["build_number"].text or "", safe=":@+")
    return f"{parts.scheme}://{host}{parts.path}/builds/{number}"


def _send(options: Any, env: Env, deadline: Deadline, event: Json) -> None:
    values = identity.identity(vars(options), env)
    outbox.deliver(client.envelope(values, [event]), env, deadline)


if __name__ == "__main__":
    main()
