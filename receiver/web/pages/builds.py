"""`/builds` with its filters, and the page of one build."""

import orjson
from flask import Response, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from receiver.domain.model import BUILD_STATUSES, ORDERS
from receiver.sources import packer_manifest
from receiver.storage import builds
from receiver.storage.builds import BuildFilter
from receiver.storage.db import Row
from receiver.storage.paging import DEFAULT_LIMIT
from receiver.web.auth import require
from receiver.web.context import services
from receiver.web.filters import build_arguments, build_filter
from receiver.web.pages import charts
from receiver.web.pages.render import (
    Values,
    blueprint,
    cached_page,
    next_link,
    unchanged,
    wants_json,
)


@blueprint.get("/builds", endpoint="builds")
@blueprint.get("/builds.json", endpoint="builds_json")
def list_builds() -> Response:
    """List the builds that match the filters, newest first."""
    caller = require("read")
    conditions = build_filter(request.args)
    return cached_page("builds.html", lambda: _builds(conditions, caller.project))


def _builds(conditions: BuildFilter, project: str | None) -> Values:
    database, stall_after = services().database, services().config.stall_after
    page = builds.list_builds(
        database, conditions, DEFAULT_LIMIT, request.args.get("after"), stall_after, project
    )
    arguments = build_arguments(request.args)
    return {
        "items": page.items,
        "next": next_link(arguments, page.cursor),
        "_is_cut": page.is_cut,
        "_arguments": arguments,
        "_filter": conditions,
        "_options": builds.filter_options(database),
        "_statuses": BUILD_STATUSES,
        "_orders": ORDERS,
    }


@blueprint.get("/builds/<build_number>.json", endpoint="build_json")
@blueprint.get("/builds/<build_number>", endpoint="build")
def show_build(build_number: str) -> BaseResponse:
    """Show one build with its timeline."""
    caller = require("read")
    reveal = caller.allows("admin")
    if same := unchanged():
        return same
    stall_after = services().config.stall_after
    build = builds.find_build(
        services().database, build_number, stall_after, caller.project, reveal=reveal
    )
    if build["build_number"] != build_number:
        endpoint = "pages.build_json" if wants_json() else "pages.build"
        return redirect(url_for(endpoint, build_number=build["build_number"]), 301)
    return cached_page("build.html", lambda: _build(build), has_form=True)


def _build(build: Row) -> Values:
    neighbours, usual = builds.neighbours(services().database, build["build_number"])
    document = build["packer_manifest"]
    before = [row for row in neighbours if row["place"] == "before"]
    after = [row for row in neighbours if row["place"] == "after"]
    return build | {
        "_build": build,
        "_attempts": charts.timeline(build["states"], usual),
        "_manifest_text": orjson.dumps(document, option=orjson.OPT_INDENT_2).decode(),
        "_past": sum(
            not artifact.current for artifact in packer_manifest.artifacts(document or {})
        ),
        "_history": charts.history(neighbours),
        "_changes": charts.changes(build, neighbours),
        "_previous": before[-1] if before else None,
        "_following": after[0] if after else None,
    }
