"""`/audit`: the changes of people and programs, for administrators."""

from flask import Response, request

from receiver.storage import audit
from receiver.storage.audit import AuditFilter
from receiver.storage.paging import DEFAULT_LIMIT
from receiver.web.auth import require_admin
from receiver.web.context import services
from receiver.web.filters import AuditQuery, page_filter
from receiver.web.pages.render import Values, blueprint, cached_page, next_link


@blueprint.get("/audit", endpoint="audit")
@blueprint.get("/audit.json", endpoint="audit_json")
def list_changes() -> Response:
    """List changes, newest first; target_kind, target_name and who filter them."""
    require_admin()
    return cached_page("audit.html", _changes)


def _changes() -> Values:
    conditions, after = page_filter(AuditQuery, request.args), request.args.get("after")
    items, cursor = audit.list_changes(
        services().database, AuditFilter(**conditions), DEFAULT_LIMIT, after
    )
    return {"items": items, "next": next_link(conditions, cursor), "_conditions": conditions}
