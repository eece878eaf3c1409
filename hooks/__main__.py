"""milepost-hook …: report a stage, a verdict, a failure or a manifest from inside a build."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from hooks import __version__, ci, client
from hooks.client import Json
from hooks.errors import HookError

READ_TRIES = 20  # Packer rewrites a shared manifest in place: what is read may be half of it
STAGE_STATUSES = ("started", "completed", "failed", "skipped", "cancelled")
WORDS = {
    "completed": ("success", "completed", "complete", "passed", "ok", "unstable", "neutral"),
    "failed": ("failure", "failed", "timed_out", "startup_failure", "stale", "error"),
    "cancelled": ("cancelled", "canceled", "aborted", "not_built", "skipped"),
}


class Parser(argparse.ArgumentParser):
    """A mistake in a hook's arguments must not break the build that it reports on."""

    def error(self, message: str) -> NoReturn:
        """Raise instead of exiting with 2."""
        raise HookError(f"not reporting: {message}")


def main(arguments: list[str] | None = None) -> None:
    """Run one command; 0 whatever happens, unless --strict or MILEPOST_STRICT asks for 1."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        options = parser().parse_args(given)
        options.run(options, os.environ)
    except (HookError, OSError) as error:
        print(f"milepost: {' '.join(str(error).split())}", file=sys.stderr)
        strict = "--strict" in given or os.environ.get("MILEPOST_STRICT", "") not in ("", "0")
        sys.exit(1 if strict else 0)


def parser() -> Parser:
    """The command line."""
    common = _common()
    root = Parser(prog="milepost-hook", description=__doc__)
    root.add_argument("--version", action="version", version=__version__)
    commands = root.add_subparsers(dest="command", required=True, parser_class=Parser)

    stage = commands.add_parser("stage", parents=[common], help="start a stage, end the last one")
    stage.add_argument("name")
    stage.add_argument("--state", type=int, help="its state, 0 to 100, where no map knows its name")
    stage.add_argument("--status", choices=STAGE_STATUSES, default="started")
    stage.set_defaults(run=report_stage)

    done = commands.add_parser("done", parents=[common], help="say how the build ended")
    done.add_argument("--status", required=True, help="success, failure, cancelled, or the forge's")
    done.set_defaults(run=report_verdict)

    fail = commands.add_parser("fail", parents=[common], help="fail the open stage, not the build")
    fail.add_argument("message")
    fail.add_argument("--stage")
    fail.add_argument("--type", default="stage", help="such as provisioner or builder")
    fail.add_argument("--component", help="what failed, such as ansible")
    fail.set_defaults(run=report_failure)

    manifest = commands.add_parser("manifest", parents=[common], help="post Packer's manifest")
    manifest.add_argument("file", type=Path)
    manifest.set_defaults(run=report_manifest)

    check = commands.add_parser("check", parents=[common], help="show who speaks, send a test")
    check.set_defaults(run=check_all)
    return root


def _common() -> Parser:
    common = Parser(add_help=False)
    for name in ("build-number", "project", "platform", "os-version", "image-type"):
        common.add_argument(f"--{name}", help=f"else MILEPOST_{name.upper().replace('-', '_')}")
    common.add_argument("--attempt", help="the number of this attempt, where no CI tells it")
    common.add_argument("--resumed-from", help="the state at which this attempt began")
    common.add_argument("--strict", action="store_true", help="exit with 1 if it was not reported")
    return common


def report_stage(options: Any, env: Mapping[str, str]) -> None:
    """Start a stage; under the Packer wrapper print a marker instead, which the wrapper reads."""
    if env.get("MILEPOST_WRAPPED") == "1":
        number = "-" if options.state is None else options.state
        print(f"milepost: stage {number} {options.name}", flush=True)
        return
    event = {"kind": "stage", "stage": options.name, "status": options.status, "at": client.now()}
    if options.state is not None:
        event["state"] = options.state
    _send(options, env, event)


def report_verdict(options: Any, env: Mapping[str, str]) -> None:
    """End the build."""
    word = options.status.strip().lower()
    status = next((ours for ours, words in WORDS.items() if word in words), None)
    if status is None:
        raise HookError("not reporting: --status must be success, failure or cancelled")
    _send(options, env, {"kind": "build", "status": status, "at": client.now()})


def report_failure(options: Any, env: Mapping[str, str]) -> None:
    """Fail the open stage, or the named one."""
    failure = {"type": options.type, "message": options.message, "component": options.component}
    event = {"kind": "stage", "status": "failed", "at": client.now(), "failure": failure}
    if options.stage:
        event["stage"] = options.stage
    _send(options, env, event)


def report_manifest(options: Any, env: Mapping[str, str]) -> None:
    """Post the manifest as it is."""
    manifest = read_manifest(options.file)
    values = ci.identity(vars(options), env)
    client.send(client.envelope(values, [], manifest), env)


def check_all(options: Any, env: Mapping[str, str]) -> None:
    """Print each identity value and where it came from, send a test, say where to look."""
    values = ci.identity(vars(options), env)
    for name, value in values.items():
        print(f"{name:13} {value.text or '-'}   ({value.origin})")
    url = client.address(env)
    client.send(client.envelope(values, [{"kind": "heartbeat", "at": client.now()}]), env)
    print(f"\nThe receiver took a signed test. Look at:\n{_page(url, values)}")


def read_manifest(path: Path) -> Json:
    """The manifest's JSON object; waits where Packer is still writing it."""
    for _ in range(READ_TRIES):
        try:
            document = json.loads(path.read_bytes())
        except ValueError:
            time.sleep(0.1)
            continue
        if isinstance(document, dict):
            return document
        break
    raise HookError(f"not reporting: {path} holds no manifest")


def _page(url: str, values: ci.Values) -> str:
    return f"{url.partition('/webhooks/')[0]}/builds/{values['build_number'].text}"


def _send(options: Any, env: Mapping[str, str], event: Json) -> None:
    client.send(client.envelope(ci.identity(vars(options), env), [event]), env)


if __name__ == "__main__":
    main()
