"""milepost deliveries and milepost replay: the inbox, and reading it anew."""

from collections import Counter
from uuid import UUID

import click

from receiver.cli.asked import asked
from receiver.cli.asking import Receiver
from receiver.cli.output import as_json, command, show, tell, tracked
from receiver.domain.model import OUTCOMES
from receiver.errors import Pruned

COLUMNS = ("id", "received_at", "source", "sender", "event_type", "outcome", "reason", "builds")


@click.command()
@click.option("--source", help="Such as github.")
@click.option("--sender", help="A sender's name.")
@click.option("--outcome", type=click.Choice(OUTCOMES))
@click.option("--reason", help="The whole reason.")
@click.option("--limit", type=click.IntRange(1, 1_000), default=50, show_default=True)
@as_json
@command
def deliveries(
    source: str | None,
    sender: str | None,
    outcome: str | None,
    reason: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """What came in, the newest first."""
    given = {"source": source, "sender": sender, "outcome": outcome, "reason": reason}
    with asked() as receiver:
        rows = receiver.deliveries(_said(given), limit)
    if not as_json:
        rows = [row | {"builds": " ".join(row["builds"])} for row in rows]
    show(rows, COLUMNS, as_json=as_json)


@click.command()
@click.argument("delivery_ids", nargs=-1, type=click.UUID)
@click.option("--ignored", "outcome", flag_value="ignored", help="All that was ignored.")
@click.option("--quarantined", "outcome", flag_value="quarantined", help="All that is quarantined.")
@as_json
@command
def replay(delivery_ids: tuple[UUID, ...], outcome: str | None, as_json: bool) -> None:
    """Read kept deliveries again, with today's parsers, routes and stage map."""
    if bool(delivery_ids) == bool(outcome):
        raise click.UsageError("Name deliveries, or say --ignored or --quarantined.")
    with asked() as receiver:
        wanted = delivery_ids or receiver.unused(outcome or "")
        must = bool(delivery_ids)
        counts = Counter(
            _replayed(receiver, each, must=must) for each in tracked(wanted, "Replaying")
        )
    lines = [f"{count} {name}" for name, count in sorted(counts.items())]
    tell("\n".join(lines) or "Nothing to replay.", counts, as_json=as_json)


def _said(given: dict[str, str | None]) -> dict[str, str]:
    return {name: text for name, text in given.items() if text is not None}


def _replayed(receiver: Receiver, delivery_id: UUID, *, must: bool) -> str:
    """What it came to; of many, one that was pruned is no error."""
    try:
        return receiver.replay(delivery_id)
    except Pruned:
        if must:
            raise
        return "pruned"
