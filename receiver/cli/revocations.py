"""milepost revoke, and its undo: that a build's image is not to be used any more."""

import click

from receiver.cli import completion
from receiver.cli.client import open_client
from receiver.cli.losing import ask, print_plan
from receiver.cli.output import as_json, command, print_result
from receiver.domain.model import Json
from receiver.errors import NotFound

SHOWN = 10  # descendants and channels, by name


@click.command()
@click.argument("number", shell_complete=completion.numbers)
@click.option("--reason", required=True, help="Why, as consumers read it.")
@click.option("--at", help="Valid until then, such as 2026-03-03T10:00:00Z.")
@click.option("--in", "span", help="Valid for so long, such as 3d.")
@click.option(
    "--descendants/--no-descendants",
    default=None,
    help="Whether what was built on it goes too; needed where there is any.",
)
@click.option("--replacement", help="The build to use instead.")
@click.option(
    "--rollback",
    multiple=True,
    metavar="CHANNEL[=BUILD]",
    help="Move this channel to BUILD, or to what it held before.",
)
@click.option("--yes", is_flag=True, help="Do not ask; needed where nobody can answer.")
@click.option("--dry-run", is_flag=True, help="Say what it concerns, and change nothing.")
@as_json
@command
def revoke(
    number: str,
    reason: str,
    at: str | None,
    span: str | None,
    descendants: bool | None,
    replacement: str | None,
    rollback: tuple[str, ...],
    yes: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Say that a build's image is not to be used any more.

    The newest good image passes over it; channels that hold it refuse until they hold another one.
    """
    body: Json = {"reason": reason, "at": at, "in": span, "replacement": replacement}
    body["rollback"] = [_channel(each) for each in rollback]
    with open_client() as client:
        preview = client.revocation(number)
        text = plan(preview, descendants)
        if dry_run:
            print_plan(text, preview, as_json=as_json)
            return
        if descendants is None and (preview["descendant_count"] or preview["other_count"]):
            raise click.UsageError(f"{text} Say --descendants or --no-descendants.")
        if descendants is not None:
            body |= {"descendants": descendants}
            body |= {"expect_descendants": preview["descendant_count"]}
        ask(text, yes=yes or not (preview["channels"] or descendants))
        done = client.revoke(number, body)
    print_result(_done(done), done, as_json=as_json)


def restore_build(number: str, *, as_json: bool) -> None:
    """Take a revocation back. Raises NotFound, also for the file of a backup that is not there."""
    with open_client() as client:
        try:
            client.restore_build(number)
        except NotFound as error:
            raise NotFound(f"{error} There is no file {number} either.") from error
    print_result(f"{number} is restored.", {"build_number": number}, as_json=as_json)


def plan(preview: Json, descendants: bool | None) -> str:
    """Return what a revocation concerns."""
    words = [f"Revoke {preview['build_number']}."]
    if count := preview["descendant_count"]:
        verb = {True: "goes too", False: "stays", None: "was built on it"}[descendants]
        words.append(f"{_builds(preview['descendants'], count)} {verb}.")
    if preview["other_count"]:
        words.append(f"{preview['other_count']} in other projects are marked.")
    channels = sorted({row["channel"] for row in preview["channels"]})
    if channels:
        words.append(f"In channels: {', '.join(channels)}.")
    return " ".join(words)


def _builds(rows: list[Json], count: int) -> str:
    names = ", ".join(row["build_number"] for row in rows[:SHOWN])
    return f"{count} build{'s' if count > 1 else ''} ({names}{', …' if count > SHOWN else ''})"


def _channel(text: str) -> Json:
    name, _, number = text.partition("=")
    return {"channel": name} | ({"build_number": number} if number else {})


def _done(done: Json) -> str:
    revocation = done["revocation"]
    word = f"will be revoked at {revocation['at']}" if _is_later(revocation) else "is revoked"
    lines = [f"{done['build_number']} {word}."]
    lines += [f"{row['channel']} holds {row['build_number']}." for row in done["rolled_back"]]
    return "\n".join(lines)


def _is_later(revocation: Json) -> bool:
    return bool(revocation["kind"] == "scheduled")
