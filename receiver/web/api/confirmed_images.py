"""/api/v1/confirmed_images: images whose inferred names a person confirmed."""

from typing import Any

from flask import Response
from marshmallow import fields, validate
from msgspec import Struct

from receiver.domain.model import Json
from receiver.sources.fields import MAX_NAME
from receiver.sources.manual import Strict, about
from receiver.storage import confirmed_images
from receiver.web import auth
from receiver.web.api.operations import Blueprint, list_of
from receiver.web.api.schemas import Dimensions, Time
from receiver.web.context import services
from receiver.web.filters import Text, required_text

blueprint = Blueprint("confirmed_images", "Images whose inferred names a person confirmed.")
PATH = "/confirmed_images"
READS, WRITES = "read its project", "write its project"


def _name(**more: Any) -> fields.String:
    """Return a field of any name that a sender may say."""
    return fields.String(validate=validate.Length(1, MAX_NAME), **more)


class ImageNames(Strict):
    """The names of an image, also old ones."""

    project = _name(allow_none=True, **about("Left out for builds without a project."))
    platform = _name(required=True)
    os_version = _name(required=True)
    image_type = _name(required=True)


class ImageNamesQuery(Strict):
    """The names of an image, also old ones."""

    project = Text(**about("Left out for builds without a project."))
    platform = required_text()
    os_version = required_text()
    image_type = required_text()


class ConfirmedImage(Dimensions):
    """An image that a person confirmed."""

    confirmed_by: str
    confirmed_at: Time


class Confirmation(Struct):
    """Whether an image was confirmed by this request, or before."""

    duplicate: bool


@blueprint.operation("GET", PATH, READS, {200: list_of(ConfirmedImage)})
def list_confirmed_images() -> Json:
    """List the confirmed images."""
    own = auth.require("read").project
    with services().database.transaction() as connection:
        return {"items": confirmed_images.list_confirmed(connection, own)}


@blueprint.operation(
    "POST", PATH, WRITES, {201: Confirmation, 200: Confirmation}, body=ImageNames, errors=(404,)
)
def confirm_image(body: Json) -> tuple[Json, int, Json]:
    """Confirm an image whose names are only inferred.

    Builds of this project, platform, OS version and image type count as stated from now on, earlier
    and later ones, so that `/images` serves them.
    """
    own = auth.require("write").project
    with services().database.transaction() as connection:
        is_new = confirmed_images.confirm(connection, body, auth.actor(), own)
    return {"duplicate": not is_new}, 201 if is_new else 200, {}


@blueprint.operation("DELETE", PATH, WRITES, {204: None}, query=ImageNamesQuery, errors=(404,))
def take_back_image(query: Json) -> Response:
    """Undo the confirmation of an image."""
    own = auth.require("write").project
    with services().database.transaction() as connection:
        confirmed_images.take_back(connection, query, auth.actor(), own)
    return Response(status=204)
