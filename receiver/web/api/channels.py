"""/api/v1/channels: the build of each image that people chose, and how it came there."""

from typing import Any

from flask import Response, url_for

from receiver.domain.model import Json
from receiver.storage import assignments, channels
from receiver.web import auth
from receiver.web.api.channel_schemas import (
    Assigned,
    Assignment,
    Channel,
    ChannelDetails,
    ChannelQuery,
    HistoryQuery,
    NewAssignment,
    NewChannel,
    Unassignment,
)
from receiver.web.api.operations import Blueprint, list_of, page, page_of
from receiver.web.context import services, serving_of

blueprint = Blueprint("channels", "The build of each image that people chose.")
READS, WRITES, PROMOTES = "read its project", "write its project", "promote its project"
ONE = "/channels/<name>"
MOVES: dict[str, Any] = {"errors": (409,)}


@blueprint.operation("GET", "/channels", READS, {200: list_of(Channel)})
def list_channels() -> Json:
    """List the channels.

    A token of one project sees those of its project, of the projects above it, and those for all.
    """
    own = auth.require("read").project
    return {"items": channels.list_channels(services().database, own)}


@blueprint.operation(
    "POST", "/channels", PROMOTES, {201: Channel}, body=NewChannel, errors=(404, 409)
)
def create_channel(body: Json) -> tuple[Json, int, Json]:
    """Create a channel."""
    own = auth.require("promote").project
    with services().database.transaction() as connection:
        created = channels.create(connection, body, auth.actor(), own)
    location = url_for("channels.show_channel", name=created["name"], project=created["project"])
    return created, 201, {"Location": location}


@blueprint.operation("GET", ONE, READS, {200: ChannelDetails}, query=ChannelQuery)
def show_channel(query: Json, name: str) -> Json:
    """Show what is current in a channel for each image, or what was at a moment."""
    own = auth.require("read").project
    database = services().database
    return channels.show_channel(database, name, query.get("project"), query.get("at"), own)


@blueprint.operation("GET", f"{ONE}/history", READS, {200: page_of(Assignment)}, query=HistoryQuery)
def list_assignments(query: Json, name: str) -> Json:
    """List the assignments of a channel, newest first."""
    wanted = (query.pop("limit"), query.pop("after", None))
    own = auth.require("read").project
    return page(*channels.list_history(services().database, name, query, wanted, own))


@blueprint.operation(
    "POST",
    f"{ONE}/assignments",
    WRITES,
    {201: Assigned, 200: Assigned},
    body=NewAssignment,
    **MOVES,
)
def assign_build(body: Json, name: str) -> tuple[Json, int, Json]:
    """Put a build into a channel, or what another channel holds.

    Only a build that is completed, served, in no conflict and stated: 409 says which of these
    fails. A rollback is a new assignment.
    """
    with services().database.transaction() as connection:
        held, duplicate = assignments.assign(connection, serving_of(), name, body, auth.mover())
    return {"items": held, "duplicate": duplicate}, 200 if duplicate else 201, {}


@blueprint.operation(
    "DELETE", f"{ONE}/assignments", WRITES, {204: None}, body=Unassignment, **MOVES
)
def unassign_image(body: Json, name: str) -> Response:
    """Take an image out of a channel; the history keeps it."""
    with services().database.transaction() as connection:
        assignments.unassign(connection, name, body, auth.mover())
    return Response(status=204)
