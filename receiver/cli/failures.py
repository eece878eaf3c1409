"""milepost failures, resolve and reopen."""

from uuid import UUID

import click

from receiver.cli.asked import asked
from receiver.cli.output import as_json, command, show, tell

COLUMNS = (
    "id",
    "created_at",
    "build_number",
    "state",
    "stage",
    "component",
    "error_message",
    "resolved_at",
)


@click.command()
@click.option(
    "--status",
    type=click.Choice(["open", "resolved", "all"]),
    default="open",
    show_default=True,
)
@click.option("--limit", type=click.IntRange(1, 10_000), default=300, show_default=True)
@as_json
@command
def failures(status: str, limit: int, as_json: bool) -> None:
    """What failed, the newest first."""
    with asked() as receiver:
        rows = receiver.failures(status, limit)
    show(rows, COLUMNS, as_json=as_json)


@click.command()
@click.argument("failure_id", type=click.UUID)
@click.option("--notes", required=True, help="What it was, for the next who meets it.")
@as_json
@command
def resolve(failure_id: UUID, notes: str, as_json: bool) -> None:
    """Mark a failure resolved."""
    with asked() as receiver:
        receiver.resolve(failure_id, notes)
    tell("Resolved.", {"id": failure_id, "resolved": True}, as_json=as_json)


@click.command()
@click.argument("failure_id", type=click.UUID)
@as_json
@command
def reopen(failure_id: UUID, as_json: bool) -> None:
    """Mark a failure open again."""
    with asked() as receiver:
        receiver.reopen(failure_id)
    tell("Open again.", {"id": failure_id, "resolved": False}, as_json=as_json)
