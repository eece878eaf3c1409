"""milepost serve."""

import os
import socket
from functools import partial

import click

from receiver import __version__
from receiver.cli import local
from receiver.cli.database import database_command, settings
from receiver.cli.output import printable
from receiver.config import Config, load
from receiver.errors import ConfigError, MilepostError
from receiver.ingest.rules import Rules
from receiver.server.gunicorn import Server, local_url
from receiver.storage import db, driver_errors, migrate
from receiver.storage.embedded import cluster


@click.command()
@click.option("--bind", default="127.0.0.1:8080", show_default=True, metavar="HOST:PORT")
@click.option("--local", "is_local", is_flag=True, help="Make secrets, open the pages, say how.")
@database_command
def serve(bind: str, is_local: bool) -> None:
    """Serve webhooks, pages and API with gunicorn."""
    if is_local:
        local.check_free(bind)
    check_bind(bind)
    url = local_url(bind)
    read = partial(local.environment, url=url) if is_local else dict[str, str]
    config = settings(read(os.environ))
    rules = Rules.load(config)
    if config.database_url is None:
        _migrate(cluster.start(config.data_dir))
    else:
        _warn_if_away(config.database_url)
    click.echo(f"Milepost {__version__} serves {url}")
    if is_local:
        _print_setup(config, url)
    Server(config, rules, bind, lambda: load(read(os.environ))).run()


def check_bind(bind: str) -> None:
    """Raise ConfigError where nothing can listen at HOST:PORT."""
    host, _, port = bind.rpartition(":")
    try:
        if not host or not 0 < int(port) < 2**16:
            raise ValueError
        family, kind, _, _, address = socket.getaddrinfo(
            host.strip("[]"), int(port), type=socket.SOCK_STREAM
        )[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except ValueError:
        raise ConfigError([f"--bind {bind}: write HOST:PORT, such as 127.0.0.1:8080."]) from None
    except OSError as error:
        raise ConfigError([f"--bind {bind}: cannot listen there: {error.strerror}."]) from error


def _warn_if_away(url: str) -> None:
    """Say that the database does not answer: the receiver serves, with 503 until it does."""
    try:
        with driver_errors.translated_errors(), db.connect(url):
            pass
    except MilepostError as error:
        reason = printable(str(error))
        click.echo(f"milepost: {reason}: requests get 503 until it is there", err=True)


def _migrate(url: str) -> None:
    migrate.migrate(url)
    if newer := migrate.read_schema(url).newer:
        click.echo(f"milepost: {migrate.newer_text(newer)}", err=True)


def _print_setup(config: Config, url: str) -> None:
    """Print lines that contain secrets: on the user's own machine only."""
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
