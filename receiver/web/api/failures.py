"""/api/v1/failures: failures of every build, and their resolution."""

from uuid import UUID

from marshmallow import fields, validate

from receiver.domain.model import Json
from receiver.sources.manual import Strict
from receiver.storage import failures
from receiver.storage.failures import Resolution
from receiver.web import auth
from receiver.web.api.operations import Blueprint, Nothing, page, page_of
from receiver.web.api.schemas import BuildReference, Failure
from receiver.web.context import services
from receiver.web.filters import FailuresQuery

blueprint = Blueprint("failures", "Failures of every build.")
ONE = "/failures/<uuid:failure_id>"
READS, WRITES = "read its project", "write its project"


class Notes(Strict):
    """The cause of a failure."""

    may_be_left_out = True
    notes = fields.String(load_default="", validate=validate.Length(max=4_000))


@blueprint.operation("GET", "/failures", READS, {200: page_of(Failure)}, query=FailuresQuery)
def list_failures(query: Json) -> Json:
    """List failures that are open, resolved or either, newest first."""
    database, after, own = services().database, query.get("after"), auth.require("read").project
    return page(*failures.list_failures(database, query["status"], query["limit"], after, own))


@blueprint.operation("POST", f"{ONE}/resolve", WRITES, {200: BuildReference}, body=Notes)
def resolve_failure(body: Json, failure_id: UUID) -> Json:
    """Mark a failure resolved, with notes."""
    return _marked(failure_id, Resolution(True, body["notes"]))


@blueprint.operation("POST", f"{ONE}/reopen", WRITES, {200: BuildReference}, body=Nothing)
def reopen_failure(body: Json, failure_id: UUID) -> Json:  # noqa: ARG001  # it is empty
    """Mark a failure open again."""
    return _marked(failure_id, Resolution(False))


def _marked(failure_id: UUID, resolution: Resolution) -> Json:
    project = auth.require("write").project
    number = failures.resolve_failure(
        services().database, failure_id, resolution, auth.actor(), project
    )
    return {"build_number": number}
