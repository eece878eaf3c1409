"""What every command does alike: settings, database, tables, errors and their exit codes."""

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import wraps
from typing import Any

import click
import orjson
import psycopg
from rich.console import Console
from rich.table import Table

from receiver import db, postgres
from receiver.config import Config, load
from receiver.db import Connection
from receiver.errors import ConfigError, MilepostError

EX_UNAVAILABLE = 69  # sysexits.h
EX_CONFIG = 78
WIDE = 1_000


class WrongSettings(click.ClickException):
    """Settings are wrong."""

    exit_code = EX_CONFIG


class Away(click.ClickException):
    """What this command needs does not answer."""

    exit_code = EX_UNAVAILABLE


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
        except MilepostError as error:
            raise click.ClickException(str(error)) from error

    return run


as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def settings(env: Mapping[str, str] = os.environ) -> Config:
    """The settings; names that nobody reads are warned about."""
    config = load(env)
    for name in config.unknown:
        click.echo(f"milepost: {name} is not a setting of this release", err=True)
    return config


def database_url(config: Config) -> str:
    """The database's URL; an embedded server is started for as long as this command runs."""
    return config.database_url or postgres.start(config.data_dir)


@contextmanager
def connection() -> Iterator[Connection]:
    """A connection in one transaction, for short commands."""
    with db.connect(database_url(settings())) as connection:
        yield connection


def show(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], *, as_json: bool) -> None:
    """Rows as a table for people or as a list for programs."""
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(list(rows), option=orjson.OPT_INDENT_2) + b"\n")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(_text(row.get(column)) for column in columns))
    width = None if sys.stdout.isatty() else WIDE  # a pipe gets each row on one line
    Console(width=width, markup=False, highlight=False).print(table)


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    return "-" if value is None else str(value)
