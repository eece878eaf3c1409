"""milepost merge: make one of two names, undo that, or show which names look alike."""

from datetime import datetime

import click

from receiver.cli import completion
from receiver.cli.client import open_client
from receiver.cli.dimensions import DIMENSIONS
from receiver.cli.losing import amount, ask, losing, print_plan
from receiver.cli.output import as_json, command, print_result, print_rows
from receiver.domain.model import Json
from receiver.errors import NotFound

COUNTED = 1_000  # builds that are counted before the question
PAIRS = ("dimension", "name", "builds", "serves", "into", "into_builds", "into_serves")
MERGES = ("dimension", "name", "into", "merged_by", "merged_at")
USAGE = "Name the dimension, OLD and INTO; with --undo the dimension and OLD."


@click.command()
@click.argument("dimension", type=DIMENSIONS, required=False)
@click.argument("old", required=False, shell_complete=completion.names_of_dimension)
@click.argument("into", required=False, shell_complete=completion.names_of_dimension)
@click.option("--undo", is_flag=True, help="Give OLD its builds back, as their reports name it.")
@click.option("--suggest", is_flag=True, help="List names that look like one.")
@losing
@as_json
@command
def merge(
    dimension: str | None,
    old: str | None,
    into: str | None,
    undo: bool,
    suggest: bool,
    yes: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Move all builds of OLD to INTO; OLD becomes an alias.

    It says what would move, and asks. Without arguments: list the merges that can be undone.
    """
    if dimension is None or suggest:
        _list(suggest=suggest, as_json=as_json)
    elif old is None or (into is None) != undo:
        raise click.UsageError(USAGE)
    elif into is None:
        _undo(dimension, old, as_json=as_json)
    elif dry_run:
        text, plan = _plan(dimension, old, into)
        print_plan(text, plan, as_json=as_json)
    else:
        ask(_plan(dimension, old, into)[0], yes=yes)
        _merge(dimension, old, into, as_json=as_json)


def _list(*, suggest: bool, as_json: bool) -> None:
    with open_client() as client:
        rows = client.alike_names() if suggest else client.merges()
    print_rows(rows, PAIRS if suggest else MERGES, as_json=as_json)


def _plan(dimension: str, old: str, into: str) -> tuple[str, Json]:
    """Return what a merge would move, in words and as JSON; it counts no more than COUNTED."""
    kind = dimension.replace("-", "_")
    with open_client() as client:
        builds = client.builds({kind: old}, COUNTED)
        unknown = client.unknown
        client.builds({kind: into}, 1)
        unknown = [*unknown, *client.unknown]
    if unknown:
        raise NotFound(f"{'; '.join(unknown)}. Nothing was changed.")
    times = sorted(
        datetime.fromisoformat(each["start_time"]) for each in builds if each["start_time"]
    )
    oldest, newest = (times[0], times[-1]) if times else (None, None)
    most = "at least " if len(builds) == COUNTED else ""
    moving = f"{most}{amount(len(builds), 'builds', oldest, newest)}"
    plan = {"old": old, "new": into, "builds": len(builds), "oldest": oldest, "newest": newest}
    return f"This would move {moving}, to {into}, and make {old} an alias.", plan


def _merge(dimension: str, old: str, into: str, *, as_json: bool) -> None:
    with open_client() as client:
        moved = client.merge(dimension.replace("-", "_"), old, into)
    text = f"{old} is {into} now: {_builds(moved)} moved."
    print_result(text, {"old": old, "new": into, "builds_moved": moved}, as_json=as_json)


def _undo(dimension: str, old: str, *, as_json: bool) -> None:
    with open_client() as client:
        undone = client.undo_merge(dimension.replace("-", "_"), old)
    text = f"{old} is no longer {undone['into']}: it has {_builds(undone['builds_moved'])} again."
    print_result(text, {"old": old, **undone}, as_json=as_json)


def _builds(count: int) -> str:
    return f"{count} build{'' if count == 1 else 's'}"
