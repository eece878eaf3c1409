"""milepost deliveries and milepost replay: the inbox, and reading it anew."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from uuid import UUID

import click
from rich.console import Console
from rich.progress import track

from receiver import inbox, ingest
from receiver.commands.common import as_json, command, database_url, settings, show
from receiver.db import Database
from receiver.errors import Pruned
from receiver.routes import Routes
from receiver.senders import Senders
from receiver.services import Services
from receiver.stages import StageMap
from receiver.watched import Watched

COLUMNS = ("id", "received_at", "source", "sender", "event_type", "outcome", "reason", "builds")


@contextmanager
def opened() -> Iterator[Services]:
    """What a worker has, for a command."""
    config = settings()
    database = Database(database_url(config), size=1)
    database.open()
    parse = partial(Senders.parse, folder=config.senders.parent, taken=config.secrets)
    try:
        yield Services(
            config,
            database,
            Watched(config.stages, StageMap.parse, StageMap()),
            Watched(config.routes, Routes.parse, Routes()),
            Watched(config.senders, parse, Senders(), optional=True),
        )
    finally:
        database.close()


@click.command()
@click.option("--source", help="Such as github.")
@click.option("--sender", help="A sender's name.")
@click.option("--outcome", type=click.Choice(inbox.OUTCOMES))
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
    wanted = inbox.Filter(source, sender, outcome, reason)
    with opened() as services:
        rows, _ = inbox.deliveries(services.database, wanted, limit)
    if not as_json:
        rows = [row | {"builds": " ".join(row["builds"])} for row in rows]
    show(rows, COLUMNS, as_json=as_json)


@click.command()
@click.argument("delivery_ids", nargs=-1, type=click.UUID)
@click.option("--ignored", "outcome", flag_value="ignored", help="All that was ignored.")
@click.option("--quarantined", "outcome", flag_value="quarantined", help="All that is quarantined.")
@command
def replay(delivery_ids: tuple[UUID, ...], outcome: str | None) -> None:
    """Read kept deliveries again, with today's parsers, routes and stage map."""
    if bool(delivery_ids) == bool(outcome):
        raise click.UsageError("Name deliveries, or say --ignored or --quarantined.")
    with opened() as services:
        wanted = delivery_ids or inbox.ids(services.database, outcome or "")
        console = Console(stderr=True)
        counts = Counter(
            _replayed(services, each, must=bool(delivery_ids))
            for each in track(wanted, "Replaying", console=console, disable=not console.is_terminal)
        )
    for name, count in sorted(counts.items()):
        click.echo(f"{count} {name}")
    if not counts:
        click.echo("Nothing to replay.")


def _replayed(services: Services, delivery_id: UUID, *, must: bool) -> str:
    """What it came to; of many, one that was pruned is no error."""
    try:
        return ingest.replay(services, delivery_id).outcome
    except Pruned:
        if must:
            raise
        return "pruned"
