"""Badges: SVG, and the endpoint JSON of shields.io (https://shields.io/badges/endpoint-badge)."""

from datetime import UTC, datetime

import anybadge
from flask import Response, request
from markupsafe import escape

from receiver.domain import display
from receiver.domain.conditions import counted, shown
from receiver.domain.model import DIMENSIONS
from receiver.errors import NotFound
from receiver.storage import overview
from receiver.storage.db import Row
from receiver.storage.dimensions import Own
from receiver.web.auth import require
from receiver.web.context import limits, services, serving_of
from receiver.web.pages import charts
from receiver.web.pages.render import blueprint, wants_json
from receiver.web.problem import json_response

CACHE_SECONDS = 30
MAX_LABEL = 60
COLOURS = {"completed": "#2e7d4f", "failed": "#b3372b", "running": "#2563b0"}
GREY = "#5c6866"


@blueprint.get("/badge.svg", endpoint="badge")
@blueprint.get("/badge.json", endpoint="badge_json")
def of_query() -> Response:
    """Show the badge of a combination, or of a project, by the names in the query."""
    project = request.args.get("project") or "-"
    names = tuple(request.args.get(name, "") for name in DIMENSIONS[1:])
    return _of_names((project, *names) if any(names) else (project,))


@blueprint.get("/badge/<path:names>.svg", endpoint="badge_of_path")
@blueprint.get("/badge/<path:names>.json", endpoint="badge_json_of_path")
def of_path(names: str) -> Response:
    """Show the badge of a project, or of project, platform, OS version and image type."""
    return _of_names(tuple(names.split("/")))


def _of_names(names: tuple[str, ...]) -> Response:
    """Show state, status and age of a combination's latest build, where `-` is no project; else the
    number of a project's combinations whose latest build is good."""
    own = _own_projects()
    database = services().database
    build = overview.find_latest_build(database, serving_of(), limits(), names, own)
    if build:
        label = f"{build['os_version']} {build['image_type']}"
        return _badge(label, _message(build), counted(build))
    project = "/".join(names)
    counts = overview.count_statuses(database, serving_of(), limits(), project, own)
    if not counts:
        raise NotFound("There is no build of this project, or of this combination.")
    good, total = counts["completed"], counts.total()
    worst = next((each for each in ("failed", "running") if counts[each]), "completed")
    return _badge(project, f"{good}/{total} good", worst)


def _own_projects() -> Own:
    """Return the only projects whose badges the caller sees. Badges may be public: they reveal
    little, and a README elsewhere carries no token."""
    return None if services().config.public_badges else require("read").project


def _message(build: Row) -> str:
    at = build["end_time"] or build["start_time"] or build["created_at"]
    span = display.duration((datetime.now(UTC) - at).total_seconds())
    return f"{charts.state(build)} {shown(build)}, {' '.join(span.split(' ')[:2])} ago"


def _badge(label: str, message: str, status: str) -> Response:
    colour = COLOURS.get(status, GREY)
    if wants_json():
        response = json_response(_endpoint(label, message, colour, status))
    else:
        response = Response(_svg(label, message, colour), mimetype="image/svg+xml")
    scope = "public" if services().config.public_badges else "private"
    response.headers["Cache-Control"] = f"{scope}, max-age={CACHE_SECONDS}"
    response.add_etag()
    response.make_conditional(request)
    return response


def _endpoint(label: str, message: str, colour: str, status: str) -> dict[str, object]:
    return {
        "schemaVersion": 1,
        "label": label,
        "message": message,
        "color": colour,
        "isError": status == "failed",
        "cacheSeconds": 300,
    }


def _svg(label: str, message: str, colour: str) -> str:
    name = "".join(each for each in label if each.isprintable())[:MAX_LABEL]
    badge = anybadge.Badge(str(escape(name)), str(escape(message)), default_color=colour)
    text: str = badge.badge_svg_text
    return text
