"""/api/v1/images: the latest good images."""

from datetime import UTC, datetime

from flask import Response

from receiver.domain.model import Json
from receiver.storage import builds, overview
from receiver.web.api.operations import Blueprint, list_of
from receiver.web.api.schemas import Image, ImageDetails
from receiver.web.context import services
from receiver.web.filters import ImageQuery, ImagesQuery

blueprint = Blueprint("images", "The latest good images.")
ONE = "/images/<platform>/<os_version>/<image_type>"
TEXT = "ami-0abc1234\n"


@blueprint.operation("GET", "/images", "read", {200: list_of(Image)}, query=ImagesQuery)
def list_images(query: Json) -> Json:
    """List the latest good image of every combination and region."""
    rows = overview.list_images(services().database)
    return {"items": overview.matching_images(rows, (), query)}


@blueprint.operation("GET", ONE, "read", {200: ImageDetails}, query=ImageQuery, text=TEXT)
def show_image(query: Json, platform: str, os_version: str, image_type: str) -> Json | Response:
    """Show the latest good image of a platform, OS version and image type.

    Never one of a failed, cancelled or later failed build, nor of an attempt that failed. 422 if
    several match: give the region or the project.
    """
    form = query.pop("format", "json")
    names = (platform, os_version, image_type)
    found = overview.find_image(services().database, names, query)
    if form == "text":
        return Response(f"{found['artifact_id']}\n", mimetype="text/plain")
    age = datetime.now(UTC) - found["built_at"]
    database, stall_after = services().database, services().config.stall_after
    build = builds.find_build(database, found["build_number"], stall_after)
    manifest = build["packer_manifest"]
    return found | {"age_seconds": int(age.total_seconds()), "packer_manifest": manifest}
