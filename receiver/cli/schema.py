"""milepost migrate and milepost db url."""

import sys

import click

from receiver.cli.database import (
    actor,
    connection,
    database_command,
    database_url,
    require_data,
    settings,
)
from receiver.cli.output import as_json, print_result
from receiver.storage import audit
from receiver.storage import migrate as migrations
from receiver.storage.audit import Target
from receiver.storage.embedded import cluster


@click.command()
@click.option("--check", is_flag=True, help="Change nothing; exit with 1 if something is missing.")
@as_json
@database_command
def migrate(check: bool, as_json: bool) -> None:
    """Bring the database to this release's schema."""
    url = database_url(settings(), create=not check)
    names = migrations.read_schema(url).pending if check else migrations.migrate(url)
    newer = migrations.read_schema(url).newer
    if names and not check:
        with connection(url) as database:
            target, after = Target("receiver"), {"applied": names}
            audit.note_change(database, actor(), "migrate", target, after=after)
    word = "missing" if check else "applied"
    lines = [f"{word} {name}" for name in names] or ["The schema is up to date."]
    if newer:
        lines.append(migrations.newer_text(newer))
    print_result("\n".join(lines), {word: names, "newer": newer}, as_json=as_json)
    if check and names:
        sys.exit(1)


@click.group()
def db() -> None:
    """The database in use."""


@db.command("url")
@as_json
@database_command
def db_url(as_json: bool) -> None:
    """Print a libpq URL; an embedded server is started if need be, and left running."""
    config = settings()
    if not config.direct_url:
        require_data(config)
    url = config.direct_url or cluster.start(config.data_dir, stop_at_exit=False)
    print_result(url, {"url": url}, as_json=as_json)
