"""/api/v1: what images descend from, what became of an artifact, and the checks of a build."""

from typing import Annotated

from marshmallow import fields, validate
from msgspec import Meta, Struct

from receiver.domain.lineage import Fate
from receiver.domain.model import CheckKind, CheckStatus, Json
from receiver.sources.manual import Strict, about
from receiver.storage import checks, lineage_of_builds
from receiver.storage.db import Row
from receiver.web import auth
from receiver.web.api.lineage_schemas import Lineage
from receiver.web.api.operations import Blueprint, list_of
from receiver.web.api.schemas import Dimensions, Time
from receiver.web.context import services, serving_of
from receiver.web.filters import Number, Text, required_text

blueprint = Blueprint("lineage", "What images descend from, and their checks.")
READS = "read its project"


class MadeArtifact(Dimensions):
    """An artifact, the build that made it, and what became of it."""

    artifact_id: str
    region: str | None
    name: str | None
    build_number: str
    attempt: int
    status: str
    built_at: Time
    expires_at: Time | None
    fate: Fate
    superseded_by: str | None


class Check(Struct):
    """The result of tests, of a scan, or a bill of materials of a build's image."""

    name: str
    kind: CheckKind
    status: CheckStatus
    at: Time
    counts: dict[str, int]
    fixable: Annotated[dict[str, int], Meta(description="How many findings have a fix.")]
    tool: str | None
    tool_version: str | None
    database_at: Time | None
    digest: str | None
    url: str | None
    attempt: int
    is_latest: Annotated[bool, Meta(description="Whether it is the last of its name.")]


class ArtifactsQuery(Strict):
    """The artifact that is asked for."""

    id = required_text()
    region = Text(**about("Any, if it is left out."))


class ChecksQuery(Strict):
    """Which checks of a build are listed."""

    history = fields.String(
        validate=validate.OneOf(("0", "1")), **about("1: also those that a later one replaced.")
    )
    limit = Number(1, 1_000, load_default=100, **about("How many items."))


@blueprint.operation("GET", "/builds/<build_number>/lineage", READS, {200: Lineage})
def show_lineage(build_number: str) -> Row:
    """Show what a build descends from, and what descends from it.

    A build of another project is shown without its names, unless the token may see it.
    """
    project = auth.require("read").project
    return lineage_of_builds.show(services().database, serving_of(), build_number, project)


@blueprint.operation("GET", "/artifacts", READS, {200: list_of(MadeArtifact)}, query=ArtifactsQuery)
def find_artifacts(query: Json) -> Json:
    """Show which build made an artifact, and what became of it.

    A name that is used again has several; the newest is the first.
    """
    project, region = auth.require("read").project, query.get("region")
    database = services().database
    found = lineage_of_builds.made_artifacts(database, serving_of(), query["id"], region, project)
    return {"items": found}


@blueprint.operation(
    "GET", "/builds/<build_number>/checks", READS, {200: list_of(Check)}, query=ChecksQuery
)
def list_checks(query: Json, build_number: str) -> Json:
    """List the checks of a build: the last of each name, of its last attempt."""
    project = auth.require("read").project
    is_whole = query.get("history") == "1"
    limit = query["limit"] if is_whole else None
    return {"items": checks.of_build(services().database, build_number, project, limit)}
