"""/api/v1 and the probes: the same answers as the pages, as JSON."""

from typing import Any

import orjson
from flask import Blueprint, Response, request, url_for

from receiver import migrate, reads
from receiver.access import require
from receiver.errors import HttpError, Invalid
from receiver.services import services

blueprint = Blueprint("api", __name__)


@blueprint.get("/api/v1/builds")
def list_builds() -> Response:
    """`limit` (1 to 100) and `after` (the `next` of the page before)."""
    caller, config = require("read"), services().config
    after = request.args.get("after")
    items, cursor = reads.builds(
        services().database, _limit(), after, config.stall_after, caller.project
    )
    return _json({"items": items, "next": cursor})


@blueprint.get("/api/v1/builds/<build_number>")
def show_build(build_number: str) -> Response:
    """One build, whole; a number that turned out to be another build's leads there."""
    caller, config = require("read"), services().config
    found = reads.build(services().database, build_number, config.stall_after, caller.project)
    if found["build_number"] != build_number:
        return _moved(url_for("api.show_build", build_number=found["build_number"]))
    return _json(found)


@blueprint.get("/livez")
def livez() -> Response:
    """This process answers; depends on nothing."""
    return _json({"status": "ok"})


@blueprint.get("/readyz")
def readyz() -> Response:
    """200 where the database answers with this release's schema, else 503 with the reason."""
    try:
        applied = reads.schema(services().database)
    except HttpError as error:
        return _json({"status": "unavailable", "database": error.detail}, 503)
    missing = [each.name for each in migrate.files() if each.name not in applied]
    if missing:
        return _json({"status": "unavailable", "migrations": f"missing: {missing}"}, 503)
    return _json({"status": "ok", "database": "ok", "schema": applied[-1]})


def _moved(location: str) -> Response:
    return Response(status=301, headers={"Location": location})


def _limit() -> int:
    text = request.args.get("limit", "50")
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text[:9]) <= reads.MAX_LIMIT:
        raise Invalid(fields={"limit": [f"Must be an integer from 1 to {reads.MAX_LIMIT}."]})
    return int(text)


def _json(document: Any, status: int = 200) -> Response:
    response = Response(orjson.dumps(document), status, mimetype="application/json")
    if status == 503:
        response.headers["Retry-After"] = "3"
    return response
