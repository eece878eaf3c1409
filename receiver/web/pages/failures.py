"""`/failures`: failures in groups of one cause, and the forms that resolve them."""

from datetime import UTC, datetime
from uuid import UUID

from flask import Response, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from receiver.domain import failure_shapes
from receiver.errors import Invalid
from receiver.storage import failures
from receiver.storage.dimensions import Own
from receiver.storage.failures import TABS, Resolution
from receiver.web.auth import actor, require
from receiver.web.context import hours_of, limits, services, serving_of
from receiver.web.forms import form_fields
from receiver.web.pages import charts, heat_maps
from receiver.web.pages.render import Values, blueprint, cached_page

DEFAULT_TAB = "open"


@blueprint.get("/failures", endpoint="failures")
@blueprint.get("/failures.json", endpoint="failures_json")
def list_failures() -> Response:
    """List failures by component and shape of their message: those of tonight, the open ones, those
    that recovered by themselves, and those that somebody resolved."""
    own, tab = require("read").project, request.args.get("tab") or DEFAULT_TAB
    if tab not in TABS:
        raise Invalid("The filter is invalid.", fields={"tab": [f"Must be one of {TABS}."]})
    return cached_page("failures.html", lambda: _failures(tab, own), has_form=True)


def _failures(tab: str, own: Own) -> Values:
    now = datetime.now(UTC)
    listed = failures.read_failures(
        services().database, serving_of(), hours_of(), limits(), now, tab, own
    )
    charted = [
        group
        | {
            "bars": charts.trend(group["trend"]),
            "pieces": list(failure_shapes.pieces(group["sample"])),
        }
        for group in listed["groups"]
    ]
    return listed | {
        "_charted": charted,
        "_tabs": TABS,
        "_heat_map": heat_maps.counts(listed["heat"], listed["_days"]),
    }


@blueprint.post("/failures/<uuid:failure_id>", endpoint="resolve")
def resolve(failure_id: UUID) -> BaseResponse:
    """Resolve a failure with notes, or reopen it; needs a token of scope write."""
    own, fields = require("write").project, form_fields()
    resolution = Resolution(fields.get("resolved") != "no", fields.get("notes", ""))
    number = failures.resolve_failure(services().database, failure_id, resolution, actor(), own)
    if fields.get("back") == "failures":
        return redirect(url_for("pages.failures"), 303)
    return redirect(url_for("pages.build", build_number=number) + "#failures", 303)


@blueprint.post("/failures", endpoint="resolve_group")
def resolve_group() -> BaseResponse:
    """Resolve the failures of a group with the same notes; needs a token of scope write."""
    own, fields = require("write").project, form_fields()
    try:
        failure_ids = [UUID(each) for each in fields.get("ids", "").split(",")]
    except ValueError as error:
        raise Invalid(fields={"ids": ["Must be ids of failures, with commas."]}) from error
    resolution = Resolution(True, fields.get("notes", ""))
    failures.resolve_failures(services().database, failure_ids, resolution, actor(), own)
    return redirect(url_for("pages.failures"), 303)
