"""What /api/v1 answers, for its document: views give rows as they are."""

from marshmallow import fields

from receiver.domain.model import BUILD_STATUSES, OUTCOMES
from receiver.sources.manual import Strict
from receiver.web.api.shapes import (
    flag,
    mapping,
    text,
    text_or_null,
    time,
    time_or_null,
    whole,
    whole_or_null,
    word,
)


class Image(Strict):
    """An artifact of the latest completed build of its combination."""

    project = text_or_null()
    platform = text()
    os_version = text()
    image_type = text()
    region = text_or_null()
    artifact_id = text()
    build_number = text()
    built_at = time()


class WholeImage(Image):
    """The one that was asked for, with its age and its build's manifest."""

    age_seconds = whole()
    packer_manifest = fields.Dict(keys=fields.String(), required=True, allow_none=True)


class Failure(Strict):
    """A failure with its build."""

    id = fields.UUID(required=True)
    build_number = text()
    project = text_or_null()
    platform = text()
    os_version = text()
    image_type = text()
    stage = text_or_null()
    state = whole()
    attempt = whole_or_null()
    failure_type = text()
    error_message = text()
    component = text_or_null()
    created_at = time()
    resolved_at = time_or_null()
    resolution_notes = text_or_null()
    status = word(*BUILD_STATUSES)
    is_past = fields.Boolean(
        required=True, allow_none=True, metadata={"description": "Whether it was tried again."}
    )


class OfBuild(Strict):
    """The build that it is of."""

    build_number = text()


class Delivery(Strict):
    """A delivery, without its body."""

    id = fields.UUID(required=True)
    source = text()
    sender = text(description="Empty is the source's default sender.")
    event_type = text()
    outcome = word(*OUTCOMES)
    reason = text_or_null()
    flags = fields.List(fields.String(), required=True)
    body_size = whole()
    received_at = time()
    builds = fields.List(fields.String(), required=True)


class WholeDelivery(Delivery):
    """A delivery, with what was kept of its request."""

    delivery_key = text()
    headers = mapping()
    query = text()
    body_sha256 = text()
    pruned = flag(description="Whether the body is gone.")


class Replayed(Strict):
    """What a delivery came to when it was read again."""

    outcome = word(*OUTCOMES)
    builds = fields.List(fields.String(), required=True)


class Summary(Strict):
    """What /metrics and the overview count."""

    builds_of_24_hours = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    running = whole()
    stalled = whole()
    combinations_expected = whole()
    combinations_seen = whole()
    open_failures = whole()
    quarantined_deliveries = whole()
    last_delivery_at = time_or_null()


class Combination(Strict):
    """How builds of a combination went in 30 days."""

    project = text_or_null()
    platform = text()
    os_version = text()
    image_type = text()
    builds = whole()
    completed = whole()
    failed = whole()
    cancelled = whole()
    median_seconds = whole_or_null()
    last_at = time()


class StageStats(Strict):
    """How a state went."""

    name = text_or_null()
    state = whole()
    runs = whole()
    failed = whole()
    median_seconds = whole_or_null()
    p90_seconds = whole_or_null()


class Change(Strict):
    """A line of the audit trail."""

    id = fields.UUID(required=True)
    at = time()
    who = text()
    via = word("token", "page", "proxy", "command")
    action = text()
    target_kind = text()
    target_id = fields.UUID(required=True, allow_none=True)
    target_name = text_or_null()
    before = fields.Dict(keys=fields.String(), required=True, allow_none=True)
    after = fields.Dict(keys=fields.String(), required=True, allow_none=True)


class Named(Strict):
    """What every row with a name has."""

    id = fields.UUID(required=True)
    name = text()
    created_at = time()
    updated_at = time()


class Platform(Named):
    """Where an image runs."""

    display_name = text()
    cloud_provider = text()
    region = text_or_null()


class OsVersion(Named):
    """What an image is made of."""

    display_name = text()
    os_family = text()
    major_version = whole()
    minor_version = whole_or_null()


class ImageType(Named):
    """What an image is for."""

    display_name = text()
    description = text_or_null()


class Project(Named):
    """Whose an image is."""

    description = text_or_null()
    parent = text_or_null(description="The name of the project that it is below.")
