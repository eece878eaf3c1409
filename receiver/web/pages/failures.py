"""`/failures`: open failures in groups, and the form that resolves one."""

from datetime import UTC, datetime
from uuid import UUID

from flask import Response, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from receiver.storage import failures
from receiver.storage.failures import Resolution
from receiver.web.auth import actor, require_read, require_write
from receiver.web.context import services
from receiver.web.forms import form_fields
from receiver.web.pages import charts
from receiver.web.pages.render import Values, blueprint, cached_page


@blueprint.get("/failures", endpoint="failures")
@blueprint.get("/failures.json", endpoint="failures_json")
def list_failures() -> Response:
    """List open failures by component and shape of their message; resolved ones below."""
    require_read()
    return cached_page("failures.html", _failures, has_form=True)


def _failures() -> Values:
    everything = request.args.get("all") == "1"
    listed = failures.failure_groups(services().database, datetime.now(UTC), everything=everything)
    charted = [group | {"bars": charts.trend(group["trend"])} for group in listed["groups"]]
    return listed | {"_charted": charted, "_everything": everything}


@blueprint.post("/failures/<uuid:failure_id>")
def resolve(failure_id: UUID) -> BaseResponse:
    """Resolve a failure with notes, or reopen it; needs a token of scope write."""
    require_write()
    fields = form_fields()
    resolution = Resolution(fields.get("resolved") != "no", fields.get("notes", ""))
    number = failures.resolve_failure(services().database, failure_id, resolution, actor())
    if fields.get("back") == "failures":
        return redirect(url_for("pages.failures"), 303)
    return redirect(url_for("pages.build", build_number=number) + "#failures", 303)
