"""What /api/v1 answers of a build, for its document."""

from marshmallow import fields

from receiver.domain.model import BUILD_STATUSES, OUTCOMES, STAGE_STATUSES
from receiver.sources.manual import Strict
from receiver.web.api.shapes import (
    flag,
    many,
    mapping,
    text,
    text_or_null,
    time,
    time_or_null,
    whole,
    whole_or_null,
    word,
)


class State(Strict):
    """A stage of a build, in one attempt."""

    state = whole(minimum=0, maximum=100)
    stage = text_or_null()
    status = word(*STAGE_STATUSES)
    attempt = whole_or_null()
    retry_count = whole_or_null(description="Earlier tries of this stage.")
    start_time = time()
    end_time = time_or_null()
    duration_seconds = whole_or_null()
    error_message = text_or_null()
    mapped = fields.Boolean(required=True, allow_none=True)
    estimated = fields.Boolean(required=True, allow_none=True)


class BuildFailure(Strict):
    """A failure of a build."""

    id = fields.UUID(required=True)
    attempt = whole_or_null()
    stage = text_or_null()
    state = whole()
    failure_type = text()
    error_message = text()
    error_details = fields.Dict(keys=fields.String(), required=True, allow_none=True)
    component = text_or_null()
    retry_attempt = whole_or_null()
    resolved = flag()
    resolution_notes = text_or_null()
    created_at = time()
    resolved_at = time_or_null()


class Artifact(Strict):
    """Something that a build made."""

    artifact_id = text()
    region = text_or_null()
    builder_type = text_or_null()
    name = text_or_null()
    attempt = whole()
    packer_run_uuid = text_or_null()
    build_time = time_or_null()
    files = fields.List(mapping(), required=True)
    custom_data = mapping()
    checksum = text_or_null()
    state = whole_or_null(description="How far the image is.")
    storage = text_or_null()
    path = text_or_null()
    size_bytes = whole_or_null()
    kind = text_or_null(description="final, resumable, or null where nobody said.")
    expires_at = time_or_null()


class ResumeState(Strict):
    """What has to run next."""

    state = whole_or_null(description="Null where nothing has to.")


class Resume(ResumeState):
    """What has to run next, and from which artifact."""

    safe = flag(description="Whether a kept artifact covers what was done.")
    artifact = fields.Nested(Artifact, required=True, allow_none=True)


class Resource(Strict):
    """Something in a cloud that a build's log named."""

    type = text()
    id = text()
    attempt = whole()
    removed = flag()


class BuildDelivery(Strict):
    """A delivery that spoke of a build."""

    id = fields.UUID(required=True)
    received_at = time()
    source = text()
    sender = text()
    event_type = text()
    outcome = word(*OUTCOMES)
    body_size = whole()


class BuildRow(Strict):
    """A build, in a list."""

    build_number = text()
    project = text_or_null()
    platform = text()
    os_version = text()
    image_type = text()
    current_state = whole(minimum=0, maximum=100)
    status = word(*BUILD_STATUSES)
    attempt = whole_or_null()
    start_time = time_or_null()
    end_time = time_or_null()
    duration_seconds = whole_or_null()
    created_by = text_or_null()
    resumed_from = whole_or_null()
    last_heard_at = time_or_null()
    commit_sha = text_or_null()
    branch = text_or_null()
    stalled = flag()
    resume = fields.Nested(ResumeState, required=True)


class Build(BuildRow):
    """A build, whole."""

    run_url = text_or_null()
    packer_manifest = fields.Dict(keys=fields.String(), required=True, allow_none=True)
    states = many(State)
    failures = many(BuildFailure)
    artifacts = many(Artifact)
    resources = many(Resource)
    deliveries = many(BuildDelivery)
    resume = fields.Nested(Resume, required=True)
    saved_seconds = fields.Float(required=True, allow_none=True)
    left_behind = many(Resource)


class Standing(Strict):
    """How a build stands after what was said of it."""

    build_number = text()
    status = word(*BUILD_STATUSES)
    current_state = whole()
    attempt = whole_or_null()
    delivery_id = fields.UUID(required=True)
    duplicate = flag(description="Whether this Idempotency-Key had been taken before.")
