"""The values of the domain: statements and events; frozen. Those of deliveries: delivery.py.

msgspec reads and writes what the events table keeps as JSON in a few microseconds, without the
fields that have their defaults (https://jcristharif.com/msgspec/structs.html).
"""

import re
from datetime import datetime
from typing import Any, Literal, get_args

import msgspec
from msgspec import Struct

Kind = Literal["stage", "build", "artifact", "resource", "manifest", "heartbeat", "context"]
BuildStatus = Literal["pending", "running", "completed", "failed", "cancelled"]
StageStatus = Literal["started", "completed", "failed", "skipped", "cancelled"]
OutcomeKind = Literal["stored", "ignored", "quarantined"]  # of a kept delivery
CheckKind = Literal["tests", "scan", "sbom"]
CheckStatus = Literal["passed", "failed", "unknown"]
Json = dict[str, Any]

BUILD_STATUSES: tuple[str, ...] = get_args(BuildStatus)
STAGE_STATUSES: tuple[str, ...] = get_args(StageStatus)
OUTCOMES: tuple[str, ...] = get_args(OutcomeKind)
CHECK_KINDS: tuple[str, ...] = get_args(CheckKind)
CHECK_STATUSES: tuple[str, ...] = get_args(CheckStatus)
SEVERITIES = ("critical", "high", "medium", "low", "unknown")  # of what a scan found
# What a check counts: test cases, what a scan found, and the components of a bill of materials.
COUNTS = ("passed", "failed", "errors", "skipped", *SEVERITIES, "components")
# Of a list of builds; `duration` is the longest first, `state` the lowest.
ORDERS = (
    "newest", "oldest", "duration", "shortest", "state", "highest", "number", "image", "status",
)  # fmt: skip
NAME_PLACES = ("target", "entry", "template", "var_file", "folder", "job", "workflow")
# Words of a verdict `cancelled` about a job that never began; any other verdict outranks it.
NEVER_RAN = ("skipped", "skip", "manual", "not_built")
# Word of a verdict `completed`: nothing had to be built, the image that there is stays good.
UNCHANGED = "unchanged"
DIMENSIONS = ("project", "platform", "os_version", "image_type")
NUMBER_SHAPE = re.compile(r"[A-Za-z0-9._:@+-]{1,200}\Z")  # of a build's number
NUMBER_PROBLEM = "Must be 1 to 200 of A-Z a-z 0-9 . _ : @ + -"
SCOPES = ("read", "write", "promote", "admin")  # of a token, each with what stands before it


class Identity(Struct, frozen=True, omit_defaults=True):
    """Which image a build is of; None where nothing is known."""

    project: str | None = None
    platform: str | None = None
    os_version: str | None = None
    image_type: str | None = None


class Run(Struct, frozen=True, omit_defaults=True):
    """The run that reports: its key, and what it states of itself.

    `pipeline` is the pipeline run that several jobs share. `pull_request` is the number of the pull
    or merge request that it builds. `plugins` are Packer's plugins with their versions; `dirty`
    tells whether the working tree had changes that are not committed. Packer's wrapper says the
    plain `number`, under which its job may speak itself, and how many `targets` its run has.
    """

    key: str
    attempt: int | None = None
    resumed_from: int | None = None
    url: str | None = None
    commit: str | None = None
    branch: str | None = None
    pipeline: str | None = None
    default_branch: str | None = None
    pull_request: str | None = None
    packer_version: str | None = None
    plugins: dict[str, str] | None = None
    template_sha256: str | None = None
    dirty: bool | None = None
    number: str | None = None
    targets: int | None = None


class Failure(Struct, frozen=True, omit_defaults=True):
    """Why a stage or a build failed, in the sender's words."""

    type: str = "stage"
    message: str = ""
    component: str | None = None
    details: Json | None = None


