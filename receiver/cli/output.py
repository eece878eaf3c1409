"""Output of every command: JSON, tables, progress, and an exit code for each kind of error."""

import re
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import wraps
from typing import Any, TextIO, TypeVar

import click
import orjson

from receiver.domain import display
from receiver.domain.model import DIMENSIONS
from receiver.errors import ConfigError, Forbidden, HttpError, MilepostError, Unavailable

# EX_UNAVAILABLE, EX_NOPERM and EX_CONFIG of sysexits.h; else 1.
EXIT_CODES = {Unavailable: 69, Forbidden: 77, ConfigError: 78}
WIDE = 1_000
NARROW = 110  # columns; on a narrower terminal a build takes two lines
STYLES = {"completed": "green", "failed": "bold red", "running": "blue", "cancelled": "dim"}
STYLES |= {"lost": "bold red", "stalled": "yellow", "overdue": "yellow"}
Item = TypeVar("Item")
# What a terminal obeys: control characters, and those that turn the direction of writing.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_SPACE = re.compile(r"[\t\n\r]+")


def command(function: Callable[..., None]) -> Callable[..., None]:
    """Turn our errors into one message and an exit code."""

    @wraps(function)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            function(*args, **kwargs)
        except MilepostError as error:
            click.echo(f"Error: {_message(error)}", err=True)
            sys.exit(next((EXIT_CODES[kind] for kind in EXIT_CODES if isinstance(error, kind)), 1))
        except BrokenPipeError:  # whoever read has enough: click ends without a word
            raise
        except OSError as error:
            place = f"{error.filename}: " if error.filename else ""
            click.echo(f"Error: {place}{error.strerror or type(error).__name__}.", err=True)
            sys.exit(1)

    return run


def is_terminal(stream: TextIO | None) -> bool:
    """Return whether people read it; a program whose stream is closed has None."""
    return stream is not None and stream.isatty()


as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def progress(items: Iterable[Item], title: str, total: float | None = None) -> Iterable[Item]:
    """Return the items, with a progress bar on stderr where that is a terminal."""
    if not is_terminal(sys.stderr):
        return items
    from rich.console import Console
    from rich.progress import track

    return track(items, title, total=total, console=Console(stderr=True))


def printable(text: str) -> str:
    """Return text without the characters that a terminal obeys; the end of a line is a space."""
    return _CONTROL.sub("", _SPACE.sub(" ", text))


def print_json(document: object) -> None:
    """Print JSON; the control characters that orjson leaves are written as escapes."""
    text = orjson.dumps(document, option=orjson.OPT_INDENT_2).decode()
    click.echo(re.sub("[\x7f-\x9f]", lambda found: f"\\u{ord(found[0]):04x}", text))


def print_result(text: str, document: object, *, as_json: bool) -> None:
    """Print one result, as a sentence for people or as JSON for programs."""
    if as_json:
        print_json(document)
    else:
        click.echo(text)


def print_rows(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], *, as_json: bool) -> None:
    """Print rows, as a table for people or as a list for programs."""
    if as_json:
        print_json(list(rows))
        return
    from rich.console import Console  # JSON is printed without it
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(_styled(column, row.get(column)) for column in columns))
    width = None if is_terminal(sys.stdout) else WIDE  # a pipe gets each row on one line
    Console(width=width, markup=False, highlight=False).print(table)


def print_builds(
    rows: Sequence[Mapping[str, Any]], columns: Sequence[str], *, as_json: bool
) -> None:
    """Print builds as print_rows() does; on a narrow terminal two lines for each. A table shows the
    condition of a running build, where it has one, as its status."""
    if not as_json:
        rows = [dict(row) | {"status": _status(row)} for row in rows]
    is_narrow = is_terminal(sys.stdout) and shutil.get_terminal_size().columns < NARROW
    if as_json or not is_narrow:
        print_rows(rows, columns, as_json=as_json)
        return
    from rich.console import Console

    console = Console(markup=False, highlight=False)
    for row in rows:
        first, second = build_lines(row, datetime.now(UTC))
        console.print(first, style=STYLES.get(row["status"]))
        console.print(second)


def _status(row: Mapping[str, Any]) -> str:
    """Return the word for a build: its condition, or that it renewed an image without a new one."""
    unchanged = "unchanged, renewed" if row.get("unchanged") else None
    return str(row.get("condition") or unchanged or row["status"])


def build_lines(row: Mapping[str, Any], now: datetime) -> tuple[str, str]:
    """Return a build in two lines: sign, state and number; image, duration and age."""
    about = " ≈" if row.get("estimated") else ""
    first = f"{display.sign(row['status'])}{about} {row['current_state']}  {row['build_number']}"
    image = " · ".join(str(row[name]) for name in DIMENSIONS if row.get(name))
    start = row.get("start_time")
    moment = datetime.fromisoformat(start) if isinstance(start, str) else start
    age = f"{display.duration((now - moment).total_seconds())} ago" if moment else "not started"
    times = [display.duration(row["duration_seconds"])] if row.get("duration_seconds") else []
    return printable(first), printable("  ".join([f"  {image}", *times, age]))


def print_unknown(sentences: Iterable[str]) -> None:
    """Say on stderr which names of a filter nothing has, so that an empty list is understood."""
    for each in sentences:
        click.echo(f"milepost: {printable(each)}", err=True)


def _styled(column: str, value: object) -> Any:
    """Return a cell; a status has its sign and its colour."""
    if column != "status" or not isinstance(value, str):
        return cell(column, value)
    from rich.text import Text

    return Text(f"{display.sign(value)} {printable(value)}", style=STYLES.get(value, ""))


def cell(column: str, value: object) -> str:
    """Return a value as a table shows it."""
    if isinstance(value, str) and (column == "at" or column.endswith(("_at", "_time"))):
        value = datetime.fromisoformat(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%MZ")
    if column.endswith("_seconds") and isinstance(value, int | float):
        return display.duration(value)
    return "-" if value is None else printable(str(value))


def _message(error: MilepostError) -> str:
    """Return the sentence, and what is wrong with each field."""
    if isinstance(error, ConfigError):  # one line for each problem
        return str(error)
    if not isinstance(error, HttpError) or not error.fields:
        return printable(str(error))
    fields = "; ".join(f"{name}: {' '.join(texts)}" for name, texts in error.fields.items())
    return printable(f"{str(error).rstrip('.')}: {fields}")
