"""The schemas of /api/v1. Answers are rendered through theirs, and the document shows the same.

A field of a row that its schema does not name is left out. Those of one module are in that module.
"""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from marshmallow import fields
from msgspec import Meta, Struct

from receiver.domain.conditions import Condition
from receiver.domain.model import (
    NUMBER_PROBLEM,
    NUMBER_SHAPE,
    BuildStatus,
    Json,
    OutcomeKind,
    StageStatus,
)
from receiver.sources.manual import BuildAhead, Fitting

NUMBER = "^" + NUMBER_SHAPE.pattern.replace(r"\Z", "$")  # as ECMA-262 writes it
State = Annotated[int, Meta(ge=0, le=100)]
Time = Annotated[datetime, Meta(tz=True)]


class NewBuild(BuildAhead):
    """A build ahead of its first report."""

    build_number = fields.String(required=True, validate=Fitting(NUMBER, error=NUMBER_PROBLEM))


class Dimensions(Struct):
    """What an image is built from and for."""

    project: str | None
    platform: str
    os_version: str
    image_type: str


class Artifact(Struct):
    """Something that a build made."""

    artifact_id: str
    region: str | None
    builder_type: str | None
    name: str | None
    attempt: int
    packer_run_uuid: str | None
    build_time: Time | None
    files: list[Json]
    custom_data: Json
    checksum: str | None
    state: Annotated[int | None, Meta(description="How far the image is.")]
    storage: str | None
    path: str | None
    size_bytes: int | None
    kind: Annotated[str | None, Meta(description="final, resumable, or null if not stated.")]
    expires_at: Time | None


class ResumeState(Struct):
    """The state to resume at."""

    state: Annotated[int | None, Meta(description="Null if nothing is left to run.")]


class Resume(ResumeState):
    """The state to resume at, and the artifact to resume from."""

    safe: Annotated[bool, Meta(description="Whether an artifact covers all earlier states.")]
    artifact: Artifact | None


class BuildStage(Struct):
    """A stage of a build, in one attempt."""

    state: State
    stage: str | None
    status: StageStatus
    attempt: int | None
    retry_count: Annotated[int | None, Meta(description="Earlier tries of this stage.")]
    start_time: Time
    end_time: Time | None
    duration_seconds: int | None
    error_message: str | None
    mapped: bool | None
    estimated: bool | None


Estimated = Annotated[
    bool, Meta(description="Whether the state is only an estimate: the place of a step among all.")
]


class StageFailure(Struct):
    """A failure of a build."""

    id: UUID
    attempt: int | None
    stage: str | None
    state: int
    estimated: Estimated
    failure_type: str
    error_message: str
    component: str | None
    created_at: Time
    resolved_at: Time | None
    resolution_notes: str | None


class BuildFailure(StageFailure):
    """A failure of one build, with its details."""

    error_details: Json | None
    retry_attempt: int | None
    resolved: bool


class Failure(StageFailure):
    """A failure, with its build."""

    build_number: str
    project: str | None
    platform: str
    os_version: str
    image_type: str
    status: BuildStatus
    is_past: Annotated[bool | None, Meta(description="Whether a later attempt began.")]


class Resource(Struct):
    """Something in a cloud that the build's log named."""

    type: str
    id: str
    attempt: int
    removed: bool


class BuildDelivery(Struct):
    """A delivery that reported on a build."""

    id: UUID
    received_at: Time
    source: str
    sender: Annotated[str, Meta(description="Empty for the source's default sender.")]
    event_type: str
    outcome: OutcomeKind
    body_size: int


class Progress(Struct):
    """How far a build is."""

    build_number: str
    current_state: State
    status: BuildStatus
    attempt: int | None


class StatementResult(Progress):
    """How far a build is after a statement."""

    delivery_id: UUID
    duplicate: Annotated[bool, Meta(description="Whether this Idempotency-Key was used before.")]


class BuildRow(Progress):
    """A build in a list."""

    project: str | None
    platform: str
    os_version: str
    image_type: str
    start_time: Time | None
    end_time: Time | None
    duration_seconds: int | None
    created_by: str | None
    resumed_from: int | None
    last_heard_at: Time | None
    commit_sha: str | None
    branch: str | None
    condition: Annotated[
        Condition | None,
        Meta(
            description="How a running build is, by its times: a lost one counts as failed. "
            "Null where it runs as it should, or does not run."
        ),
    ]
    condition_reason: str | None
    stalled: Annotated[bool, Meta(description="Whether its condition is stalled or lost.")]
    unchanged: Annotated[
        bool, Meta(description="Completed without an image: nothing had to be built.")
    ]
    estimated: Estimated
    inferred: Annotated[
        dict[str, str] | None,
        Meta(description="Dimensions that nobody states, with what each is inferred from."),
    ]
    resume: ResumeState


class Revocation(Struct):
    """That an image is not to be used, from a moment on."""

    kind: Annotated[
        Literal["revoked", "parent-revoked", "scheduled"],
        Meta(
            description="`parent-revoked`: a build of another project that it was made from is; "
            "`scheduled`: it is valid until `at`."
        ),
    ]
    reason: str
    at: Time
    by: str
    since: Annotated[Time, Meta(description="When it was said.")]
    descendants: bool
    build_number: Annotated[
        str | None,
        Meta(description="The build that was revoked; null if the caller may not see it."),
    ]
    replacement: Annotated[str | None, Meta(description="The build to use instead.")]


class Provenance(Struct):
    """How an image was made, as the hook around Packer reports it."""

    packer_version: str | None
    plugins: Annotated[
        dict[str, str] | None, Meta(description="Installed plugins, with their versions.")
    ]
    template_sha256: str | None
    dirty: Annotated[
        bool | None, Meta(description="Whether git saw changes in the template's folder.")
    ]


class ListedBuild(BuildRow):
    """A build in a list, with the first line of what failed."""

    cause: str | None


class Build(BuildRow):
    """A build with its history."""

    provenance: Provenance | None

    run_url: str | None
    confirmed: Annotated[bool, Meta(description="Whether a person confirmed what is inferred.")]
    default_branch: str | None
    pull_request: str | None
    conflict: Annotated[
        dict[str, list[str]] | None,
        Meta(description="Dimensions of which one run states several values."),
    ]
    revoked: Annotated[
        Revocation | None, Meta(description="The revocation that holds now for this build.")
    ]
    revocation: Annotated[
        Revocation | None, Meta(description="Also one that is scheduled, or of a parent alone.")
    ]
    unstable: bool
    future: Annotated[bool, Meta(description="Whether it says that it ends later than it came.")]
    packer_manifest: Json | None
    states: list[BuildStage]
    failures: list[BuildFailure]
    artifacts: list[Artifact]
    resources: list[Resource]
    deliveries: list[BuildDelivery]
    resume: Resume
    saved_seconds: float | None
    left_behind: list[Resource]


class BuildReference(Struct):
    """The build that a failure is of."""

    build_number: str
