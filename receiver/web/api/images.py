"""/api/v1/images: which image is the good one."""

from datetime import UTC, datetime
from typing import Any

from flask import Response

from receiver.storage import builds, overview
from receiver.web.api import answer_schemas, request_schemas
from receiver.web.api.operations import Blueprint, json
from receiver.web.api.shapes import list_of
from receiver.web.context import services

Json = dict[str, Any]
blueprint = Blueprint("images", __name__, description="Which image is the good one.")


@blueprint.operation(
    "GET",
    "/images",
    caller="read",
    query=request_schemas.ImagesQuery,
    answers={200: list_of(answer_schemas.Image)},
)
def list_images(query: Json) -> Response:
    """The latest good image of every combination and region."""
    rows = overview.built(services().database)
    return json({"items": overview.fitting(rows, (), _said(query))})


@blueprint.operation(
    "GET",
    "/images/<platform>/<os_version>/<image_type>",
    caller="read",
    query=request_schemas.ImageQuery,
    answers={200: answer_schemas.WholeImage},
    text="ami-0abc1234\n",
)
def show_image(query: Json, platform: str, os_version: str, image_type: str) -> Response:
    """The latest good image of a platform, OS version and image type.

    Never one of a failed, cancelled or later failed build, nor of an attempt that failed. 422 where
    several fit: say the region or the project.
    """
    form = query.pop("format", "json")
    names = (platform, os_version, image_type)
    found = overview.image(services().database, names, _said(query))
    if form == "text":
        return Response(f"{found['artifact_id']}\n", mimetype="text/plain")
    age = datetime.now(UTC) - found["built_at"]
    build = builds.find_build(
        services().database, found["build_number"], services().config.stall_after
    )
    whole = {"age_seconds": int(age.total_seconds()), "packer_manifest": build["packer_manifest"]}
    return json(found | whole)


def _said(query: Json) -> Json:
    return {name: value for name, value in query.items() if value is not None}
