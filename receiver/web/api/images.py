"""/api/v1/images and /api/v1/image: the latest good images."""

from flask import Response

from receiver.domain.images import ImageFilter
from receiver.domain.model import DIMENSIONS, Json
from receiver.storage import builds, images, late_images, lineage_of_builds
from receiver.storage.db import Row
from receiver.storage.dimensions import Own
from receiver.web import auth
from receiver.web.api.image_schemas import Image, ImageDetails
from receiver.web.api.operations import UNKNOWN, Blueprint, list_of
from receiver.web.context import expectation_of, limits, services, serving_of
from receiver.web.filters import ImageQuery, ImagesQuery, NamedImageQuery, image_filter

blueprint = Blueprint("images", "The latest good images.")
ONE = "/images/<path:platform>/<path:os_version>/<path:image_type>"
TEXT = "ami-0abc1234\n"
READS = "read its project"
Answer = tuple[Json, int, dict[str, str]]


@blueprint.operation(
    "GET", "/images", READS, {200: list_of(Image, unknown=UNKNOWN)}, query=ImagesQuery
)
def list_images(query: Json) -> Json:
    """List the latest good image of every combination and region, or what a channel holds.

    `custom.KEY=value` selects by custom_data. With late=1 also images of which nothing good was
    ever built, though it is expected: their artifact_id is null.
    """
    is_behind, is_late = (query.pop(name, None) == "1" for name in ("behind", "late"))
    own, wanted = auth.require("read").project, image_filter(query)
    rows = images.list_images(services().database, serving_of(), wanted, own)
    rows = lineage_of_builds.with_bases(services().database, serving_of(), rows, own)
    rows = _with_ages(rows, wanted, own)
    if is_behind:
        rows = [row for row in rows if row["base"] and row["base"]["state"] == "behind"]
    if is_late:
        late = [row for row in rows if row["late"]]
        rows = late + ([] if is_behind or wanted.is_of_artifact else _absent(rows, wanted, own))
    unknown = images.unknown_names(services().database, wanted, own)
    return {"items": rows, "unknown": unknown}


def _with_ages(rows: list[Row], wanted: ImageFilter, own: Own) -> list[Row]:
    database = services().database
    return late_images.with_ages(database, serving_of(), expectation_of(), rows, wanted, own)


def _absent(rows: list[Row], wanted: ImageFilter, own: Own) -> list[Row]:
    """Return the late images of which nothing good was ever built."""
    database, lines = services().database, services().rules.projects().expectations
    return late_images.absent_images(
        database, serving_of(), expectation_of(), rows, wanted, own, lines
    )


@blueprint.operation(
    "GET", ONE, READS, {200: ImageDetails}, query=ImageQuery, text=TEXT, errors=(409,)
)
def show_image(query: Json, platform: str, os_version: str, image_type: str) -> Response | Answer:
    """Show the latest good image of a platform, OS version and image type.

    Never one of a failed, cancelled or later failed build, nor of an attempt that failed. 404 says
    why there is none. 422 if several artifacts match, with the selectors and their values;
    `custom.KEY=value` selects by custom_data. With a channel it is what people assigned; 409
    `revoked` if that is not to be used any more, with the reason and what there is instead.
    """
    text = "/".join((platform, os_version, image_type)).replace("\0", "")
    return _image(query | images.names_of(services().database, text))


@blueprint.operation(
    "GET",
    "/image",
    READS,
    {200: ImageDetails},
    query=NamedImageQuery,
    text=TEXT,
    errors=(404, 409),
)
def find_image(query: Json) -> Response | Answer:
    """Show the latest good image of the names in the query.

    As /images/<platform>/<os_version>/<image_type>.
    """
    return _image(query)


def _image(query: Json) -> Response | Answer:
    own = auth.require("read").project
    image = images.find_image(services().database, serving_of(), image_filter(query), own)
    names = {name: image[name] for name in DIMENSIONS}
    (image,) = _with_ages([image], ImageFilter(**names), own)
    headers = _headers(image)
    if query.get("format") == "text":
        return Response(f"{image['artifact_id']}\n", headers=headers, mimetype="text/plain")
    (image,) = lineage_of_builds.with_bases(services().database, serving_of(), [image], own)
    build = builds.find_build(services().database, image["build_number"], limits())
    return image | {"packer_manifest": build["packer_manifest"]}, 200, headers


def _headers(image: Row) -> dict[str, str]:
    """Return the build and the age of an image, for those who only take its id."""
    return {
        "Milepost-Build-Number": image["build_number"],
        "Milepost-Built-At": image["built_at"].isoformat(),
        "Milepost-Age-Seconds": str(image["age_seconds"]),
        "Milepost-Behind": str(image["behind"]),
    }
