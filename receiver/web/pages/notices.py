"""`/notices`: what was said to whom, what waits, what failed and why. No address is shown."""

from collections.abc import Sequence

from flask import Response, request

from receiver.domain.notices.notice import Notice
from receiver.errors import Unavailable
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
    project, told = require("read").project, _told()
    beside = "" if told is not None else "unread"
    return cached_page("notices.html", lambda: _notices(project, told), beside=beside)


def _told() -> Sequence[Notice] | None:
    """Return who is told of what; None where this receiver cannot read it, as without the key that
    encrypts it. What was told is shown all the same."""
    try:
        return services().rules.notices().notices
    except Unavailable:
        return None


def _notices(project: Own, told: Sequence[Notice] | None) -> Values:
    conditions, after = page_filter(NoticesQuery, request.args), request.args.get("after")
    items, cursor = list_notices(
        services().database, NoticeFilter(**conditions), DEFAULT_LIMIT, after, project
    )
    return {
        "items": items,
        "next": next_link(conditions, cursor),
        "_conditions": conditions,
        "_states": STATES,
        "_settings": told if project is None else [],
        "_unread": told is None,
    }
