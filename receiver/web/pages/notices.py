"""`/notices`: what was said to whom, what waits, what failed and why. No address is shown."""

from flask import Response, request

from receiver.storage.dimensions import Own
from receiver.storage.notice_list import STATES, NoticeFilter, list_notices
from receiver.storage.paging import DEFAULT_LIMIT
from receiver.web.auth import require
from receiver.web.context import services
from receiver.web.filters import NoticesQuery, page_filter
from receiver.web.pages.render import Values, blueprint, cached_page, next_link


@blueprint.get("/notices", endpoint="notices")
@blueprint.get("/notices.json", endpoint="notices_json")
def list_() -> Response:
    """List notices, newest first; notice, type and state filter them."""
    project = require("read").project
    return cached_page("notices.html", lambda: _notices(project))


def _notices(project: Own) -> Values:
    conditions, after = page_filter(NoticesQuery, request.args), request.args.get("after")
    items, cursor = list_notices(
        services().database, NoticeFilter(**conditions), DEFAULT_LIMIT, after, project
    )
    settings = services().rules.notices().notices
    return {
        "items": items,
        "next": next_link(conditions, cursor),
        "_conditions": conditions,
        "_states": STATES,
        "_settings": settings if project is None else [],
    }
