"""/api/v1/builds: builds and what is said of them."""

from typing import Any

from flask import Response, url_for

from receiver.ingest import manual
from receiver.ingest.manual import Author, Result
from receiver.sources.manual import Cancellation, NewArtifact, NewFailure, NewState
from receiver.storage import builds
from receiver.storage.builds import BuildFilter
from receiver.storage.db import Row
from receiver.storage.tokens import Grant
from receiver.web import auth
from receiver.web.api import build_answers, request_schemas
from receiver.web.api.operations import Blueprint, json, page, speaker_key
from receiver.web.api.shapes import list_of, page_of
from receiver.web.context import services

Json = dict[str, Any]
blueprint = Blueprint("builds", __name__, description="Builds and what is said of them.")
READS, WRITES = "read its project", "write its project"
ONE = "/builds/<build_number>"
KEY = {
    "in": "header",
    "name": "Idempotency-Key",
    "description": "The same key with the same request is one: 200. With another it is 409.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
}
STATED = {201: build_answers.Standing, 200: build_answers.Standing}


@blueprint.operation(
    "GET",
    "/builds",
    caller=READS,
    query=request_schemas.BuildsQuery,
    answers={200: page_of(build_answers.BuildRow)},
)
def list_builds(query: Json) -> Response:
    """Builds that fit, newest first."""
    limit, after = query.pop("limit"), query.pop("after", None)
    database, stall_after = services().database, services().config.stall_after
    found = builds.list_builds(
        database, BuildFilter(**query), limit, after, stall_after, _caller().project
    )
    return page(found.items, found.cursor)


@blueprint.operation(
    "POST",
    "/builds",
    caller=WRITES,
    body=request_schemas.NewBuild,
    answers=STATED,
    errors=(409,),
    parameters=[KEY],
)
def create_build(body: Json) -> Response:
    """Create a build ahead of its first report."""
    number = body.pop("build_number")
    result = manual.create(services(), _author(), number, body)
    answer = _answer(result)
    answer.headers["Location"] = url_for("builds.show_build", build_number=number)
    return answer


@blueprint.operation("GET", ONE, caller=READS, answers={200: build_answers.Build, 301: None})
def show_build(build_number: str) -> Response:
    """One build, whole.

    A number that turned out to be another build's leads there.
    """
    found = _build(build_number)
    if found["build_number"] != build_number:
        location = url_for("builds.show_build", build_number=found["build_number"])
        return Response(status=301, headers={"Location": location})
    return json(found)


@blueprint.operation("GET", f"{ONE}/resume", caller=READS, answers={200: build_answers.Resume})
def show_resume(build_number: str) -> Response:
    """What has to run next, and from which artifact."""
    return json(_build(build_number)["resume"])


@blueprint.operation(
    "POST",
    f"{ONE}/cancel",
    caller=WRITES,
    body=Cancellation,
    answers=STATED,
    errors=(409,),
    parameters=[KEY],
)
def cancel_build(body: Json, build_number: str) -> Response:
    """Say that nobody goes on with a build that is pending or running."""
    return _answer(manual.cancel(services(), _author(), build_number, body))


@blueprint.operation(
    "GET", f"{ONE}/states", caller=READS, answers={200: list_of(build_answers.State)}
)
def list_states(build_number: str) -> Response:
    """A build's states in order, of every attempt."""
    return json({"items": _build(build_number)["states"]})


@blueprint.operation(
    "POST",
    f"{ONE}/states",
    caller=WRITES,
    body=NewState,
    answers=STATED,
    errors=(409,),
    parameters=[KEY],
)
def append_state(body: Json, build_number: str) -> Response:
    """Say that a stage began or ended."""
    return _added(build_number, "state", body)


@blueprint.operation(
    "GET",
    f"{ONE}/failures",
    caller=READS,
    answers={200: list_of(build_answers.BuildFailure)},
)
def list_build_failures(build_number: str) -> Response:
    """A build's failures, oldest first."""
    return json({"items": _build(build_number)["failures"]})


@blueprint.operation(
    "POST",
    f"{ONE}/failures",
    caller=WRITES,
    body=NewFailure,
    answers=STATED,
    errors=(409,),
    parameters=[KEY],
)
def record_failure(body: Json, build_number: str) -> Response:
    """Say that a stage failed, and why."""
    return _added(build_number, "failure", body)


@blueprint.operation(
    "GET", f"{ONE}/artifacts", caller=READS, answers={200: list_of(build_answers.Artifact)}
)
def list_artifacts(build_number: str) -> Response:
    """What a build made."""
    return json({"items": _build(build_number)["artifacts"]})


@blueprint.operation(
    "POST",
    f"{ONE}/artifacts",
    caller=WRITES,
    body=NewArtifact,
    answers=STATED,
    errors=(409,),
    parameters=[KEY],
)
def add_artifact(body: Json, build_number: str) -> Response:
    """Add something that a build made.

    A `final` one is the image once the build is completed; a `resumable` one is what the next
    attempt may start from, and never an image. Neither counts after `expires_at`.
    """
    return _added(build_number, "artifact", body)


def _added(build_number: str, kind: str, body: Json) -> Response:
    return _answer(manual.add(services(), _author(), build_number, kind, body))


def _build(build_number: str) -> Row:
    caller, stall_after = _caller(), services().config.stall_after
    reveal = caller.allows("admin")
    return builds.find_build(
        services().database, build_number, stall_after, caller.project, reveal=reveal
    )


def _caller() -> Grant:
    return auth.require("read")


def _author() -> Author:
    return Author(auth.who(), _caller().project, speaker_key())


def _answer(result: Result) -> Response:
    return json(result.as_row(), 200 if result.duplicate else 201)