class Artifact(Struct, frozen=True, omit_defaults=True):
    """One thing a build made. `region` is None where the builder has none.

    `files` is a tuple of `{"name": str, "size": int}`; `build_time` is when the manifest's
    entry was written; `current` is False for entries of earlier runs kept in the same manifest.
    `checksum` is `sha256:…` of its one file. `state` is what the image holds: the fold's.
    `storage` is where `path` is to be looked for; `kind` is `final`, `resumable` (only for the next
    attempt to start from) or None, where nobody says.
    """

    artifact_id: str
    region: str | None = None
    builder_type: str | None = None
    name: str | None = None
    packer_run_uuid: str | None = None
    build_time: datetime | None = None
    files: tuple[Json, ...] = ()
    custom_data: dict[str, str] = msgspec.field(default_factory=dict)
    current: bool = True
    checksum: str | None = None
    state: int | None = None
    storage: str | None = None
    path: str | None = None
    size_bytes: int | None = None
    kind: str | None = None
    expires_at: datetime | None = None


class Resource(Struct, frozen=True, omit_defaults=True):
    """Something in a cloud that costs money until it is removed: an instance, a volume."""

    type: str
    id: str


class SourceImage(Struct, frozen=True, omit_defaults=True):
    """An image that a build starts from, as its sender says it; None where it says no region."""

    artifact_id: str
    region: str | None = None


class Check(Struct, frozen=True, omit_defaults=True):
    """What a test run, a scan or a bill of materials says of a build's image.

    `counts` are by COUNTS, `fixable` how many of these findings have a fix, by severity.
    `database_at` is the time of the tool's database, `digest` is `sha256:…` of the report, which
    can be read at `url`. It is no event: nothing of the build's progress follows from it.
    """

    name: str
    kind: CheckKind
    status: CheckStatus
    at: datetime
    counts: dict[str, int] = msgspec.field(default_factory=dict)
    fixable: dict[str, int] = msgspec.field(default_factory=dict)
    tool: str | None = None
    tool_version: str | None = None
    database_at: datetime | None = None
    digest: str | None = None
    url: str | None = None


class Event(Struct, frozen=True, omit_defaults=True):
    """One fact that a delivery states about one build.

    `status` is a state row's for kind `stage` (started, completed, failed, skipped, cancelled), a
    build's for kind `build` (pending, running, completed, failed, cancelled), created or removed
    for kind `resource`, else None. An artifact's `state` is how far the image is that it holds.
    `at` is in UTC. `dated` is False where `at` had to be taken from the delivery. A `context` says
    nothing but its run and identity. `word` is the sender's own word for the status, in lower case;
    one of NEVER_RAN where a job is over that never began.
    """

    kind: Kind
    at: datetime
    status: str | None = None
    stage: str | None = None
    state: int | None = None
    allowed: bool = False
    failure: Failure | None = None
    artifact: Artifact | None = None
    manifest_sha256: str | None = None
    artifacts: tuple[Artifact, ...] = ()
    dated: bool = True
    word: str | None = None
    resource: Resource | None = None


class Statement(Struct, frozen=True, omit_defaults=True):
    """What one delivery says about one run of one build.

    `said` outranks `custom` (signed custom_data), which outranks `inferred`.
    `manifest` is Packer's document as it came, for `builds.packer_manifest`.
    `order` names the run's stages in turn, where the source lists them. `names` are raw names from
    which the image may be inferred, by their place: `{"target": "amazon-ebs.rhel9", "job": "…"}`.
    `sources` are the images that the run starts from. `checks` are none of the events, which a
    receiver of the release before folds as well.
    """

    build_number: str = ""
    run: Run = Run("")
    events: tuple[Event, ...] = ()
    said: Identity = Identity()
    custom: Identity = Identity()
    inferred: Identity = Identity()
    created_by: str | None = None
    manifest: Json | None = None
    order: tuple[str, ...] = ()
    names: dict[str, str] = msgspec.field(default_factory=dict)
    sources: tuple[SourceImage, ...] = ()
    checks: tuple[Check, ...] = ()

    @property
    def is_of_checks(self) -> bool:
        """Whether it says nothing of the build but its checks: no run of the build says it."""
        return bool(self.checks) and not self.events

    @property
    def identity(self) -> Identity:
        """The identity by this statement alone: said, else signed custom_data, else inferred."""
        levels = (self.said, self.custom, self.inferred)
        names = {
            name: next((text for each in levels if (text := getattr(each, name))), None)
            for name in DIMENSIONS
        }
        return Identity(**names)
