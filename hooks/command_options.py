"""The options of each command, and a parser whose errors break no build."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NoReturn

from hooks.errors import HookError

STAGE_STATUSES = ("started", "completed", "skipped", "failed", "cancelled")


class Parser(argparse.ArgumentParser):
    """A parser whose errors do not break the build that the hook reports on."""

    def error(self, message: str) -> NoReturn:
        """Raise HookError, where argparse would exit with 2."""
        raise HookError(f"not reporting: {message}")


def add_stage(command: Parser) -> None:
    """Add the options of `stage`."""
    command.add_argument("name")
    command.add_argument(
        "--state", type=_state, help="0 to 100, for a name that no stage map knows"
    )
    command.add_argument("--status", choices=STAGE_STATUSES, default="started")


def add_done(command: Parser) -> None:
    """Add the options of `done`."""
    command.add_argument(
        "--status",
        required=True,
        help="success, failure, cancelled, unchanged (nothing had to be built), or the CI's word",
    )


def add_fail(command: Parser) -> None:
    """Add the options of `fail`."""
    command.add_argument("message")
    command.add_argument("--stage", help="the stage that failed, if it is not the open one")
    command.add_argument(
        "--type", default="stage", help="failure type, such as provisioner or builder"
    )
    command.add_argument("--component", help="component that failed, such as ansible")


def add_manifest(command: Parser) -> None:
    """Add the options of `manifest`."""
    command.add_argument("file", type=Path, nargs="?", help="default: the one manifest here")


def add_attach(command: Parser) -> None:
    """Add the options of `attach`."""
    command.add_argument("file", type=Path, help="JUnit's XML; JSON of Trivy or CycloneDX")
    command.add_argument("--name", help="of the check; default: tests, trivy or sbom")
    command.add_argument("--url", help="where people find the whole report")
    command.add_argument(
        "--target", help="Packer's target, which the wrapper appends to the number"
    )
    command.add_argument("--status", choices=("passed", "failed"), help="default: by the report")
    command.add_argument(
        "--fail-on",
        choices=("critical", "high", "medium", "low", "never"),
        default="critical",
        help="a scan fails by a finding of this severity or a worse one; default: critical",
    )
    command.add_argument("--database-at", help="time of the scanner's database, if it says none")


def add_flush(command: Parser) -> None:
    """Add the options of `flush`."""
    command.add_argument("--refused", action="store_true", help="send what was set aside, too")


def add_heartbeat(command: Parser) -> None:
    """Add the options of `heartbeat`."""
    command.add_argument("file", type=Path)
    command.add_argument("--watch", type=int, help="the process to end with")


def add_vendor(command: Parser) -> None:
    """Add the options of `vendor`."""
    command.add_argument("folder", type=Path)


def add_resume(command: Parser) -> None:
    """Add the options of `resume`."""
    command.add_argument(
        "--target", help="Packer's target, which the wrapper appends to the number"
    )
    command.add_argument("--assume-kept", action="store_true", help="the last machine still runs")
    command.add_argument("--json", action="store_true", help="print all fields as JSON")
    command.add_argument("--print", choices=("state", "artifact", "checksum", "attempt"))
    command.add_argument("--exit-code", action="store_true", help="3: from 0; 4: nothing is left")


def common_options() -> Parser:
    """Return a parser of the options that every command has."""
    common = Parser(add_help=False)
    for name in ("build-number", "project", "platform", "os-version", "image-type"):
        common.add_argument(f"--{name}", help=f"default: MILEPOST_{name.upper().replace('-', '_')}")
    common.add_argument("--resumed-from", help="state, 0 to 100; default: MILEPOST_RESUMED_FROM")
    common.add_argument("--attempt", help="number of this attempt of the build; default: GitHub's")
    common.add_argument("--created-by", help="user who started the build; default: the CI's")
    common.add_argument("--run-key", help="key of this job and attempt; default: the CI's")
    common.add_argument(
        "--source",
        action="append",
        metavar="REGION:ID",
        help="image that the build starts from; default: MILEPOST_SOURCE",
    )
    common.add_argument("--strict", action="store_true", help="exit with 1 if the report fails")
    return common


def _state(text: str) -> int:
    if not text.isdecimal() or len(text) > 3 or int(text) > 100:
        raise argparse.ArgumentTypeError("must be a whole number from 0 to 100")
    return int(text)
