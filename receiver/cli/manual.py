"""milepost create, cancel, state, fail, artifact: what a person says of a build; milepost audit."""

from typing import Any

import click
import orjson

from receiver.cli.asked import asked
from receiver.cli.output import as_json, command, show, tell
from receiver.domain.model import STAGE_STATUSES
from receiver.storage.db import Row

CHANGES = ("at", "who", "via", "action", "target_kind", "target_name", "before", "after")
STATE = click.IntRange(0, 100)
at = click.option("--at", help="When, such as 2026-01-31T10:00:00Z; now if it is not said.")


@click.command()
@click.argument("number")
@click.option("--project")
@click.option("--platform")
@click.option("--os-version")
@click.option("--image-type")
@as_json
@command
def create(number: str, as_json: bool, **said: str | None) -> None:
    """Create a build ahead of its first report."""
    with asked() as receiver:
        _tell(receiver.create(number, _said(said)), as_json=as_json)


@click.command()
@click.argument("number")
@click.option("--reason", help="Why nobody goes on with it.")
@as_json
@command
def cancel(number: str, as_json: bool, **said: str | None) -> None:
    """Say that nobody goes on with a build that is pending or running."""
    with asked() as receiver:
        _tell(receiver.cancel(number, _said(said)), as_json=as_json)


@click.command()
@click.argument("number")
@click.argument("status", type=click.Choice(STAGE_STATUSES))
@click.option("--stage", help="Its name.")
@click.option("--state", type=STATE, help="How far the build is by it.")
@click.option("--message")
@at
@as_json
@command
def state(number: str, as_json: bool, **said: Any) -> None:
    """Say that a stage of a build began or ended."""
    with asked() as receiver:
        _tell(receiver.add(number, "state", _said(said)), as_json=as_json)


@click.command()
@click.argument("number")
@click.argument("message")
@click.option("--stage", help="Its name.")
@click.option("--state", type=STATE, help="How far the build is by it.")
@click.option("--component", help="What failed, such as ansible.")
@click.option("--type", help="Such as provisioner.")
@at
@as_json
@command
def fail(number: str, as_json: bool, **said: Any) -> None:
    """Say that a stage of a build failed, and why."""
    with asked() as receiver:
        _tell(receiver.add(number, "failure", _said(said)), as_json=as_json)


@click.command()
@click.argument("number")
@click.argument("artifact_id")
@click.option("--region")
@click.option("--storage", help="Where the path is to be looked for, such as s3.")
@click.option("--path")
@click.option("--size-bytes", type=click.IntRange(0))
@click.option("--checksum", help="Such as sha256:…")
@click.option("--kind", type=click.Choice(["final", "resumable"]), help="final if it is not said.")
@click.option("--state", type=STATE, help="How far the image is.")
@click.option("--expires-at", help="Until when it is kept, such as 2026-12-31T00:00:00Z.")
@at
@as_json
@command
def artifact(number: str, as_json: bool, **said: Any) -> None:
    """Add something that a build made."""
    with asked() as receiver:
        _tell(receiver.add(number, "artifact", _said(said)), as_json=as_json)


@click.command()
@click.option("--kind", "target_kind", help="Of what, such as build, failure, token.")
@click.option("--name", "target_name", help="Of which.")
@click.option("--who")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@as_json
@command
def audit(limit: int, as_json: bool, **wanted: str | None) -> None:
    """Who changed what, the newest first."""
    with asked() as receiver:
        rows = receiver.audit(_said(wanted), limit)
    if not as_json:
        rows = [row | {part: _text(row[part]) for part in ("before", "after")} for row in rows]
    show(rows, CHANGES, as_json=as_json)


def _text(values: dict[str, Any] | None) -> str | None:
    return None if values is None else orjson.dumps(values).decode()


def _said(given: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if value is not None}


def _tell(build: Row, *, as_json: bool) -> None:
    text = f"{build['build_number']} is {build['status']} at {build['current_state']}."
    tell(text, build, as_json=as_json)
