"""milepost builds, build, resume, images and stats."""

import sys
from typing import Any

import click

from receiver.cli import completion
from receiver.cli.client import open_client
from receiver.cli.output import (
    as_json,
    cell,
    command,
    print_builds,
    print_json,
    print_rows,
    print_unknown,
    printable,
)
from receiver.domain.conditions import CONDITIONS
from receiver.domain.model import BUILD_STATUSES, DIMENSIONS, ORDERS
from receiver.settings.durations import parse_duration

BUILDS = (
    *("build_number", *DIMENSIONS),
    *("status", "current_state", "attempt", "start_time", "duration_seconds"),
)
PARTS = {
    "states": (
        *("attempt", "state", "stage", "status"),
        *("start_time", "duration_seconds", "error_message"),
    ),
    "failures": (
        *("id", "attempt", "state", "stage"),
        *("component", "error_message", "resolved_at"),
    ),
    "artifacts": (
        *("attempt", "artifact_id", "region", "builder_type"),
        *("kind", "expires_at", "build_time"),
    ),
}
IMAGES = (
    *(*DIMENSIONS, "region", "arch", "artifact_id"),
    *("build_number", "behind", "built_at", "age_seconds", "inferred", "state"),
)
EXIT_LATE = 3  # of images --late and --max-age, where one is
STATISTICS = {
    "combinations": (
        *(*DIMENSIONS, "builds", "completed", "failed", "cancelled"),
        *("median_seconds", "last_at"),
    ),
    "stages": ("state", "name", "runs", "failed", "median_seconds", "p90_seconds"),
}


@click.command()
@click.option(
    "--project", help="It and those below it.", shell_complete=completion.names("project")
)
@click.option("--platform", shell_complete=completion.names("platform"))
@click.option("--os-version", shell_complete=completion.names("os_version"))
@click.option("--image-type", shell_complete=completion.names("image_type"))
@click.option("--status", type=click.Choice(BUILD_STATUSES))
@click.option("--condition", type=click.Choice(CONDITIONS), help="How running builds are.")
@click.option("--low", type=click.IntRange(0, 100), help="The lowest state.")
@click.option("--high", type=click.IntRange(0, 100), help="The highest state.")
@click.option("--since", help="Started since, such as 2026-01-31 or 2026-01-31T10:00.")
@click.option("--until", help="Started until.")
@click.option("--text", help="A part of the number or branch, or the start of a commit.")
@click.option("--order", type=click.Choice(ORDERS))
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@as_json
@command
def builds(limit: int, as_json: bool, **filters: Any) -> None:
    """List builds, newest first; in another order at most 100."""
    with open_client() as client:
        rows = client.builds(filters, limit)
        print_unknown(client.unknown)
    print_builds(rows, BUILDS, as_json=as_json)


@click.command()
@click.argument("number", shell_complete=completion.numbers)
@as_json
@command
def build(number: str, as_json: bool) -> None:
    """Show one build with its states, failures and artifacts."""
    with open_client() as client:
        document = client.build(number)
    if as_json:
        print_json(document)
        return
    print_builds([document], BUILDS, as_json=False)
    for name, columns in PARTS.items():
        if document.get(name):
            click.echo(f"\n{name}")
            print_rows(document[name], columns, as_json=False)
    click.echo(f"\n{_resume_point(document.get('resume') or {})}")


@click.command()
@click.argument("number", shell_complete=completion.numbers)
@as_json
@command
def resume(number: str, as_json: bool) -> None:
    """Show the state that has to run next, and the artifact to start from."""
    with open_client() as client:
        resume = client.resume(number)
    if as_json:
        print_json(resume)
    else:
        click.echo(_resume_point(resume))


