"""milepost …: serve, migrate, demo, the database's URL."""

import logging
import os
import sys
from datetime import UTC, datetime

import click

from receiver import __version__
from receiver.cli import (
    backup,
    builds,
    deliveries,
    demo,
    dimensions,
    doctor,
    env,
    failures,
    local,
    manual,
    routes,
    senders,
    tokens,
)
from receiver.cli.output import as_json, command, database_url, settings, tell, tracked, who
from receiver.config import Config
from receiver.storage import audit, migrate
from receiver.storage.audit import Target
from receiver.storage.db import connect
from receiver.storage.embedded import cluster


@click.group()
@click.version_option(__version__)
def main() -> None:
    """Where is every image build, from 0 to 100, and what came out of it?"""
    # Of a database that is away each command tells by itself, in one line.
    logging.getLogger("psycopg").addHandler(logging.NullHandler())


@main.command()
@click.option("--bind", default="127.0.0.1:8080", show_default=True, metavar="HOST:PORT")
@click.option("--local", "is_local", is_flag=True, help="Make secrets, open the pages, say how.")
@command
def serve(bind: str, is_local: bool) -> None:
    """Serve webhooks, pages and API with gunicorn."""
    from receiver.server.gunicorn import Server  # gunicorn is only needed here

    if is_local:
        local.check_free(bind)
    config = settings(local.environment(os.environ) if is_local else os.environ)
    if config.database_url is None:
        migrate.migrate(cluster.start(config.data_dir))
    url = f"http://{bind.replace('0.0.0.0', '127.0.0.1')}"  # noqa: S104  # only shown
    click.echo(f"Milepost {__version__} serves {url}")
    if is_local:
        _tell(config, url)
    Server(config, bind).run()


@main.command("migrate")
@click.option("--check", is_flag=True, help="Change nothing; exit with 1 if something is missing.")
@as_json
@command
def migrate_(check: bool, as_json: bool) -> None:
    """Bring the database to this release's schema."""
    url = database_url(settings())
    names = migrate.check(url) if check else migrate.migrate(url)
    if names and not check:
        with connect(url) as connection:
            audit.note_change(
                connection, who(), "migrate", Target("receiver"), after={"applied": names}
            )
    word = "missing" if check else "applied"
    text = "\n".join(f"{word} {name}" for name in names) or "The schema is up to date."
    tell(text, {word: names}, as_json=as_json)
    if check and names:
        sys.exit(1)


@main.command("demo")
@click.option("--builds", type=click.IntRange(1, 1_000_000), help="Record a made-up history.")
@command
def demo_(builds: int | None) -> None:
    """Run real Packer builds against the receiver of `make run`; or fill its database."""
    if builds:
        recorded = demo.record(os.environ, builds, datetime.now(UTC))
        count = sum(1 for _ in tracked(recorded, "Recording", total=builds))
        click.echo(f"Recorded {count} builds.")
        return
    url = demo.run(os.environ, lambda text: click.secho(f"\n{text}", bold=True))
    click.echo(f"\nLook at {url}")


@main.group()
def db() -> None:
    """The database in use."""


@db.command("url")
@as_json
@command
def db_url(as_json: bool) -> None:
    """Print a libpq URL; an embedded server is started if need be, and left running."""
    config = settings()
    url = config.direct_url or cluster.start(config.data_dir, stop_at_exit=False)
    tell(url, {"url": url}, as_json=as_json)


def _tell(config: Config, url: str) -> None:
    """The lines that contain secrets; on one's own machine only."""
    hook = local.save_hook_settings(config, url)
    click.echo(
        '\nSettings for hooks on this machine; eval "$(.venv/bin/milepost env)" sets them:\n'
    )
    click.echo(f"export MILEPOST_URL={url}")
    click.echo(f"export MILEPOST_SECRET={hook['MILEPOST_SECRET']}")
    token = config.secrets["packer"][0].removeprefix("bearer:")
    click.echo("\nOr post a manifest as it is:\n")
    click.echo(
        f"curl --data-binary @packer-manifest.json -H 'Content-Type: application/json' \\\n"
        f"  -H 'Authorization: Bearer {token}' '{url}/webhooks/packer?build_number=my-build'\n"
    )
    click.echo(f"To change things on the pages, sign in with\n\n{hook['MILEPOST_TOKEN']}\n")


for each in (
    builds.build,
    builds.builds,
    builds.images,
    builds.resume,
    builds.stats,
    manual.artifact,
    manual.audit,
    manual.cancel,
    manual.create,
    manual.fail,
    manual.state,
    failures.failures,
    failures.reopen,
    failures.resolve,
    deliveries.deliveries,
    deliveries.replay,
    doctor.doctor,
    env.env,
    dimensions.merge,
    dimensions.rename,
    backup.backup,
    backup.prune,
    backup.restore,
    routes.group,
    senders.group,
    tokens.group,
):
    main.add_command(each)
