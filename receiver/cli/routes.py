"""milepost routes …: routes for the jobs that are image builds, suggested and tested."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import orjson
from msgspec.structs import asdict

from receiver.cli.database import database_command, database_url, settings
from receiver.cli.output import as_json, command, print_json, print_rows, printable
from receiver.config_files import read_text
from receiver.domain.delivery import Content, Report, Request
from receiver.domain.model import DIMENSIONS, Json
from receiver.domain.stage_map import StageMap
from receiver.ingest.accept import routed
from receiver.ingest.route_suggestions import suggest_routes
from receiver.ingest.routing import Routes
from receiver.ingest.services import Services
from receiver.sources import SOURCES
from receiver.storage import db

COLUMNS = ("job", "build_number", *DIMENSIONS)
STAGE_COLUMNS = ("job", "stage", "state")
# GitHub names its event in a header alone; these have a field of its name.
EVENTS = ("workflow_job", "workflow_run", "check_run", "check_suite", "deployment_status")


@click.group("routes")
def routes() -> None:
    """Find the jobs of a forge that are image builds."""


@routes.command()
@click.option("--limit", type=click.IntRange(1, 20_000), default=2_000, show_default=True)
@as_json
@database_command
def suggest(limit: int, as_json: bool) -> None:
    """Suggest routes for unrouted jobs in the newest deliveries."""
    config = settings()
    with db.open_database(database_url(config)) as database:
        services = Services.start(config, database)
        services.rules.renew()
        suggestions = suggest_routes(services, limit)
    if as_json:
        print_json([{"toml": suggestion.toml} for suggestion in suggestions])
        return
    for suggestion in suggestions:
        click.echo("\n".join(printable(line) for line in suggestion.toml.split("\n")))
    if not suggestions:
        click.echo("No job that looks like an image build is waiting for a route.", err=True)


@routes.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--source", help="By default guessed from the payload.")
@click.option("--event", help="GitHub's X-GitHub-Event; by default guessed.")
@as_json
@command
def test(file: Path, source: str | None, event: str | None, as_json: bool) -> None:
    """Show what the payload on stdin would become with this file of routes."""
    body = sys.stdin.buffer.read()
    routes = Routes.parse(read_text(file), file.name)
    name = source or guess_source(body)
    if name not in SOURCES:
        raise click.BadParameter("name the source: github, gitlab …", param_hint="--source")
    headers = {"content-type": "application/json", "x-github-event": event or guess_event(body)}
    request = Request(headers, body, "", datetime.now(UTC))
    content = routed(SOURCES[name].read(request), routes)
    path = settings().stages
    stages = StageMap.parse(read_text(path), path.name) if path else StageMap()
    _print_content(content, routes, stages, as_json=as_json)


def guess_source(body: bytes) -> str | None:
    """Return the source that a payload looks like, or None."""
    document = _document(body)
    marks = {
        "milepost": {"build", "run", "version"} <= document.keys(),
        "gitlab": "object_kind" in document,
        "packer": isinstance(document.get("builds"), list) and "last_run_uuid" in document,
        "jenkins": isinstance(document.get("build"), dict) and "name" in document,
        "cloudevents": "specversion" in document,
        "github": bool(document.keys() & {"repository", "organization", "hook_id", "zen"}),
    }
    return next((source for source, fits in marks.items() if fits), None)


def guess_event(body: bytes) -> str:
    """Return the event that a payload of GitHub looks like."""
    document = _document(body)
    return next((name for name in EVENTS if name in document), "unknown")


def _document(body: bytes) -> Json:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return document if isinstance(document, dict) else {}


def _print_content(content: Content, routes: Routes, stage_map: StageMap, *, as_json: bool) -> None:
    if content.outcome != "stored":
        raise click.ClickException(f"It would be {content.outcome}: {content.reason}.")
    rows = [_row(report, routes) for report in content.reports]
    stages = [row for report in content.reports for row in _stages(report, stage_map)]
    if as_json:
        print_rows([row | {"stages": stages} for row in rows], (), as_json=True)
        return
    print_rows(rows, COLUMNS, as_json=False)
    click.echo()
    print_rows(stages, STAGE_COLUMNS, as_json=False)
    click.echo()
    for row in rows:
        click.echo(printable(_explanation(row)))


def _row(report: Report, routes: Routes) -> dict[str, Any]:
    """Return the build that a route makes of a job, with the route's line, or what is nearest."""
    subject = report.subject
    match = routes.match(subject) if subject.job else None
    near = routes.nearest(subject) if subject.job and not match else None
    identity = asdict(match.identity) if match else {}
    return {
        "job": subject.job or "(the run)",
        "build_number": report.number,
        **identity,
        "route": match.line if match else None,
        "near": {"route": near.line, "misses": dict(near.misses)} if near else None,
    }


def _explanation(row: dict[str, Any]) -> str:
    if row["route"]:
        made = "" if row["build_number"] else "; that it never ran makes no build"
        return f"{row['job']}: the route at line {row['route']} fits{made}."
    advice = "it would become a build only by a hook inside the job"
    if not row["near"]:
        return f"{row['job']}: No route fits: {advice}."
    misses = "; ".join(
        f"its {name} does not fit {text!r}" for name, text in row["near"]["misses"].items()
    )
    line = row["near"]["route"]
    return f"{row['job']}: No route fits: {advice}. The one at line {line} is near: {misses}."


def _stages(report: Report, stage_map: StageMap) -> list[dict[str, Any]]:
    """Return each stage once, with its state in the project's map or the built-in one."""
    names = report.statement.order or tuple(event.stage or "" for event in report.statement.events)
    project = report.statement.inferred.project
    projects = [project] if project else []
    return [
        {
            "job": report.subject.job,
            "stage": name,
            "state": mapped.state if mapped else None,
        }
        for name in dict.fromkeys(names)
        if name
        for mapped in [stage_map.mapped(name, projects, is_forge=True)]
    ]
