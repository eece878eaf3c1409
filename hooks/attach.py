"""`milepost-hook attach FILE`: tell the result of tests or a scan of a build's image.

It may come long after the build, from another job: nothing else of the build changes by it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from hooks import client, identity, outbox, settings
from hooks.checks import formats
from hooks.checks.report import Report, described, status_of, wrong, zoned
from hooks.client import Deadline, Json

MAX_BYTES = 64 * 2**20  # of a report
NAME = re.compile(r"[\w.@+-][\w .@+-]{0,99}")  # as the receiver takes it
ALGORITHM = "sha256"


def run(options: Any, env: Mapping[str, str], deadline: Deadline) -> None:
    """Read the report, post its numbers, print them in one line. Raises HookError."""
    if env.get("MILEPOST_WRAPPED") == "1":
        raise wrong("attach reports once Packer has ended, with --target")
    data = read(options.file)
    report = formats.read(data)
    event = event_of(report, options, data, _written_at(options.file))
    values = identity_of(options, env)
    outbox.deliver(client.envelope(values, [event]), env, deadline)
    number, check = values["build_number"].text, event["check"]
    print(f"milepost: {number}: {check['name']}: {described(report, check['status'])}")


def read(path: Path) -> bytes:
    """Return the bytes of a file of at most 64 MiB. Raises HookError."""
    try:
        if not path.is_file():  # a pipe or a device may never end
            raise wrong(f"there is no file {path}")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise wrong(f"{path} cannot be read: {error.strerror}") from error
    if len(data) > MAX_BYTES:
        raise wrong(f"{path} is larger than 64 MiB: write the report without descriptions")
    return data


def event_of(report: Report, options: Any, data: bytes, written_at: str) -> Json:
    """Return the event of a report; what the command line says comes first. Raises HookError."""
    name = options.name or report.name
    if not NAME.fullmatch(name):
        raise wrong("--name must be 1 to 100 letters, digits and . _ @ + -")
    if options.database_at and not zoned(options.database_at):
        raise wrong("--database-at must be a time as 2026-01-08T00:24:00Z")
    told = {
        "name": name,
        "kind": report.kind,
        "status": options.status or status_of(report, options.fail_on),
        "counts": report.counts,
        "fixable": report.fixable,
        "tool": report.tool,
        "tool_version": report.tool_version,
        "database_at": options.database_at or report.database_at,
        "digest": f"{ALGORITHM}:{hashlib.new(ALGORITHM, data).hexdigest()}",
        "url": options.url,
    }
    check = {field: value for field, value in told.items() if value not in (None, "", {})}
    return {"kind": "check", "at": report.at or written_at, "check": check}


def identity_of(options: Any, env: Mapping[str, str]) -> identity.Values:
    """Return the identity of the build; with a target that of the wrapper's build of it."""
    flags = vars(options)
    is_nameless = not identity.has_number(flags, env)
    settings.demand(env, ["MILEPOST_BUILD_NUMBER"] if is_nameless else [])
    values = identity.identity(flags, env)
    if options.target:
        number = options.build_number or env.get("MILEPOST_BUILD_NUMBER", "")
        known = {**env, "MILEPOST_BUILD_NUMBER": number}
        whole = identity.identity_of_target(known, options.target, None, "")
        values["build_number"] = whole["build_number"]
    return values


def _written_at(path: Path) -> str:
    """Return when the file was written: a report without a time of its own is as old."""
    moment = datetime.fromtimestamp(path.stat().st_mtime, timezone.utc)
    return min(moment, datetime.now(timezone.utc)).isoformat().replace("+00:00", "Z")
