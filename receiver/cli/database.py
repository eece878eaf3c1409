"""The database of the settings, for commands on the receiver's own host."""

import logging
import os
import pwd
from collections.abc import Callable, Mapping

import click

from receiver.cli.output import command, printable
from receiver.config import Config, load, unknown_text
from receiver.errors import ConfigError, MilepostError
from receiver.storage import audit, db
from receiver.storage.audit import Actor, Target, Values
from receiver.storage.db import Connection
from receiver.storage.embedded import cluster

NO_SESSION = (
    "MILEPOST_DB_PREPARE=0: commands need sessions of their own, so set DATABASE_ADMIN_URL to the "
    "database itself, past PgBouncer."
)


def database_command(function: Callable[..., None]) -> Callable[..., None]:
    """Turn our errors and those of the driver into one message and an exit code."""
    return command(db.translated_errors()(function))


def settings(env: Mapping[str, str] = os.environ) -> Config:
    """Return the settings, and warn about names that nothing reads."""
    config = load(env)
    for text in (*map(unknown_text, config.unknown), *config.warnings):
        click.echo(f"milepost: {text}", err=True)
    return config


def database_url(config: Config) -> str:
    """Return the database's URL; an embedded server is started for as long as this command runs.

    Raises ConfigError where only a PgBouncer that pools transactions is known.
    """
    if not config.prepare and not config.admin_url:
        raise ConfigError([NO_SESSION])
    # The command itself says that the database is away, in one line.
    logging.getLogger("psycopg").addHandler(logging.NullHandler())
    return config.direct_url or cluster.start(config.data_dir)


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
    if config.database_url is None and not (config.data_dir / "data").is_dir():
        return  # no receiver ran here yet
    try:
        with db.translated_errors(), db.connect(database_url(config)) as connection:
            audit.note_change(connection, actor(), action, target, before, after)
    except MilepostError as error:
        reason = printable(str(error))
        click.echo(f"milepost: done, but not noted in the audit trail: {reason}", err=True)
