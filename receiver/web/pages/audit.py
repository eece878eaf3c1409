"""`/audit`: who changed what, for administrators."""

from urllib.parse import urlencode

from flask import Response, request

from receiver.storage import audit
from receiver.storage.audit import AuditFilter
from receiver.storage.paging import DEFAULT_LIMIT
from receiver.web.auth import require_admin
from receiver.web.context import services
from receiver.web.pages.render import Values, answer, blueprint

NAMES = ("target_kind", "target_name", "who")


@blueprint.get("/audit", endpoint="audit")
@blueprint.get("/audit.json", endpoint="audit_json")
def list_changes() -> Response:
    """The newest first; target_kind, target_name and who narrow it."""
    require_admin()
    return answer("audit.html", _changes)


def _changes() -> Values:
    given = {name: text.replace("\0", "") for name in NAMES if (text := request.args.get(name))}
    after = request.args.get("after")
    items, cursor = audit.list_changes(
        services().database, AuditFilter(**given), DEFAULT_LIMIT, after
    )
    more = f"{request.path}?{urlencode(given | {'after': cursor})}" if cursor else None
    return {"items": items, "next": more, "_given": given}
