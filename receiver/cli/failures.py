"""milepost failures, resolve and reopen."""

from uuid import UUID

import click

from receiver.cli.client import open_client
from receiver.cli.output import as_json, command, print_result, print_rows

COLUMNS = (
    *("id", "created_at", "build_number", "state"),
    *("stage", "component", "error_message", "resolved_at"),
)
STATUS = click.Choice(["open", "resolved", "all"])


@click.command()
@click.option("--status", type=STATUS, default="open", show_default=True)
@click.option("--limit", type=click.IntRange(1, 10_000), default=300, show_default=True)
@as_json
@command
def failures(status: str, limit: int, as_json: bool) -> None:
    """List failures, newest first."""
    with open_client() as client:
        rows = client.failures(status, limit)
    print_rows(rows, COLUMNS, as_json=as_json)


@click.command()
@click.argument("failure_id", type=click.UUID)
@click.option("--notes", required=True, help="The cause, for whoever sees it next.")
@as_json
@command
def resolve(failure_id: UUID, notes: str, as_json: bool) -> None:
    """Mark a failure resolved."""
    with open_client() as client:
        client.resolve(failure_id, notes)
    print_result("Resolved.", {"id": failure_id, "resolved": True}, as_json=as_json)


@click.command()
@click.argument("failure_id", type=click.UUID)
@as_json
@command
def reopen(failure_id: UUID, as_json: bool) -> None:
    """Mark a failure open again."""
    with open_client() as client:
        client.reopen(failure_id)
    print_result("Open again.", {"id": failure_id, "resolved": False}, as_json=as_json)
