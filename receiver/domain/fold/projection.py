"""The rows that follow from the events of one build: what the fold gives, but for ids."""

from datetime import datetime
from typing import Any

from msgspec import Struct

from receiver.domain.model import Json


class StateRow(Struct, frozen=True):
    """A row of build_states, but for ids."""

    state: int
    status: str
    start_time: datetime
    end_time: datetime | None
    duration_seconds: int | None
    error_message: str | None
    retry_count: int
    stage: str | None
    attempt: int
    mapped: bool
    estimated: bool


class FailureRow(Struct, frozen=True):
    """A row of build_failures, but for ids and what people write; keyed by the first three."""

    attempt: int
    stage: str | None
    occurrence: int
    state: int
    failure_type: str
    error_message: str
    error_details: Json | None
    component: str | None
    retry_attempt: int
    created_at: datetime


class BuildRow(Struct, frozen=True):
    """What the fold says of the build itself; `manifest_from` names the row that holds it."""

    status: str = "pending"
    current_state: int = 0
    attempt: int = 1
    start_time: datetime | None = None
    end_time: datetime | None = None
    duration_seconds: int | None = None
    created_by: str | None = None
    run_url: str | None = None
    commit: str | None = None
    branch: str | None = None
    resume_state: int | None = 0
    resumed_from: int | None = None
    manifest_from: Any = None
    manifest_sha256: str | None = None


class ArtifactRow(Struct, frozen=True):
    """A row of artifacts, but for ids; `state` is how far the image is that it holds."""

    attempt: int
    artifact_id: str
    region: str | None
    builder_type: str | None
    name: str | None
    packer_run_uuid: str | None
    build_time: datetime | None
    files: tuple[Json, ...]
    custom_data: dict[str, str]
    checksum: str | None
    state: int | None
    storage: str | None
    path: str | None
    size_bytes: int | None
    kind: str | None
    expires_at: datetime | None


class ResourceRow(Struct, frozen=True):
    """A row of resources, but for ids: what a log named, and whether it named its removal."""

    attempt: int
    type: str
    resource_id: str
    removed: bool


class Folded(Struct, frozen=True):
    """Everything that is derived from the events of one build."""

    build: BuildRow = BuildRow()
    states: tuple[StateRow, ...] = ()
    failures: tuple[FailureRow, ...] = ()
    artifacts: tuple[ArtifactRow, ...] = ()
    resources: tuple[ResourceRow, ...] = ()
