"""`/builds` with its filters, and the page of one build."""

from urllib.parse import urlencode

import orjson
from flask import Response, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from receiver.domain.model import BUILD_STATUSES
from receiver.sources import packer_manifest
from receiver.storage import builds
from receiver.storage.builds import BuildFilter
from receiver.storage.db import Row
from receiver.storage.paging import DEFAULT_LIMIT
from receiver.web.auth import require
from receiver.web.context import services
from receiver.web.pages import charts
from receiver.web.pages.render import Values, answer, blueprint, unchanged, wants_json


@blueprint.get("/builds", endpoint="builds")
@blueprint.get("/builds.json", endpoint="builds_json")
def list_builds() -> Response:
    """The builds that fit, newest first."""
    caller = require("read")
    wanted = builds.parse_filter(request.args)
    return answer("builds.html", lambda: _builds(wanted, caller.project))


def _builds(wanted: BuildFilter, own: str | None) -> Values:
    database, stall_after = services().database, services().config.stall_after
    found = builds.list_builds(
        database, wanted, DEFAULT_LIMIT, request.args.get("after"), stall_after, own
    )
    given = {name: value for name, value in request.args.items() if value and name != "after"}
    more = f"{request.path}?{urlencode(given | {'after': found.cursor})}" if found.cursor else None
    return {
        "items": found.items,
        "next": more,
        "_is_cut": found.is_cut,
        "_given": given,
        "_wanted": wanted,
        "_offered": builds.filter_options(database),
        "_statuses": BUILD_STATUSES,
        "_orders": builds.ORDERS,
    }


@blueprint.get("/builds/<build_number>.json", endpoint="build_json")
@blueprint.get("/builds/<build_number>", endpoint="build")
def show_build(build_number: str) -> BaseResponse:
    """One build with its timeline."""
    caller = require("read")
    reveal = caller.allows("admin")
    if same := unchanged():
        return same
    stall_after = services().config.stall_after
    found = builds.find_build(
        services().database, build_number, stall_after, caller.project, reveal=reveal
    )
    if found["build_number"] != build_number:
        endpoint = "pages.build_json" if wants_json() else "pages.build"
        return redirect(url_for(endpoint, build_number=found["build_number"]), 301)
    return answer("build.html", lambda: _build(found), has_form=True)


def _build(found: Row) -> Values:
    near, usual = builds.neighbours(services().database, found["build_number"])
    document = found["packer_manifest"]
    before = [row for row in near if row["place"] == "before"]
    after = [row for row in near if row["place"] == "after"]
    return found | {
        "_build": found,
        "_attempts": charts.timeline(found["states"], usual),
        "_manifest_text": orjson.dumps(document, option=orjson.OPT_INDENT_2).decode(),
        "_past": sum(
            not artifact.current for artifact in packer_manifest.artifacts(document or {})
        ),
        "_history": charts.history(near),
        "_changes": charts.changes(found, near),
        "_previous": before[-1] if before else None,
        "_following": after[0] if after else None,
    }
