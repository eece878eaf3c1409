"""`/feed.atom`: the builds that fit a filter, as an Atom feed."""

from datetime import UTC, datetime

import feedgenerator
from flask import Response, request, url_for

from receiver.storage import builds
from receiver.storage.db import Row
from receiver.storage.paging import DEFAULT_LIMIT
from receiver.web.auth import require
from receiver.web.context import services
from receiver.web.pages import charts
from receiver.web.pages.render import blueprint


@blueprint.get("/feed.atom", endpoint="feed")
def feed() -> Response:
    """Takes the filters of /builds."""
    own, wanted = require("read").project, builds.parse_filter(request.args)
    database, stall_after = services().database, services().config.stall_after
    found = builds.list_builds(database, wanted, DEFAULT_LIMIT, None, stall_after, own)
    made = feedgenerator.Atom1Feed(
        title="Milepost builds",
        link=url_for("pages.builds", _external=True, **request.args),
        description="Golden image builds",
        feed_url=request.url,
    )
    for item in found.items:
        _add(made, item)
    response = Response(made.writeString("utf-8"), mimetype="application/atom+xml")
    response.headers["Cache-Control"] = "private, max-age=30"
    response.add_etag()
    response.make_conditional(request)
    return response


def _add(made: feedgenerator.Atom1Feed, item: Row) -> None:
    link = url_for("pages.build", build_number=item["build_number"], _external=True)
    names = (item["project"] or charts.DASH, item["platform"], item["os_version"])
    at = item["end_time"] or item["start_time"] or datetime.fromtimestamp(0, UTC)
    made.add_item(
        title=f"{item['build_number']}: {item['current_state']} {item['status']}",
        link=link,
        description=_text(" · ".join((*names, item["image_type"]))),
        updateddate=at,
        unique_id=f"{link}#{item['attempt']}-{item['status']}",
    )


def _text(text: str) -> str:
    """Without the control characters that XML forbids."""
    return "".join(each for each in text if each.isprintable())
