"""/api/v1 and the probes: the same answers as the pages, as JSON."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from flask import Blueprint, Response, request, url_for

from receiver import (
    inbox,
    ingest,
    migrate,
    overview,
    payload,
    reads,
    resolving,
    search,
    stats,
    troubles,
)
from receiver.access import require, require_admin, require_read, require_write
from receiver.db import Row
from receiver.errors import HttpError, Invalid
from receiver.inbox import Filter
from receiver.services import services

blueprint = Blueprint("api", __name__)
MAX_BODY = 2**16


@blueprint.get("/api/v1/builds")
def list_builds() -> Response:
    """`limit` (1 to 100), `after` (the `next` of the page before) and the filters of /builds."""
    caller, config = require("read"), services().config
    wanted = search.searched(request.args, caller.project)
    after = request.args.get("after")
    found = search.builds(services().database, wanted, _limit(), after, config.stall_after)
    items = [row | {"resume": {"state": row.pop("resume_state")}} for row in found.items]
    return _json({"items": items, "next": found.cursor})


@blueprint.get("/api/v1/builds/<build_number>")
def show_build(build_number: str) -> Response:
    """One build, whole; a number that turned out to be another build's leads there."""
    found = _build(build_number)
    if found["build_number"] != build_number:
        return _moved(url_for("api.show_build", build_number=found["build_number"]))
    return _json(found)


@blueprint.get("/api/v1/builds/<build_number>/resume")
def resume(build_number: str) -> Response:
    """What has to run next, and from which artifact."""
    return _json(_build(build_number)["resume"])


@blueprint.get("/api/v1/images")
def list_images() -> Response:
    """The latest good images; project, platform, os_version, image_type and region narrow them."""
    require_read()
    rows = overview.built(services().database)
    return _json({"items": overview.fitting(rows, (), _given(overview.NAMES))})


@blueprint.get("/api/v1/images/<platform>/<os_version>/<image_type>")
def show_image(platform: str, os_version: str, image_type: str) -> Response:
    """The latest good one, of a `region` and `project` if these are said; `format=text` is its
    bare artifact id."""
    require_read()
    names, rows = (platform, os_version, image_type), overview.built(services().database)
    found = overview.image(rows, names, _given(("project", "region")))
    if request.args.get("format") == "text":
        return Response(f"{found['artifact_id']}\n", mimetype="text/plain")
    age = datetime.now(UTC) - found["built_at"]
    document = _build(found["build_number"])["packer_manifest"]
    return _json(found | {"age_seconds": int(age.total_seconds()), "packer_manifest": document})


@blueprint.get("/api/v1/failures")
def list_failures() -> Response:
    """The newest failures; `status` is open, resolved or all."""
    require_read()
    status = request.args.get("status", "open")
    if status not in ("open", "resolved", "all"):
        raise Invalid(fields={"status": ["Must be one of open, resolved, all."]})
    return _json({"items": troubles.listed(services().database, status)})


@blueprint.post("/api/v1/failures/<uuid:failure_id>/resolve")
def resolve(failure_id: UUID) -> Response:
    """`notes` say what it was."""
    require_write()
    request.max_content_length = MAX_BODY
    notes = payload.decode(request.get_data()).document.get("notes", "")
    if not isinstance(notes, str):
        raise Invalid(fields={"notes": ["Must be text."]})
    return _json({"build_number": resolving.resolve(services().database, failure_id, notes)})


@blueprint.post("/api/v1/failures/<uuid:failure_id>/reopen")
def reopen(failure_id: UUID) -> Response:
    """It is open again."""
    require_write()
    number = resolving.resolve(services().database, failure_id, "", resolved=False)
    return _json({"build_number": number})


@blueprint.get("/api/v1/deliveries")
def list_deliveries() -> Response:
    """What came in, the newest first; source, sender, outcome and reason narrow it."""
    require_read()
    wanted = Filter(**_given(("source", "sender", "outcome", "reason")))
    after = request.args.get("after")
    items, cursor = inbox.deliveries(services().database, wanted, _limit(), after)
    return _json({"items": items, "next": cursor})


@blueprint.post("/api/v1/deliveries/<uuid:delivery_id>/replay")
def replay(delivery_id: UUID) -> Response:
    """Read it with today's parsers, routes and stage map."""
    require_admin()
    replayed = ingest.replay(services(), delivery_id)
    return _json({"outcome": replayed.outcome, "builds": replayed.build_numbers})


@blueprint.get("/api/v1/stats")
def show_stats() -> Response:
    """What /metrics and the overview count."""
    require_read()
    stall_after = services().config.stall_after
    return _json(stats.summary(services().database, datetime.now(UTC), stall_after))


@blueprint.get("/api/v1/stats/<any(combinations, stages):part>")
def list_stats(part: str) -> Response:
    """Of each combination, or of each state."""
    require_read()
    read = stats.combinations if part == "combinations" else stats.stages
    return _json({"items": read(services().database)})


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


def _build(build_number: str) -> Row:
    caller, config = require("read"), services().config
    return reads.build(
        services().database,
        build_number,
        config.stall_after,
        caller.project,
        reveal=caller.allows("admin"),
    )


def _given(names: Sequence[str]) -> dict[str, str]:
    """The filters that are said, of these."""
    return {name: text.replace("\0", "") for name in names if (text := request.args.get(name))}


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
