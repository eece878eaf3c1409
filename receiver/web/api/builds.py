"""/api/v1/builds: builds, and statements about them."""

from typing import Any

from flask import Response, url_for

from receiver.domain.model import Json
from receiver.ingest import manual
from receiver.ingest.manual import Author, Result
from receiver.sources.manual import Cancellation, NewArtifact, NewFailure, NewState
from receiver.storage import build_lists, builds
from receiver.storage.build_lists import BuildFilter
from receiver.storage.db import Row
from receiver.web import auth
from receiver.web.api.operations import (
    UNKNOWN,
    Blueprint,
    idempotency_key,
    list_of,
    page,
    page_of,
)
from receiver.web.api.schemas import (
    Artifact,
    Build,
    BuildFailure,
    BuildStage,
    ListedBuild,
    NewBuild,
    Resume,
    StatementResult,
)
from receiver.web.context import limits, services
from receiver.web.filters import BuildsQuery

blueprint = Blueprint("builds", "Builds, and statements about them.")
Answer = tuple[Row, int, Json]  # document, status, headers
READS, WRITES = "read its project", "write its project"
ONE = "/builds/<build_number>"
STATED = {201: StatementResult, 200: StatementResult}
KEY = {
    "in": "header",
    "name": "Idempotency-Key",
    "description": "200 for the same request with the same key, 409 for another one.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
}
KEYED: dict[str, Any] = {"errors": (409,), "parameters": [KEY]}


@blueprint.operation(
    "GET", "/builds", READS, {200: page_of(ListedBuild, unknown=UNKNOWN)}, query=BuildsQuery
)
def list_builds(query: Json) -> Json:
    """List builds that match the filters, newest first."""
    limit, after = query.pop("limit"), query.pop("after", None)
    own = auth.require("read").project
    found = build_lists.list_builds(
        services().database, BuildFilter(**query), limit, after, limits(), own
    )
    return page(found.items, found.cursor) | {"unknown": found.unknown}


@blueprint.operation("POST", "/builds", WRITES, STATED, body=NewBuild, **KEYED)
def create_build(body: Json) -> Answer:
    """Create a build ahead of its first report."""
    number = body.pop("build_number")
    document, status, _ = _answer(manual.create(services(), _author(), number, body))
    return document, status, {"Location": url_for("builds.show_build", build_number=number)}


@blueprint.operation("GET", ONE, READS, {200: Build, 301: None})
def show_build(build_number: str) -> Row | Response:
    """Show one build with its history.

    A number that became another build's redirects to that one.
    """
    found = _build(build_number)
    if found["build_number"] == build_number:
        return found
    location = url_for("builds.show_build", build_number=found["build_number"])
    return Response(status=301, headers={"Location": location})


@blueprint.operation("GET", f"{ONE}/resume", READS, {200: Resume})
def show_resume(build_number: str) -> Row:
    """Show the state to resume at, and the artifact to resume from."""
    resume: Row = _build(build_number)["resume"]
    return resume


@blueprint.operation("POST", f"{ONE}/cancel", WRITES, STATED, body=Cancellation, **KEYED)
def cancel_build(body: Json, build_number: str) -> Answer:
    """Cancel a build that is pending or running."""
    return _answer(manual.cancel(services(), _author(), build_number, body))


@blueprint.operation("GET", f"{ONE}/states", READS, {200: list_of(BuildStage)})
def list_states(build_number: str) -> Json:
    """List a build's states in order, of every attempt."""
    return {"items": _build(build_number)["states"]}


@blueprint.operation("POST", f"{ONE}/states", WRITES, STATED, body=NewState, **KEYED)
def append_state(body: Json, build_number: str) -> Answer:
    """Report that a stage began or ended."""
    return _added(build_number, "state", body)


@blueprint.operation("GET", f"{ONE}/failures", READS, {200: list_of(BuildFailure)})
def list_build_failures(build_number: str) -> Json:
    """List a build's failures, oldest first."""
    return {"items": _build(build_number)["failures"]}


@blueprint.operation("POST", f"{ONE}/failures", WRITES, STATED, body=NewFailure, **KEYED)
def record_failure(body: Json, build_number: str) -> Answer:
    """Report that a stage failed, and why."""
    return _added(build_number, "failure", body)


@blueprint.operation("GET", f"{ONE}/artifacts", READS, {200: list_of(Artifact)})
def list_artifacts(build_number: str) -> Json:
    """List a build's artifacts."""
    return {"items": _build(build_number)["artifacts"]}


@blueprint.operation("POST", f"{ONE}/artifacts", WRITES, STATED, body=NewArtifact, **KEYED)
def add_artifact(body: Json, build_number: str) -> Answer:
    """Add an artifact of a build.

    A `final` one is the image once the build is completed; a `resumable` one is what the next
    attempt may start from, and never an image. Neither counts after `expires_at`.
    """
    return _added(build_number, "artifact", body)


def _added(build_number: str, kind: str, body: Json) -> Answer:
    return _answer(manual.add(services(), _author(), build_number, kind, body))


def _build(build_number: str) -> Row:
    caller = auth.require("read")
    reveal = caller.reveals
    return builds.find_build(
        services().database, build_number, limits(), caller.project, reveal=reveal
    )


def _author() -> Author:
    return Author(auth.actor(), auth.require("write").project, idempotency_key())


def _answer(result: Result) -> Answer:
    return result.as_row(), 200 if result.duplicate else 201, {}
