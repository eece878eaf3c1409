"""The rows that the fold derives from the events of one build, without ids."""

from datetime import datetime
from typing import Any

from msgspec import Struct

from receiver.domain.model import Identity, Json


class StateRow(Struct, frozen=True):
    """A row of build_states, without ids."""

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
    """A row of build_failures, without ids and resolution; keyed by the first three."""

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
    """Columns of builds; `manifest_from` is the id of the stored statement with the manifest.

    `conflict` has the values of each dimension of which one run states several; `inferred` has, for
    each dimension that nobody states, the place of the name that it is inferred from. `unstable`:
    completed with Jenkins's warning. `future`: an end after its receipt. `estimated`: the state is
    only an estimate. `waiting`: a job waits for a person. `unchanged`: completed, with nothing new.
    """

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
    default_branch: str | None = None
    pull_request: str | None = None
    conflict: dict[str, list[str]] | None = None
    inferred: dict[str, str] | None = None
    unstable: bool = False
    future: bool = False
    estimated: bool = False
    waiting: bool = False
    unchanged: bool = False


class ArtifactRow(Struct, frozen=True):
    """A row of artifacts, without ids; `state` is the state of the image in it."""

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
    """A row of resources, without ids: a resource that a log named, and whether it was removed."""

    attempt: int
    type: str
    resource_id: str
    removed: bool


class SourceRow(Struct, frozen=True):
    """A row of build_sources, without ids: an image that an attempt started from."""

    attempt: int
    artifact_id: str
    region: str | None


class CheckRow(Struct, frozen=True):
    """A row of build_checks, without ids. `at` is the earlier of what was said and when it came."""

    attempt: int
    name: str
    kind: str
    status: str
    at: datetime
    counts: dict[str, int]
    fixable: dict[str, int]
    tool: str | None
    tool_version: str | None
    database_at: datetime | None
    digest: str | None
    url: str | None


class BuildRows(Struct, frozen=True):
    """All rows of one build, its identity by names, and how many events it was folded of."""

    identity: Identity = Identity()
    build: BuildRow = BuildRow()
    states: tuple[StateRow, ...] = ()
    failures: tuple[FailureRow, ...] = ()
    artifacts: tuple[ArtifactRow, ...] = ()
    resources: tuple[ResourceRow, ...] = ()
    sources: tuple[SourceRow, ...] = ()
    checks: tuple[CheckRow, ...] = ()
    events: int = 0
