"""The page of one image: what is served of it, its channels, and the forms that move it."""

from datetime import UTC, datetime
from typing import Any

from flask import Response, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from receiver.domain import image_reasons
from receiver.domain.images import ImageFilter
from receiver.domain.model import DIMENSIONS
from receiver.errors import NotFound
from receiver.storage import (
    assignments,
    channels,
    checks,
    image_history,
    image_page,
    images,
    lineage_of_builds,
)
from receiver.storage.db import Row
from receiver.storage.dimensions import Own
from receiver.storage.moves import Order
from receiver.web import auth
from receiver.web.auth import require
from receiver.web.context import limits, services, serving_of
from receiver.web.forms import form_fields
from receiver.web.pages import charts, image_charts
from receiver.web.pages.copy_lines import copy_lines
from receiver.web.pages.images import image_row, list_images
from receiver.web.pages.render import Values, blueprint, cached_page

NO_PROJECT = "-"
PATH = "/images/<project>/<platform>/<os_version>/<image_type>"
RUN = ("build_number", "status", "condition", "attempt", "start_time", "duration_seconds")
MOVED = ("channel", "channel_project", "build_number", "status", "attempt", "note", "from_channel")


@blueprint.get("/image", endpoint="image")
@blueprint.get("/image.json", endpoint="image_json")
def find_image() -> Response:
    """Show the image of the names in the query, which may have slashes; the list without them."""
    names = {name: request.args.get(name) for name in DIMENSIONS}
    if not all(names[name] for name in DIMENSIONS[1:]):
        return list_images()
    return _page(names)


@blueprint.get(PATH, endpoint="image_path")
@blueprint.get(f"{PATH}.json", endpoint="image_path_json")
def show_image(**names: str) -> Response:
    """Show an image; its project is - where it has none."""
    return _page(dict(names))


@blueprint.post("/image/assign", endpoint="assign")
def assign() -> BaseResponse:
    """Put a build into a channel, or take the image out; as POST …/assignments of the API."""
    mover, fields = auth.mover(), form_fields()
    body: dict[str, Any] = {"project": fields.get("channel_project") or None}
    body |= {name: fields[name] for name in ("note",) if fields.get(name)}
    name = fields.get("channel", "")
    with services().database.transaction() as connection:
        if fields.get("unassign"):
            body["image"] = _names_of(fields)
            assignments.unassign(connection, name, body, mover)
        else:
            body["build_number"] = fields.get("build_number", "").strip()
            body |= {"override": True} if fields.get("override") else {}
            assignments.assign(connection, serving_of(), name, _exact(body, fields), mover)
    return _back(fields)


@blueprint.post("/image/rollback", endpoint="rollback")
def roll_back() -> BaseResponse:
    """Assign again what a channel held of the image before."""
    mover, fields = auth.mover(), form_fields()
    project = fields.get("channel_project") or None
    names = _names_of(fields)
    with services().database.transaction() as connection:
        every = channels.visible(connection, fields.get("channel", ""), mover.read)
        mine = [each for each in every if each["project"] == project]
        held = [
            row
            for each in mine
            for row in channels.current(connection, [each["id"]], names, mover.read)
            if row["project"] == names["project"]
        ]
        if not held:
            raise NotFound("The channel holds no such image.")
        move = assignments.roll_back(connection, mine[0], held[0])
        order = Order(fields.get("note") or None, True, held[0]["build_number"])
        assignments.move(connection, [move], order, mover)
    return _back(fields)


def _exact(body: dict[str, Any], fields: Any) -> dict[str, Any]:
    """Return the body without a project where the channel is for all: the nearest counts then."""
    return body if fields.get("channel_project") else {**body, "project": None}


def _names_of(fields: Any) -> dict[str, Any]:
    return {name: fields.get(name) or None for name in DIMENSIONS}


def _back(fields: Any) -> BaseResponse:
    return redirect(url_for("pages.image", **_names_of(fields)) + "#channels", 303)


def _page(names: dict[str, str | None]) -> Response:
    caller = require("read")
    own = caller.project
    if names["project"] == NO_PROJECT:
        names["project"] = None
    return cached_page(
        "image.html", lambda: _image(names, own, may=caller.allows("write")), has_form=True
    )


def _image(asked: dict[str, str | None], own: Own, *, may: bool) -> Values:
    database = services().database
    names: Row = images.current_image(database, asked)
    wanted = ImageFilter(**{name: text for name, text in names.items() if text})
    served = [
        row
        for row in images.list_images(database, serving_of(), wanted, own)
        if row["project"] == names["project"]
    ]
    bases = lineage_of_builds.with_bases(database, serving_of(), served, own)
    held, moves = image_page.read_channels(database, names, own)
    why = [
        row | {"why": image_reasons.reason(row)}
        for row in images.unserved_builds(database, serving_of(), own)
        if all(row[name] == names[name] for name in DIMENSIONS)
    ]
    if not (served or moves or why or images.is_known(database, names, own)):
        raise NotFound("There is no such image. The page /images lists those that there are.")
    newest = served[0]["build_number"] if served else None
    items = [image_row(row) | {"base": row["base"]} for row in bases]
    return {
        "image": names,
        "items": items,
        "_lines": [copy_lines(request.root_url.rstrip("/"), item) for item in items],
        "channels": [_channel(each) for each in held],
        "history": [_move(each) for each in moves],
        "_may": may,
        "_why": why,
        "_newest": newest,
        "_build": {"build_number": newest},
        "_lineage": lineage_of_builds.show(database, serving_of(), newest, own) if newest else {},
        "_checks": checks.of_build(database, newest, own) if newest else [],
        **_past(names, own),
    }


def _past(names: Row, own: Own) -> Values:
    """Return the builds of an image, why they failed, and their charts."""
    now = datetime.now(UTC)
    past = image_history.read_history(services().database, serving_of(), limits(), now, names, own)
    return {
        "builds": [_run(each) for each in past["builds"]],
        "causes": past["causes"],
        "stages": past["stages"],
        "_last": past["builds"][-1] if past["builds"] else None,
        "_bars": charts.history([row | {"place": "before"} for row in past["builds"]]),
        "_durations": image_charts.durations(past["builds"]),
        "_stage_chart": image_charts.stages(past["stages"]),
    }


def _run(row: Row) -> Row:
    return {name: row[name] for name in RUN}


def _channel(row: Row) -> Row:
    names = ("name", "project", "restricted", "require")
    return {name: row[name] for name in names} | {"held": row["held"] and _move(row["held"])}


def _move(row: Row) -> Row:
    moved = {name: row[name] for name in MOVED}
    return moved | {
        "by": row["assigned_by"],
        "at": row["assigned_at"],
        "override": row["override"],
        "revocation": row["revocation"],
        "artifacts": [
            {"artifact_id": each["artifact_id"], "region": each["region"]}
            for each in row["artifacts"]
        ],
    }
