"""What /api/v1 answers, for its document: views give rows as they are, and a test compares."""

from typing import Any

from marshmallow import Schema, fields

from receiver.inbox import OUTCOMES
from receiver.sources.api import STATUSES, Strict

BUILD_STATUSES = ("pending", "running", "completed", "failed", "cancelled")


def text(**more: Any) -> fields.String:
    return fields.String(required=True, metadata=more)


def text_or_null(**more: Any) -> fields.String:
    return fields.String(required=True, allow_none=True, metadata=more)


def word(*known: str) -> fields.String:
    return fields.String(required=True, metadata={"enum": list(known)})


def whole(**more: Any) -> fields.Integer:
    return fields.Integer(required=True, metadata=more)


def whole_or_null(**more: Any) -> fields.Integer:
    return fields.Integer(required=True, allow_none=True, metadata=more)


def time() -> fields.DateTime:
    return fields.DateTime(required=True)


def time_or_null() -> fields.DateTime:
    return fields.DateTime(required=True, allow_none=True)


def flag(**more: Any) -> fields.Boolean:
    return fields.Boolean(required=True, metadata=more)


def mapping(**more: Any) -> fields.Dict:
    return fields.Dict(keys=fields.String(), required=True, metadata=more)


def many(schema: type[Schema]) -> fields.Field[Any]:
    return fields.List(fields.Nested(schema), required=True)


class State(Strict):
    """A stage of a build, in one attempt."""

    state = whole(minimum=0, maximum=100)
    stage = text_or_null()
    status = word(*STATUSES)
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


def list_of(schema: type[Schema], name: str = "") -> type[Schema]:
    """One answer with all items."""
    made = {"items": many(schema)}
    return Strict.from_dict(made, name=name or f"{schema.__name__}List")


def page_of(schema: type[Schema]) -> type[Schema]:
    """One page of items; `next` goes on, as `after`."""
    made: dict[str, fields.Field[Any]] = {"items": many(schema)}
    made["next"] = text_or_null(description="Null on the last page.")
    return Strict.from_dict(made, name=f"{schema.__name__}Page")
