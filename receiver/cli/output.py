"""What every command does alike: settings, database, tables, errors and their exit codes."""

import os
import pwd
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import wraps
from typing import Any, TypeVar

import click
import orjson
import psycopg
from rich.console import Console
from rich.progress import track
from rich.table import Table

from receiver.config import Config, load
from receiver.errors import (
    Closed,
    ConfigError,
    EmbeddedError,
    Forbidden,
    HttpError,
    MilepostError,
    Unavailable,
)
from receiver.storage import audit, db
from receiver.storage.audit import Actor, Target, Values
from receiver.storage.db import Connection
from receiver.storage.embedded import cluster

NO_SESSION = (
    "MILEPOST_DB_PREPARE=0: commands need sessions of their own, so set DATABASE_ADMIN_URL to the "
    "database itself, past PgBouncer."
)
EX_UNAVAILABLE = 69  # sysexits.h
EX_NOPERM = 77
EX_CONFIG = 78
WIDE = 1_000
Item = TypeVar("Item")
# What a terminal obeys: control characters, and those that turn the direction of writing.
_OBEYED = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_SPACE = re.compile(r"[\t\n\r]+")


class WrongSettings(click.ClickException):
    """Settings are wrong."""

    exit_code = EX_CONFIG


class Away(click.ClickException):
    """What this command needs does not answer."""

    exit_code = EX_UNAVAILABLE


class NotAllowed(click.ClickException):
    """The receiver does not let this caller do it."""

    exit_code = EX_NOPERM


def command(function: Callable[..., None]) -> Callable[..., None]:
    """Turn our errors into one message and an exit code."""

    @wraps(function)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            function(*args, **kwargs)
        except ConfigError as error:
            raise WrongSettings(str(error)) from error
        except psycopg.OperationalError as error:
            raise Away(f"The database is away: {error}") from error
        except psycopg.errors.UndefinedTable as error:
            raise click.ClickException("The schema is old: run milepost migrate") from error
        except Unavailable as error:
            raise Away(plain(str(error))) from error
        except (Closed, Forbidden) as error:
            raise NotAllowed(plain(str(error))) from error
        except HttpError as error:
            raise click.ClickException(plain(": ".join(_parts(error)))) from error
        except MilepostError as error:
            raise click.ClickException(plain(str(error))) from error

    return run


as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def who() -> Actor:
    """Who runs this command: the name of the process's user, whatever the environment says."""
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container's arbitrary user has no name
        name = str(os.getuid())
    return Actor(name, "command")


def noted(
    config: Config, action: str, target: Target, before: Values | None, after: Values | None
) -> None:
    """Note a change of a file in the audit trail, where there is a database.

    It is made by then, and a sender must be shut out whether the database answers or not.
    """
    if config.database_url is None and not (config.data_dir / "data").is_dir():
        return  # no receiver ran here yet
    try:
        with db.connect(database_url(config)) as connection:
            audit.note_change(connection, who(), action, target, before, after)
    except (psycopg.Error, EmbeddedError) as error:
        reason = plain(str(error))
        click.echo(f"milepost: done, but not noted in the audit trail: {reason}", err=True)


def settings(env: Mapping[str, str] = os.environ) -> Config:
    """The settings; names that nobody reads are warned about."""
    config = load(env)
    for name in config.unknown:
        click.echo(f"milepost: {name} is not a setting of this release", err=True)
    return config


def database_url(config: Config) -> str:
    """The database's URL; an embedded server is started for as long as this command runs.

    ConfigError where only a PgBouncer that pools transactions is known.
    """
    if not config.prepare and not config.admin_url:
        raise ConfigError([NO_SESSION])
    return config.direct_url or cluster.start(config.data_dir)


@contextmanager
def connection() -> Iterator[Connection]:
    """A connection in one transaction, for short commands."""
    with db.connect(database_url(settings())) as connection:
        yield connection


def tracked(items: Iterable[Item], title: str, total: float | None = None) -> Iterable[Item]:
    """The items, with a progress bar on stderr where that is a terminal."""
    console = Console(stderr=True)
    return track(items, title, total=total, console=console, disable=not console.is_terminal)


def plain(text: str) -> str:
    """Text without what a terminal would obey; a line's end is a space."""
    return _OBEYED.sub("", _SPACE.sub(" ", text))


def dump(document: object) -> None:
    """JSON on stdout; what orjson leaves of the control characters is written as escapes."""
    text = orjson.dumps(document, option=orjson.OPT_INDENT_2).decode()
    click.echo(re.sub("[\x7f-\x9f]", lambda found: f"\\u{ord(found[0]):04x}", text))


def tell(text: str, document: object, *, as_json: bool) -> None:
    """One answer, in words for people or as JSON for programs."""
    if as_json:
        dump(document)
    else:
        click.echo(text)


def show(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], *, as_json: bool) -> None:
    """Rows as a table for people or as a list for programs."""
    if as_json:
        dump(list(rows))
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(_text(column, row.get(column)) for column in columns))
    width = None if sys.stdout.isatty() else WIDE  # a pipe gets each row on one line
    Console(width=width, markup=False, highlight=False).print(table)


def _text(column: str, value: object) -> str:
    if isinstance(value, str) and _is_time(column):  # as JSON has it
        value = datetime.fromisoformat(value)
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    return "-" if value is None else plain(str(value))


def _is_time(column: str) -> bool:
    return column == "at" or column.endswith(("_at", "_time"))


def _parts(error: HttpError) -> list[str]:
    """The sentence, and what is wrong with each field."""
    fields = "; ".join(f"{name}: {' '.join(texts)}" for name, texts in error.fields.items())
    return [str(error).rstrip("."), fields] if fields else [str(error)]
