"""The status pages: ask reads, render. What a sender wrote is text, escaped by the templates."""

import orjson
from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from receiver import charts, manifest, reads, stages
from receiver.access import require, require_read
from receiver.services import services

blueprint = Blueprint("pages", __name__)
PAGE = 50


@blueprint.app_template_filter("duration")
def duration(seconds: float | None) -> str:
    """3725 → "1 h 2 min"."""
    return charts.duration(seconds)


@blueprint.app_template_filter("state_name")
def state_name(state: int) -> str:
    """25 → "security baseline"; empty for a number between the built-in ones."""
    return stages.STATES.get(state, "")


@blueprint.app_template_filter("safe_link")
def safe_link(url: str | None) -> str:
    """The URL if it is a web address, else nothing: autoescaping lets `javascript:` through."""
    return url if url and url.lower().startswith(("https://", "http://")) else ""


@blueprint.get("/")
def overview() -> Response:
    """The latest build of every combination, and what failed."""
    require_read()
    database = services().database
    builds = reads.grid(database, services().config.stall_after)
    failures = reads.unresolved(database)
    return _page("overview.html", groups=charts.grouped(builds), failures=failures, total=builds)


@blueprint.get("/builds")
def builds() -> Response:
    """Every build, newest first."""
    caller, config = require("read"), services().config
    after = request.args.get("after")
    items, cursor = reads.builds(
        services().database, PAGE, after, config.stall_after, caller.project
    )
    return _page("builds.html", builds=items, cursor=cursor)


@blueprint.get("/builds/<build_number>")
def build(build_number: str) -> BaseResponse:
    """One build with its timeline."""
    caller, config = require("read"), services().config
    found = reads.build(services().database, build_number, config.stall_after, caller.project)
    if found["build_number"] != build_number:
        return redirect(url_for("pages.build", build_number=found["build_number"]), 301)
    document = found["packer_manifest"]
    return _page(
        "build.html",
        build=found,
        attempts=charts.timeline(found["states"]),
        manifest_text=orjson.dumps(document, option=orjson.OPT_INDENT_2).decode(),
        past=sum(not artifact.current for artifact in manifest.artifacts(document or {})),
    )


def _page(template: str, **values: object) -> Response:
    response = make_response(render_template(template, **values))
    response.headers["Cache-Control"] = "no-cache"
    return response
