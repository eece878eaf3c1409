"""milepost deliveries and milepost replay."""

from collections import Counter
from uuid import UUID

import click

from receiver.cli import completion
from receiver.cli.client import Client, open_client
from receiver.cli.output import as_json, command, print_result, print_rows, progress
from receiver.domain.model import OUTCOMES
from receiver.errors import Pruned

COLUMNS = ("id", "received_at", "source", "sender", "event_type", "outcome", "reason", "builds")


@click.command()
@click.option("--source", help="Such as github.")
@click.option("--sender", help="A sender's name.", shell_complete=completion.senders)
@click.option("--outcome", type=click.Choice(OUTCOMES))
@click.option("--reason", help="The whole reason.")
@click.option("--limit", type=click.IntRange(1, 1_000), default=50, show_default=True)
@as_json
@command
def deliveries(limit: int, as_json: bool, **filters: str | None) -> None:
    """List deliveries, newest first."""
    with open_client() as client:
        rows = client.deliveries(filters, limit)
    if not as_json:
        rows = [row | {"builds": " ".join(row["builds"])} for row in rows]
    print_rows(rows, COLUMNS, as_json=as_json)


@click.command()
@click.argument("delivery_ids", nargs=-1, type=click.UUID)
@click.option("--ignored", "outcome", flag_value="ignored", help="All that are ignored.")
@click.option("--quarantined", "outcome", flag_value="quarantined", help="All in quarantine.")
@as_json
@command
def replay(delivery_ids: tuple[UUID, ...], outcome: str | None, as_json: bool) -> None:
    """Parse stored deliveries again, with today's rules.

    These are the parsers, the routes, the stage map and the senders file.
    """
    if bool(delivery_ids) == bool(outcome):
        raise click.UsageError("Name deliveries, or say --ignored or --quarantined.")
    with open_client() as client:
        # All are listed before the first is replayed: a replay changes the list.
        ids = delivery_ids or [row["id"] for row in client.deliveries({"outcome": outcome})][::-1]
        counts = Counter(
            _replay(client, each, is_named=bool(delivery_ids))
            for each in progress(ids, "Replaying")
        )
    lines = [f"{count} {name}" for name, count in sorted(counts.items())]
    print_result("\n".join(lines) or "Nothing to replay.", counts, as_json=as_json)


def _replay(client: Client, delivery_id: UUID | str, *, is_named: bool) -> str:
    """Return the outcome. A pruned delivery is an error only where it was named."""
    try:
        return client.replay(delivery_id)
    except Pruned:
        if is_named:
            raise
        return "pruned"
