"""/api/v1/failures: failures of every build, and what people say of them."""

from typing import Any
from uuid import UUID

from flask import Response

from receiver.storage import failures, resolving
from receiver.storage.resolving import Said
from receiver.web import auth
from receiver.web.api import answer_schemas, request_schemas
from receiver.web.api.operations import Blueprint, json, page
from receiver.web.api.shapes import page_of
from receiver.web.context import services

Json = dict[str, Any]
blueprint = Blueprint("failures", __name__, description="Failures of every build.")
ONE = "/failures/<uuid:failure_id>"


@blueprint.operation(
    "GET",
    "/failures",
    caller="read",
    query=request_schemas.FailuresQuery,
    answers={200: page_of(answer_schemas.Failure)},
)
def list_failures(query: Json) -> Response:
    """Failures that are open, resolved or either, the newest first."""
    database, after = services().database, query.get("after")
    return page(*failures.listed(database, query["status"], query["limit"], after))


@blueprint.operation(
    "POST",
    f"{ONE}/resolve",
    caller="write its project",
    body=request_schemas.Notes,
    answers={200: answer_schemas.OfBuild},
)
def resolve_failure(body: Json, failure_id: UUID) -> Response:
    """Say that a failure is resolved, and what it was."""
    return _said(failure_id, Said(True, body["notes"]))


@blueprint.operation(
    "POST",
    f"{ONE}/reopen",
    caller="write its project",
    body=request_schemas.Nothing,
    answers={200: answer_schemas.OfBuild},
)
def reopen_failure(body: Json, failure_id: UUID) -> Response:  # noqa: ARG001  # nothing is in it
    """Say that a failure is open again."""
    return _said(failure_id, Said(False))


def _said(failure_id: UUID, said: Said) -> Response:
    project = auth.require("write").project
    number = resolving.resolve(services().database, failure_id, said, auth.who(), project)
    return json({"build_number": number})
