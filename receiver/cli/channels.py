"""milepost channel …: the build of each image that people chose."""

from collections.abc import Callable
from typing import Any

import click

from receiver.cli.client import Client, open_client
from receiver.cli.output import as_json, command, print_result, print_rows
from receiver.domain.model import DIMENSIONS, Json
from receiver.errors import MilepostError, NotFound

Function = Callable[..., Any]
CHANNELS = ("name", "project", "restricted", "require", "created_by", "created_at")
HELD = (*DIMENSIONS, "build_number", "attempt", "state", "assigned_by", "assigned_at", "note")
MOVES = ("assigned_at", *DIMENSIONS, "build_number", "assigned_by", "from_channel", "note")
DIFFERENCES = (*DIMENSIONS, "first", "second")
NAMES = "PLATFORM OS_VERSION IMAGE_TYPE"


def of_image(function: Function) -> Function:
    """Add the names of an image, which a channel of one image needs not, and its project."""
    names = click.argument("image", nargs=-1, metavar=f"[{NAMES}]")
    project = click.option("--project", help="The project of the image and of its channel.")
    return names(project(function))


@click.group("channel")
def channel() -> None:
    """Channels such as prod: the build of each image that people chose."""


@channel.command()
@click.argument("name")
@click.option("--project", help="For its images alone; left out: for those of every project.")
@click.option("--restricted", is_flag=True, help="Moved only with scope promote of its project.")
@click.option("--require", help="Checks that a build must have passed: trivy,tests.")
@click.option("--max-age", help="How old such a check may be, such as 7d.")
@as_json
@command
def create(
    name: str,
    project: str | None,
    restricted: bool,
    require: str | None,
    max_age: str | None,
    as_json: bool,
) -> None:
    """Create a channel."""
    checks = [each.strip() for each in (require or "").split(",") if each.strip()]
    fields = {"project": project, "restricted": restricted, "require": checks, "max_age": max_age}
    with open_client() as client:
        created = client.create_channel(name, fields)
    print_result(f"The channel {name} is there.", created, as_json=as_json)


@channel.command("list")
@click.argument("name", required=False)
@click.option("--project", help="The channel's, where several projects have one.")
@click.option("--at", help="What was current then, such as 2026-03-03 or 2026-03-03T10:00.")
@as_json
@command
def list_(name: str | None, project: str | None, at: str | None, as_json: bool) -> None:
    """List the channels, or what is current in one of them."""
    with open_client() as client:
        if name is None:
            rows = client.channels()
            shown = [row | {"require": ", ".join(row["require"]) or None} for row in rows]
            print_rows(rows if as_json else shown, CHANNELS, as_json=as_json)
            return
        held = client.channel(name, {"project": project, "at": at})["items"]
    print_rows([row | {"state": _state(row)} for row in held], HELD, as_json=as_json)


@channel.command()
@click.argument("name")
@click.argument("number", required=False)
@click.option("--from", "source", help="Another channel: what it holds, instead of NUMBER.")
@click.option("--image", nargs=3, metavar=NAMES, help="Only this one of --from.")
@click.option("--project", help="The project of the channel, and of --image.")
@click.option("--note", help="Why.")
@click.option("--expect", help="The build that must be current, else nothing is changed.")
@click.option("--override", is_flag=True, help="Pass over required checks; needs --note.")
@as_json
@command
def assign(
    name: str,
    number: str | None,
    source: str | None,
    image: tuple[str, ...] | None,
    project: str | None,
    as_json: bool,
    **said: Any,
) -> None:
    """Put a build into a channel, or what another channel holds."""
    if (number is None) == (source is None):
        raise click.UsageError("Name either a build or --from CHANNEL.")
    body: Json = {"build_number": number, "from_channel": source, "project": project}
    if image:
        body["image"] = _names(image, project)
    with open_client() as client:
        done = client.assign(name, body | said)
    _print_held(name, done, as_json=as_json)


