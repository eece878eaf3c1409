"""/api/v1/images and /api/v1/image: the latest good images."""

from flask import Response

from receiver.domain.model import Json
from receiver.storage import builds, images
from receiver.storage.db import Row
from receiver.web.api.operations import Blueprint, list_of
from receiver.web.api.schemas import Image, ImageDetails
from receiver.web.context import services, serving_of
from receiver.web.filters import ImageQuery, ImagesQuery, NamedImageQuery, image_filter

blueprint = Blueprint("images", "The latest good images.")
ONE = "/images/<path:platform>/<path:os_version>/<path:image_type>"
TEXT = "ami-0abc1234\n"
Answer = tuple[Json, int, dict[str, str]]


@blueprint.operation("GET", "/images", "read", {200: list_of(Image)}, query=ImagesQuery)
def list_images(query: Json) -> Json:
    """List the latest good image of every combination and region.

    `custom.KEY=value` selects by custom_data.
    """
    return {"items": images.list_images(services().database, serving_of(), image_filter(query))}


@blueprint.operation("GET", ONE, "read", {200: ImageDetails}, query=ImageQuery, text=TEXT)
def show_image(query: Json, platform: str, os_version: str, image_type: str) -> Response | Answer:
    """Show the latest good image of a platform, OS version and image type.

    Never one of a failed, cancelled or later failed build, nor of an attempt that failed. 404 says
    why there is none. 422 if several artifacts match, with the selectors and their values;
    `custom.KEY=value` selects by custom_data.
    """
    text = "/".join((platform, os_version, image_type)).replace("\0", "")
    return _image(query | images.names_of(services().database, text))


@blueprint.operation(
    "GET", "/image", "read", {200: ImageDetails}, query=NamedImageQuery, text=TEXT, errors=(404,)
)
def find_image(query: Json) -> Response | Answer:
    """Show the latest good image of the names in the query.

    As /images/<platform>/<os_version>/<image_type>.
    """
    return _image(query)


def _image(query: Json) -> Response | Answer:
    image = images.find_image(services().database, serving_of(), image_filter(query))
    headers = _headers(image)
    if query.get("format") == "text":
        return Response(f"{image['artifact_id']}\n", headers=headers, mimetype="text/plain")
    stall_after = services().config.stall_after
    build = builds.find_build(services().database, image["build_number"], stall_after)
    return image | {"packer_manifest": build["packer_manifest"]}, 200, headers


def _headers(image: Row) -> dict[str, str]:
    """Return the build and the age of an image, for those who only take its id."""
    return {
        "Milepost-Build-Number": image["build_number"],
        "Milepost-Built-At": image["built_at"].isoformat(),
        "Milepost-Age-Seconds": str(image["age_seconds"]),
        "Milepost-Behind": str(image["behind"]),
    }
