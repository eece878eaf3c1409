"""milepost create, cancel, state, fail, artifact: builds by hand; milepost audit."""

from typing import Any

import click

from receiver.cli import completion
from receiver.cli.client import open_client
from receiver.cli.output import as_json, command, print_result
from receiver.domain.model import STAGE_STATUSES, Json

CHANGES = ("at", "who", "via", "action", "target_kind", "target_name", "before", "after")
STATE = click.IntRange(0, 100)
stage = click.option("--stage", help="Its name.")
state_option = click.option("--state", type=STATE, help="The build's state at this stage.")
at = click.option("--at", help="When, such as 2026-01-31T10:00:00Z; now by default.")


@click.command()
@click.argument("number", shell_complete=completion.numbers)
@click.option("--project")
@click.option("--platform")
@click.option("--os-version")
@click.option("--image-type")
@as_json
@command
def create(number: str, as_json: bool, **fields: str | None) -> None:
    """Create a build before its first report."""
    with open_client() as client:
        _print_build(client.create(number, fields), as_json=as_json)


@click.command()
@click.argument("number", shell_complete=completion.numbers)
@click.option("--reason", help="Why it is cancelled.")
@as_json
@command
def cancel(number: str, as_json: bool, **fields: str | None) -> None:
    """Cancel a build that is pending or running."""
    with open_client() as client:
        _print_build(client.cancel(number, fields), as_json=as_json)


@click.command()
@click.argument("number", shell_complete=completion.numbers)
@click.argument("status", type=click.Choice(STAGE_STATUSES))
@stage
@state_option
@click.option("--message")
@at
@as_json
@command
def state(number: str, as_json: bool, **fields: Any) -> None:
    """Report that a stage of a build started or ended."""
    with open_client() as client:
        _print_build(client.add(number, "state", fields), as_json=as_json)


@click.command()
@click.argument("number", shell_complete=completion.numbers)
@click.argument("message")
@stage
@state_option
@click.option("--component", help="The part that failed, such as ansible.")
@click.option("--type", help="Such as provisioner.")
@at
@as_json
@command
def fail(number: str, as_json: bool, **fields: Any) -> None:
    """Report that a stage of a build failed, and why."""
    with open_client() as client:
        _print_build(client.add(number, "failure", fields), as_json=as_json)


@click.command()
@click.argument("number", shell_complete=completion.numbers)
@click.argument("artifact_id")
@click.option("--region")
@click.option("--storage", help="Where to look for the path, such as s3.")
@click.option("--path")
@click.option("--size-bytes", type=click.IntRange(0))
@click.option("--checksum", help="Such as sha256:…")
@click.option("--kind", type=click.Choice(["final", "resumable"]), help="final by default.")
@click.option("--state", type=STATE, help="The state that the image holds.")
@click.option("--expires-at", help="Until when it is kept, such as 2026-12-31T00:00:00Z.")
@at
@as_json
@command
def artifact(number: str, as_json: bool, **fields: Any) -> None:
    """Add an artifact to a build."""
    with open_client() as client:
        _print_build(client.add(number, "artifact", fields), as_json=as_json)


def _print_build(build: Json, *, as_json: bool) -> None:
    text = f"{build['build_number']} is {build['status']} at {build['current_state']}."
    print_result(text, build, as_json=as_json)