@channel.command()
@click.argument("name")
@of_image
@click.option("--note", help="Why.")
@click.option("--expect", help="The build that must be current, else nothing is changed.")
@as_json
@command
def unassign(
    name: str, image: tuple[str, ...], project: str | None, as_json: bool, **said: Any
) -> None:
    """Take an image out of a channel."""
    with open_client() as client:
        held = _held(client, name, image, project)
        names = {each: held[each] for each in DIMENSIONS}
        body = {"image": names, "project": held["channel_project"]}
        client.unassign(name, body | said)
    print_result(f"The channel {name} no longer holds {_title(held)}.", names, as_json=as_json)


@channel.command()
@click.argument("name")
@of_image
@click.option("--to", "number", help="The build; by default what the channel held before.")
@click.option("--note", help="Why.")
@as_json
@command
def rollback(
    name: str,
    image: tuple[str, ...],
    project: str | None,
    number: str | None,
    note: str | None,
    as_json: bool,
) -> None:
    """Assign again what a channel held before."""
    with open_client() as client:
        held = _held(client, name, image, project)
        body: Json = {"project": held["channel_project"], "note": note}
        body |= {"expect": held["build_number"]}
        if number:
            body["build_number"] = number
        else:
            body |= {"previous": True, "image": {each: held[each] for each in DIMENSIONS}}
        done = client.assign(name, body)
    _print_held(name, done, as_json=as_json)


@channel.command()
@click.argument("name")
@of_image
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@as_json
@command
def history(
    name: str, image: tuple[str, ...], project: str | None, limit: int, as_json: bool
) -> None:
    """List what was put into a channel and taken out, newest first."""
    filters = _names(image, project) if image else {"channel_project": project}
    with open_client() as client:
        rows = client.channel_history(name, filters, limit)
    print_rows(rows, MOVES, as_json=as_json)


@channel.command()
@click.argument("first")
@click.argument("second")
@click.option("--project", help="The project of both channels.")
@as_json
@command
def diff(first: str, second: str, project: str | None, as_json: bool) -> None:
    """List the images of which two channels hold different builds."""
    with open_client() as client:
        sides = [
            {_key(row): row["build_number"] for row in client.channel(name, query)["items"]}
            for name, query in ((each, {"project": project}) for each in (first, second))
        ]
    keys = sorted({*sides[0], *sides[1]}, key=lambda key: [each or "" for each in key])
    rows = [
        dict(zip(DIMENSIONS, key, strict=True))
        | {"first": sides[0].get(key), "second": sides[1].get(key)}
        for key in keys
        if sides[0].get(key) != sides[1].get(key)
    ]
    print_rows(rows, DIFFERENCES, as_json=as_json)


def _held(client: Client, name: str, image: tuple[str, ...], project: str | None) -> Json:
    """Return what a channel holds of an image, which need not be named where it holds one."""
    query = {"project": project if not image else None}
    rows: list[Json] = [
        row
        for row in client.channel(name, query)["items"]
        if not image or (_key(row)[1:] == image and project in (None, row["project"]))
    ]
    if not rows:
        raise NotFound(f"The channel {name} holds no such image.")
    if len(rows) > 1:
        raise MilepostError(f"The channel {name} holds several images: name the image.")
    return rows[0]


def _names(image: tuple[str, ...], project: str | None) -> Json:
    if len(image) != len(DIMENSIONS) - 1:
        raise click.UsageError("Name the platform, the OS version and the image type.")
    return dict(zip(DIMENSIONS, (project, *image), strict=True))


def _key(row: Json) -> tuple[Any, ...]:
    return tuple(row[name] for name in DIMENSIONS)


def _title(row: Json) -> str:
    return " · ".join(row[name] for name in DIMENSIONS if row[name])


def _state(row: Json) -> str:
    revocation = row["revocation"]
    return str(revocation["kind"] if revocation else row["status"])


def _print_held(name: str, done: Json, *, as_json: bool) -> None:
    word = "already holds" if done["duplicate"] else "holds"
    lines = [f"{name} {word} {row['build_number']}: {_title(row)}." for row in done["items"]]
    print_result("\n".join(lines), done, as_json=as_json)
