"""milepost builds, build, resume, images and stats: what pages show, for shells."""

from typing import Any

import click

from receiver.cli.asked import asked
from receiver.cli.output import as_json, command, dump, plain, show
from receiver.domain.model import BUILD_STATUSES
from receiver.storage.builds import ORDERS
from receiver.storage.overview import fitting

BUILD = ("build_number", "project", "platform", "os_version", "image_type")
BUILDS = (*BUILD, "status", "current_state", "attempt", "start_time", "duration_seconds")
STATES = ("attempt", "state", "stage", "status", "start_time", "duration_seconds", "error_message")
FAILURES = ("id", "attempt", "state", "stage", "component", "error_message", "resolved_at")
ARTIFACTS = ("attempt", "artifact_id", "region", "builder_type", "kind", "expires_at", "build_time")
IMAGES = (*BUILD[1:], "region", "artifact_id", "build_number", "built_at")
STATS: dict[str, tuple[str, ...]] = {
    "summary": (),
    "combinations": (
        *BUILD[1:],
        "builds",
        "completed",
        "failed",
        "cancelled",
        "median_seconds",
        "last_at",
    ),
    "stages": ("state", "name", "runs", "failed", "median_seconds", "p90_seconds"),
}
NOTHING_LEFT = "Nothing is left to run."


@click.command()
@click.option("--project", help="It and those below it.")
@click.option("--platform")
@click.option("--os-version")
@click.option("--image-type")
@click.option("--status", type=click.Choice(BUILD_STATUSES))
@click.option("--low", type=click.IntRange(0, 100), help="The lowest state.")
@click.option("--high", type=click.IntRange(0, 100), help="The highest state.")
@click.option("--since", help="Begun since, such as 2026-01-31 or 2026-01-31T10:00.")
@click.option("--until", help="Begun until.")
@click.option("--text", help="A part of the number or branch, or the start of a commit.")
@click.option("--order", type=click.Choice(ORDERS))
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@as_json
@command
def builds(limit: int, as_json: bool, **filters: Any) -> None:
    """Builds that fit, newest first; in another order at most 100."""
    wanted = {name: str(value) for name, value in filters.items() if value is not None}
    with asked() as receiver:
        rows = receiver.builds(wanted, limit)
    show(rows, BUILDS, as_json=as_json)


@click.command()
@click.argument("number")
@as_json
@command
def build(number: str, as_json: bool) -> None:
    """One build with its states, failures and artifacts."""
    with asked() as receiver:
        found = receiver.build(number)
    if as_json:
        dump(found)
        return
    show([found], BUILDS, as_json=False)
    for name, columns in (("states", STATES), ("failures", FAILURES), ("artifacts", ARTIFACTS)):
        if found.get(name):
            click.echo(f"\n{name}")
            show(found[name], columns, as_json=False)
    click.echo(f"\n{_resume(found.get('resume') or {})}")


@click.command()
@click.argument("number")
@as_json
@command
def resume(number: str, as_json: bool) -> None:
    """The state that has to run next, and the artifact to start from."""
    with asked() as receiver:
        found = receiver.resume(number)
    if as_json:
        dump(found)
    else:
        click.echo(_resume(found))


@click.command()
@click.argument("platform", required=False)
@click.argument("os_version", required=False)
@click.argument("image_type", required=False)
@click.option("--region")
@click.option("--project")
@click.option("--text", "is_text", is_flag=True, help="One image's bare artifact id, for shells.")
@as_json
@command
def images(is_text: bool, as_json: bool, **given: str | None) -> None:
    """The latest good images, each the artifact of a completed build."""
    wanted = {name: text for name, text in given.items() if text is not None}
    names = tuple(
        wanted.pop(name) for name in ("platform", "os_version", "image_type") if name in wanted
    )
    if is_text and (len(names) != 3 or as_json):
        raise click.UsageError("--text needs PLATFORM, OS_VERSION and IMAGE_TYPE, and no --json.")
    with asked() as receiver:
        if is_text:
            platform, os_version, image_type = names
            click.echo(plain(receiver.image((platform, os_version, image_type), wanted)))
            return
        rows = fitting(receiver.images(), names, wanted)
    show(rows, IMAGES, as_json=as_json)


@click.command()
@click.argument("part", type=click.Choice(list(STATS)), default="summary")
@as_json
@command
def stats(part: str, as_json: bool) -> None:
    """How builds go: in short, by combination, or by state."""
    with asked() as receiver:
        rows = receiver.stats(part)
    if part != "summary":
        show(rows, STATS[part], as_json=as_json)
    elif as_json:
        dump(rows[0])
    else:
        show(
            [{"what": name, "value": _words(value)} for name, value in rows[0].items()],
            ("what", "value"),
            as_json=False,
        )


def _words(value: object) -> object:
    if isinstance(value, dict):
        return ", ".join(f"{count} {name}" for name, count in sorted(value.items())) or 0
    return value


def _resume(found: dict[str, Any]) -> str:
    state, artifact = found.get("state"), found.get("artifact") or {}
    if state is None:
        return NOTHING_LEFT
    if not found.get("safe"):
        return f"Resume at {state} only on the machine that was kept; else start at 0."
    start = plain(str(artifact.get("artifact_id")))
    return f"Resume at {state}, from {start} (state {artifact.get('state')})."