@click.command()
@click.argument("platform", required=False, shell_complete=completion.names("platform"))
@click.argument("os_version", required=False, shell_complete=completion.names("os_version"))
@click.argument("image_type", required=False, shell_complete=completion.names("image_type"))
@click.option("--region")
@click.option("--project", shell_complete=completion.names("project"))
@click.option("--name", help="The artifact's name, id or file; * is any text.")
@click.option("--arch", help="Such as x86_64 or arm64.")
@click.option("--custom", multiple=True, metavar="KEY=VALUE", help="A value of its custom_data.")
@click.option("--channel", help="What this channel holds, such as prod.")
@click.option("--inferred", is_flag=True, help="Also images that nobody has named.")
@click.option("--complete", is_flag=True, help="Of one build that has all usual regions.")
@click.option("--late", is_flag=True, help="Those that are late; exit 3 where one is.")
@click.option("--max-age", help="Those that are older, such as 30d; exit 3 where one is.")
@click.option("--text", "is_text", is_flag=True, help="Print one image's artifact id alone.")
@as_json
@command
def images(
    is_text: bool,
    as_json: bool,
    custom: tuple[str, ...],
    inferred: bool,
    complete: bool,
    late: bool,
    max_age: str | None,
    **filters: str | None,
) -> None:
    """List the latest good images, each of a completed build."""
    longest = _duration(max_age)
    filters |= {"inferred": "1" if inferred else None, "complete": "1" if complete else None}
    filters |= _custom(custom)
    if is_text and (filters["image_type"] is None or as_json):
        raise click.UsageError("--text needs PLATFORM, OS_VERSION and IMAGE_TYPE, and no --json.")
    with open_client() as client:
        if is_text:
            click.echo(printable(client.image_id(filters)))
            return
        rows = client.images(filters) if longest or not late else []
        rows = [row for row in rows if not longest or row["age_seconds"] > longest]
        found = client.images(filters | {"late": "1"}) if late else []
        rows += [row for row in found if row not in rows]
        print_unknown(client.unknown)
    shown = [row | {"inferred": _places(row["inferred"]), "state": _state(row)} for row in rows]
    print_rows(rows if as_json else shown, IMAGES, as_json=as_json)
    if rows and (late or longest):
        sys.exit(EXIT_LATE)


def _duration(text: str | None) -> float | None:
    span = parse_duration(text) if text else None
    if text and not span:
        raise click.UsageError("--max-age must be a time with its unit, such as 12h or 30d.")
    return span.total_seconds() if span else None


def _state(row: dict[str, Any]) -> str | None:
    """Return what is to be known of an image beside its names: revoked, late, renewed."""
    revocation = row["revocation"]
    words = [f"{revocation['kind']}: {revocation['reason']}"] if revocation else []
    words += [f"late: {row['late_reason']}"] if row["late"] else []
    words += ["unchanged, renewed"] if row["renewed_at"] else []
    return "; ".join(words) or None


def _places(inferred: dict[str, str] | None) -> str | None:
    """Return "os_version from target" for {"os_version": "target"}."""
    return ", ".join(f"{name} from {place}" for name, place in (inferred or {}).items()) or None


def _custom(pairs: tuple[str, ...]) -> dict[str, str]:
    """Return the selectors of KEY=VALUE pairs."""
    if not all("=" in each for each in pairs):
        raise click.UsageError("--custom must be as edition=free.")
    split = (each.partition("=") for each in pairs)
    return {f"custom.{key}": value for key, _, value in split}


@click.command()
@click.argument("part", type=click.Choice(["summary", *STATISTICS]), default="summary")
@as_json
@command
def stats(part: str, as_json: bool) -> None:
    """Show statistics of builds: in short, by combination, or by state."""
    with open_client() as client:
        if part != "summary":
            print_rows(client.statistics(part), STATISTICS[part], as_json=as_json)
            return
        summary = client.summary()
    if as_json:
        print_json(summary)
        return
    rows = [{"what": name, "value": _figure(name, value)} for name, value in summary.items()]
    print_rows(rows, ("what", "value"), as_json=False)


def _figure(name: str, value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{count} {status}" for status, count in sorted(value.items())) or "0"
    return cell(name, value)


def _resume_point(resume: dict[str, Any]) -> str:
    state, artifact = resume.get("state"), resume.get("artifact") or {}
    if state is None:
        return "Nothing is left to run."
    if not resume.get("safe"):
        return f"Resume at {state} only on the machine that was kept; else start at 0."
    start = printable(str(artifact.get("artifact_id")))
    return f"Resume at {state}, from {start} (state {artifact.get('state')})."
