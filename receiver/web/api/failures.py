"""/api/v1/failures: failures of every build, and their resolution."""

from uuid import UUID

from marshmallow import fields, validate

from receiver.domain.model import Json
from receiver.sources.manual import Strict
from receiver.storage import failures, resolving
from receiver.storage.resolving import Said
from receiver.web import auth
from receiver.web.api.operations import Blueprint, Nothing, page, page_of
from receiver.web.api.schemas import BuildReference, Failure
from receiver.web.context import services
from receiver.web.filters import FailuresQuery

blueprint = Blueprint("failures", "Failures of every build.")
ONE = "/failures/<uuid:failure_id>"
WRITES = "write its project"


class Notes(Strict):
    """The cause of a failure."""

    may_be_left_out = True
    notes = fields.String(load_default="", validate=validate.Length(max=4_000))


@blueprint.operation("GET", "/failures", "read", {200: page_of(Failure)}, query=FailuresQuery)
def list_failures(query: Json) -> Json:
    """Failures that are open, resolved or either, the newest first."""
    database, after = services().database, query.get("after")
    return page(*failures.listed(database, query["status"], query["limit"], after))


@blueprint.operation("POST", f"{ONE}/resolve", WRITES, {200: BuildReference}, body=Notes)
def resolve_failure(body: Json, failure_id: UUID) -> Json:
    """Mark a failure resolved, with notes."""
    return _marked(failure_id, Said(True, body["notes"]))


@blueprint.operation("POST", f"{ONE}/reopen", WRITES, {200: BuildReference}, body=Nothing)
def reopen_failure(body: Json, failure_id: UUID) -> Json:  # noqa: ARG001  # it is empty
    """Mark a failure open again."""
    return _marked(failure_id, Said(False))


def _marked(failure_id: UUID, said: Said) -> Json:
    project = auth.require("write").project
    number = resolving.resolve(services().database, failure_id, said, auth.who(), project)
    return {"build_number": number}
