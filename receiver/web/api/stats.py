"""/api/v1/stats: counts and durations of builds. /api/v1/audit: the audit trail."""

from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from receiver.domain.model import Json
from receiver.storage import audit, statistics
from receiver.storage.audit import AuditFilter
from receiver.web import auth
from receiver.web.api.operations import Blueprint, list_of, page, page_of
from receiver.web.api.schemas import Dimensions, Time
from receiver.web.context import limits, services, serving_of
from receiver.web.filters import AuditQuery

READS = "read its project"
blueprint = Blueprint("stats", "Counts and durations of builds, and the audit trail.")


class Summary(Struct):
    """The counts of /metrics and the overview."""

    builds_of_24_hours: dict[str, int]
    running: int
    overdue: int
    stalled: int
    lost: int
    combinations_expected: int
    combinations_seen: int
    failed_images: Annotated[
        int, Meta(description="Whose newest ended build failed or is lost; resolved ones too.")
    ]
    acknowledged_images: Annotated[
        int, Meta(description="Failed images all of whose failures somebody resolved.")
    ]
    open_failures: Annotated[
        int,
        Meta(
            description="That nobody resolved, of failed builds since the last good one of their "
            "image, and of builds that nobody names."
        ),
    ]
    quarantined_deliveries: int
    last_delivery_at: Time | None


class CombinationStats(Dimensions):
    """The builds of one combination in 30 days."""

    builds: int
    completed: int
    failed: int
    cancelled: int
    median_seconds: int | None
    last_at: Time


class StageStats(Struct):
    """The runs of one state."""

    name: str | None
    state: int
    runs: int
    failed: int
    median_seconds: int | None
    p90_seconds: int | None


class AuditEntry(Struct):
    """A change by a person or a program."""

    id: UUID
    at: Time
    who: str
    via: Literal["token", "page", "proxy", "command"]
    action: str
    target_kind: str
    target_id: UUID | None
    target_name: str | None
    before: Json | None
    after: Json | None


@blueprint.operation("GET", "/stats", READS, {200: Summary})
def show_stats() -> Json:
    """Show the counts of /metrics and the overview."""
    own, now = auth.require("read").project, datetime.now(UTC)
    return statistics.summary(services().database, serving_of(), limits(), now, own)


@blueprint.operation("GET", "/stats/combinations", READS, {200: list_of(CombinationStats)})
def list_combinations() -> Json:
    """List the combinations of 30 days, with counts and durations of their builds."""
    own = auth.require("read").project
    return {"items": statistics.combination_statistics(services().database, limits(), own)}


@blueprint.operation("GET", "/stats/stages", READS, {200: list_of(StageStats)})
def list_stages() -> Json:
    """List the states of the newest 1,000 builds, with counts and durations of their runs."""
    own = auth.require("read").project
    return {"items": statistics.stage_statistics(services().database, limits(), own)}


@blueprint.operation("GET", "/audit", "admin", {200: page_of(AuditEntry)}, query=AuditQuery)
def list_audit(query: Json) -> Json:
    """List changes by people and programs, newest first."""
    limit, after = query.pop("limit"), query.pop("after", None)
    return page(*audit.list_changes(services().database, AuditFilter(**query), limit, after))
