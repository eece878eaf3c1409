"""/api/v1/builds/<n>/revocation: that a build's image is not to be used any more."""

from typing import Annotated, Any

from flask import Response
from marshmallow import fields, post_load, validate
from msgspec import Meta, Struct

from receiver.domain.model import BuildStatus, Json
from receiver.settings.durations import parse_duration
from receiver.sources.fields import Moment
from receiver.sources.manual import Integer, Strict, about, words
from receiver.storage import revocations
from receiver.web import auth
from receiver.web.api.channel_fields import age, build_number, project_name
from receiver.web.api.channel_schemas import Assignment
from receiver.web.api.operations import Blueprint
from receiver.web.api.schemas import Dimensions, Revocation, Time
from receiver.web.context import services, serving_of

blueprint = Blueprint("revocations", "Builds whose images are not to be used any more.")
READS, PROMOTES = "read its project", "promote its project"
ONE = "/builds/<build_number>/revocation"


class Rollback(Strict):
    """A channel that shall hold another build."""

    channel = fields.String(required=True, validate=validate.Length(1, 100))
    project = project_name(allow_none=True, **about("The channel's, where several have one."))
    build_number = build_number(**about("By default what the channel held before."))


class NewRevocation(Strict):
    """Why and from when on an image is not to be used."""

    reason = words(4_000, required=True)
    at = Moment(**about("Now by default. It is valid until then."))
    after = age(data_key="in", **about("A time from now, such as 3d, instead of `at`."))
    descendants = fields.Boolean(
        truthy={True},
        falsy={False},
        **about(
            "Whether what was built on it in its project goes too: must be said where there is any."
        ),
    )
    expect_descendants = Integer(
        0, 1_000_000, **about("How many there must be, as the preview counts them; else 409.")
    )
    replacement = build_number(**about("The build to use instead."))
    rollback = fields.List(fields.Nested(Rollback), validate=validate.Length(max=50))

    @post_load
    def read_span(self, data: Json, **_: Any) -> Json:
        """Return the fields with the time from now as a span."""
        span = data.pop("after", None)
        return data | ({"in": parse_duration(span)} if span else {})


class Relative(Dimensions):
    """A build that was made from another one."""

    build_number: str
    status: BuildStatus
    depth: Annotated[int, Meta(description="1 for what was made from the build itself.")]


class Holding(Dimensions):
    """A channel that holds a build."""

    channel: str
    channel_project: str | None
    build_number: str


class Concerned(Struct):
    """What a revocation concerns."""

    build_number: str
    revocation: Revocation | None
    descendant_count: int
    descendants: Annotated[list[Relative], Meta(description="At most 100.")]
    other_count: Annotated[
        int, Meta(description="Descendants in other projects: never revoked with it.")
    ]
    others: Annotated[list[Relative], Meta(description="Those of them that the caller may see.")]
    is_cut: Annotated[bool, Meta(description="Whether there are too many to count.")]
    channels: Annotated[list[Holding], Meta(description="What holds it or its descendants now.")]


class PastRevocation(Struct):
    """A revocation that holds, will or did."""

    reason: str
    at: Time
    descendants: bool
    replacement: str | None
    revoked_by: str
    revoked_at: Time
    restored_by: str | None
    restored_at: Time | None


class RevocationPreview(Concerned):
    """What a revocation would concern, and all that there were."""

    history: list[PastRevocation]


class RevocationResult(Concerned):
    """A revocation, and what the channels hold that it rolled back."""

    rolled_back: list[Assignment]


@blueprint.operation("GET", ONE, READS, {200: RevocationPreview})
def show_revocation(build_number: str) -> Json:
    """Show what a revocation of a build concerns, before it is made or after."""
    own = auth.require("read").project
    return revocations.preview(services().database, _number(build_number), own)


@blueprint.operation(
    "POST", ONE, PROMOTES, {201: RevocationResult}, body=NewRevocation, errors=(409,)
)
def revoke_build(body: Json, build_number: str) -> tuple[Json, int, Json]:
    """Revoke a build: its image is not to be used from now on, or from a moment on.

    `latest` passes over it. A channel that holds it answers 409 `revoked` until another build is
    assigned. Nothing in a cloud is touched.
    """
    number = _number(build_number)
    with services().database.transaction() as connection:
        done = revocations.revoke(connection, serving_of(), number, body, auth.mover())
    return done, 201, {}


@blueprint.operation("DELETE", ONE, PROMOTES, {204: None})
def restore_build(build_number: str) -> Response:
    """Restore a build that was revoked, or will be."""
    with services().database.transaction() as connection:
        revocations.restore(connection, _number(build_number), auth.mover())
    return Response(status=204)


def _number(text: str) -> str:
    return text.replace("\0", "")
