"""The database of the settings, for commands on the receiver's own host."""

import logging
import os
import pwd
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

import click

from receiver.cli.output import command, printable
from receiver.config import Config, load
from receiver.errors import ConfigError, MilepostError
from receiver.settings.data_directory import ReceiverNote
from receiver.settings.names import unknown_text
from receiver.storage import audit, db, driver_errors
from receiver.storage.audit import Actor, Target, Values
from receiver.storage.db import Connection
from receiver.storage.embedded import cluster

NO_SESSION = (
    "MILEPOST_DB_POOL=transaction: commands need sessions of their own, so set DATABASE_ADMIN_URL "
    "to the database itself, past PgBouncer."
)


def database_command(function: Callable[..., None]) -> Callable[..., None]:
    """Turn our errors and those of the driver into one message and an exit code."""
    return command(driver_errors.translated_errors()(function))


def settings(env: Mapping[str, str] = os.environ) -> Config:
    """Return the settings, and warn about names that nothing reads."""
    config = load(env)
    for text in (*map(unknown_text, config.unknown), *config.warnings):
        click.echo(f"milepost: {text}", err=True)
    return config


def database_url(config: Config, *, create: bool = False) -> str:
    """Return the database's URL; an embedded server is started for as long as this command runs.

    Raises ConfigError where only a PgBouncer that pools transactions is known, MilepostError where
    no receiver has run yet, unless the command may create a database.
    """
    _name_database(config)
    if not config.sessions and not config.admin_url:
        raise ConfigError([NO_SESSION])
    # The command itself says that the database is away, in one line.
    logging.getLogger("psycopg").addHandler(logging.NullHandler())
    if not config.direct_url and not create:
        require_data(config)
    return config.direct_url or cluster.start(config.data_dir)


def has_data(config: Config) -> bool:
    """Return whether an embedded database was made in the data directory."""
    return (config.data_dir / "data" / "PG_VERSION").exists()


def require_data(config: Config) -> None:
    """Raise MilepostError where no embedded database was made yet."""
    try:
        (config.data_dir / "data" / "PG_VERSION").stat()
    except FileNotFoundError:
        raise MilepostError(
            f"There is no data in {config.data_dir}: start a receiver with `make run`, or set "
            "MILEPOST_URL and MILEPOST_TOKEN to ask another one."
        ) from None
    except OSError:
        pass  # the embedded server says what it may not do


def where(config: Config) -> str:
    """Return the name of the database in a sentence; never a password."""
    if config.direct_url is None:
        return f"the data in {config.data_dir}"
    return "DATABASE_ADMIN_URL" if config.admin_url else "DATABASE_URL"


def _name_database(config: Config) -> None:
    """Say which one answers, where the receiver of MILEPOST_URL may be meant as well: it is not
    the one that runs here on this database."""
    url = os.environ.get("MILEPOST_URL", "").partition("/webhooks/")[0].rstrip("/")
    note = ReceiverNote.read(config.data_dir)
    is_its_own = note and (note.url, note.external) == (url, bool(config.direct_url))
    if url and not is_its_own:
        shown = urlsplit(url).hostname or "MILEPOST_URL"
        text = f"milepost: this is {where(config)}, not the receiver at {shown} (MILEPOST_URL)"
        click.echo(printable(text), err=True)


def connection(url: str | None = None) -> Connection:
    """Return a connection that commits at the end of its `with`."""
    return db.connect(url or database_url(settings()))


def actor() -> Actor:
    """Return the user of this process, whatever the environment says, for the audit trail."""
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container's arbitrary user has no name
        name = str(os.getuid())
    return Actor(name, "command")


def note_file_change(
    config: Config, action: str, target: Target, before: Values | None, after: Values | None
) -> None:
    """Note a change of a file in the audit trail, where there is a database.

    The change is made already: a sender must be shut out whether the database answers or not.
    """
    if config.database_url is None and not has_data(config):
        return  # no receiver ran here yet
    try:
        with driver_errors.translated_errors(), db.connect(database_url(config)) as connection:
            audit.note_change(connection, actor(), action, target, before, after)
    except MilepostError as error:
        reason = printable(str(error))
        click.echo(f"milepost: done, but not noted in the audit trail: {reason}", err=True)
