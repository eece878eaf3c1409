"""milepost lineage, behind and checks."""

from typing import Any

import click

from receiver.cli import completion
from receiver.cli.client import open_client
from receiver.cli.output import as_json, command, print_json, print_rows
from receiver.domain.model import DIMENSIONS

RELATIVES = (
    *("depth", "build_number", *DIMENSIONS, "status"),
    *("artifact_id", "region", "through", "state", "newest"),
)
BEHIND = (*DIMENSIONS, "region", "build_number", "base", "newest")
CHECKS = (
    *("name", "kind", "status", "counts", "fixable"),
    *("at", "tool", "tool_version", "database_at", "attempt", "url"),
)
HIDDEN = "(a build of another project)"
PARTS = ("parents", "children", "children_of_older")


@click.command()
@click.argument("number", shell_complete=completion.numbers)
@as_json
@command
def lineage(number: str, as_json: bool) -> None:
    """Show what a build descends from, and what descends from it."""
    with open_client() as client:
        found = client.lineage(number)
    if as_json:
        print_json(found)
        return
    click.echo(f"{found['build_number']}: {found['state'] or 'no base is known'}")
    for part in PARTS:
        if found[part]:
            click.echo(f"\n{part.replace('_', ' ')}")
            rows = [row | {"build_number": _name(row)} for row in found[part]]
            print_rows(rows, RELATIVES, as_json=False)
    if found["is_cut"]:
        click.echo("There are more.", err=True)


@click.command()
@click.option("--project")
@as_json
@command
def behind(project: str | None, as_json: bool) -> None:
    """List the images whose base has a newer good build."""
    with open_client() as client:
        rows = client.images({"behind": "1", "project": project})
    if not as_json:
        bases = [{"base": _name(row["base"]), "newest": row["base"]["newest"]} for row in rows]
        rows = [row | base for row, base in zip(rows, bases, strict=True)]
    print_rows(rows, BEHIND, as_json=as_json)


@click.command()
@click.argument("number", shell_complete=completion.numbers)
@click.option("--history", is_flag=True, help="Also those that a later one replaced.")
@as_json
@command
def checks(number: str, history: bool, as_json: bool) -> None:
    """List the checks of a build: tests, scans, bills of materials."""
    with open_client() as client:
        rows = client.checks(number, history=history)
    if not as_json:
        rows = [row | {name: _numbers(row[name]) for name in ("counts", "fixable")} for row in rows]
    print_rows(rows, CHECKS, as_json=as_json)


def _name(row: dict[str, Any]) -> str | None:
    return HIDDEN if row["is_other_project"] else row["build_number"]


def _numbers(counts: dict[str, int]) -> str | None:
    """Return "2 critical, 11 high" for {"critical": 2, "high": 11, "low": 0}."""
    return ", ".join(f"{count} {name}" for name, count in counts.items() if count) or None
