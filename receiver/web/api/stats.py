"""/api/v1/stats: how builds go. /api/v1/audit: who changed what."""

from datetime import UTC, datetime
from typing import Any

from flask import Response

from receiver.storage import audit, stats
from receiver.storage.audit import AuditFilter
from receiver.web.api import answer_schemas, request_schemas
from receiver.web.api.operations import Blueprint, json, page
from receiver.web.api.shapes import list_of, page_of
from receiver.web.context import services

Json = dict[str, Any]
blueprint = Blueprint("stats", __name__, description="How builds go, and who changed what.")


@blueprint.operation("GET", "/stats", caller="read", answers={200: answer_schemas.Summary})
def show_stats() -> Response:
    """What /metrics and the overview count."""
    stall_after = services().config.stall_after
    return json(stats.summary(services().database, datetime.now(UTC), stall_after))


@blueprint.operation(
    "GET",
    "/stats/combinations",
    caller="read",
    answers={200: list_of(answer_schemas.Combination)},
)
def list_combinations() -> Response:
    """How builds of each combination went in 30 days."""
    return json({"items": stats.combinations(services().database)})


@blueprint.operation(
    "GET", "/stats/stages", caller="read", answers={200: list_of(answer_schemas.StageStats)}
)
def list_stages() -> Response:
    """How each state went, of the newest 1,000 builds."""
    return json({"items": stats.stages(services().database)})


@blueprint.operation(
    "GET",
    "/audit",
    caller="admin",
    query=request_schemas.AuditQuery,
    answers={200: page_of(answer_schemas.Change)},
)
def list_audit(query: Json) -> Response:
    """Who changed what, the newest first."""
    limit, after = query.pop("limit"), query.pop("after", None)
    return page(*audit.list_changes(services().database, AuditFilter(**query), limit, after))
