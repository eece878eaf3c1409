"""For commands that lose something: they say what would go, and ask before."""

import sys
from collections.abc import Callable
from datetime import datetime
from typing import Any

import click

from receiver.cli.output import print_result

Function = Callable[..., Any]


def losing(function: Function) -> Function:
    """Add the options --dry-run and --yes."""
    yes = click.option("--yes", is_flag=True, help="Do not ask; needed where nobody can answer.")
    dry = click.option("--dry-run", is_flag=True, help="Say what would go, and change nothing.")
    return dry(yes(function))


def amount(count: int, noun: str, oldest: datetime | None, newest: datetime | None) -> str:
    """Return such as "3 builds, from 2026-01-31 to 2026-02-28"; `noun` is in the plural."""
    text = f"{count:,} {noun[:-1] if count == 1 and noun.endswith('s') else noun}"
    if oldest is None or newest is None:
        return text
    first, last = f"{oldest:%Y-%m-%d}", f"{newest:%Y-%m-%d}"
    return f"{text}, of {first}" if first == last else f"{text}, from {first} to {last}"


def ask(text: str, *, yes: bool) -> None:
    """Say what would go, and ask on a terminal.

    Raises UsageError where nobody can answer and --yes is missing, Abort where the answer is no.
    """
    click.echo(text, err=True)
    if yes:
        return
    if not (sys.stdin and sys.stdin.isatty()):
        raise click.UsageError(
            "Nothing was changed: there is no terminal to ask on. Add --yes, or --dry-run to look."
        )
    click.confirm("Go on?", abort=True, err=True)


def print_plan(text: str, plan: object, *, as_json: bool) -> None:
    """Print the plan of a --dry-run."""
    print_result(f"{text}\nNothing was changed.", plan, as_json=as_json)
