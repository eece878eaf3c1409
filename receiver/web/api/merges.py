"""/api/v1/merges: two names of a dimension that are one, and names that look alike."""

from typing import Annotated, Any

from marshmallow import fields, validate
from msgspec import Meta, Struct

from receiver.domain.images import ImageFilter
from receiver.domain.model import DIMENSIONS, Json
from receiver.sources.fields import MAX_NAME
from receiver.sources.manual import Strict, about
from receiver.storage import alike_names, images, merges
from receiver.web.api.operations import Blueprint, list_of
from receiver.web.api.schemas import Time
from receiver.web.auth import actor
from receiver.web.context import services, serving_of

blueprint = Blueprint("merges", "Names of a dimension that are one.")


def _name(**more: Any) -> fields.String:
    return fields.String(required=True, validate=validate.Length(1, MAX_NAME), **more)


class MergedName(Strict):
    """A name that was merged into another one."""

    dimension = fields.String(required=True, validate=validate.OneOf(DIMENSIONS))
    name = _name()


class NewMerge(MergedName):
    """A name, and the one that it becomes."""

    into = _name(**about("The name that stays."))


class Merge(Struct):
    """A merge that can be undone."""

    dimension: str
    name: str
    into: str | None
    merged_at: Time
    merged_by: str


class MergeResult(Struct):
    """The name that stays, and the number of builds that moved."""

    into: str
    builds_moved: int


class AlikeNames(Struct):
    """Two names that look like one, and what each of them serves now."""

    dimension: str
    name: str
    into: Annotated[str, Meta(description="The name that would stay.")]
    builds: Annotated[int, Meta(description="Builds of `name`; 10,000 are that many or more.")]
    into_builds: int
    serves: Annotated[str | None, Meta(description="The newest image of `name`, and its build.")]
    into_serves: str | None


@blueprint.operation("GET", "/merges", "read", {200: list_of(Merge)})
def list_merges() -> Json:
    """List the merges that can be undone."""
    return {"items": merges.list_merges(services().database)}


@blueprint.operation("GET", "/merges/suggestions", "read", {200: list_of(AlikeNames)})
def list_alike_names() -> Json:
    """List pairs of names that look like one, such as rhel9 and rhel-9.

    Nothing is merged by itself.
    """
    served = images.list_images(services().database, serving_of(), ImageFilter())
    return {"items": alike_names.list_pairs(services().database, served)}


@blueprint.operation("POST", "/merges", "admin", {201: MergeResult}, body=NewMerge, errors=(404,))
def merge_names(body: Json) -> tuple[Json, int, Json]:
    """Let a name be another one: its builds move, and later reports of it count for the other.

    Very many builds take minutes; the answer comes when all have moved.
    """
    names = (body["dimension"], body["name"], body["into"])
    stages = services().rules.stages()
    moved = merges.merge(services().database, *names, actor(), stages)
    return {"into": body["into"], "builds_moved": moved}, 201, {}


@blueprint.operation(
    "POST", "/merges/undo", "admin", {200: MergeResult}, body=MergedName, errors=(404,)
)
def undo_merge(body: Json) -> Json:
    """Undo a merge: each build has the name again that its reports give it."""
    names = (body["dimension"], body["name"])
    return merges.undo(services().database, *names, actor(), services().rules.stages())
