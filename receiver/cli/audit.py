"""milepost audit: list the changes; audit_chain.py verifies their chain and exports them."""

import click
import orjson

from receiver.cli.client import open_client
from receiver.cli.main import LazyCommand, LazyGroup
from receiver.cli.output import as_json, command, print_rows
from receiver.domain.model import Json

CHANGES = ("at", "who", "via", "action", "target_kind", "target_name", "before", "after")
OF_THE_CHAIN = {
    "verify": "Check that no entry was changed or removed, also against exported lines.",
    "export": "Print every entry as a line of JSON, oldest first.",
}


@click.group(
    cls=LazyGroup,
    commands={name: LazyCommand(name, "audit_chain", text) for name, text in OF_THE_CHAIN.items()},
    invoke_without_command=True,
)
@click.option("--kind", "target_kind", help="Of the target, such as build, failure, token.")
@click.option("--name", "target_name", help="Of the target.")
@click.option("--who", help="The name of the user or token.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@as_json
def audit(limit: int, as_json: bool, **filters: str | None) -> None:
    """List the changes in the audit trail, newest first."""
    if click.get_current_context().invoked_subcommand is None:
        _list(limit, as_json, filters)


@command
def _list(limit: int, as_json: bool, filters: dict[str, str | None]) -> None:
    with open_client() as client:
        rows = client.audit(filters, limit)
    if not as_json:
        rows = [row | {part: _text(row[part]) for part in ("before", "after")} for row in rows]
    print_rows(rows, CHANGES, as_json=as_json)


def _text(values: Json | None) -> str | None:
    return None if values is None else orjson.dumps(values).decode()
