"""`/feed.atom`: the builds that match a filter, as an Atom feed."""

from datetime import UTC, datetime

import feedgenerator
from flask import Response, request, url_for

from receiver.domain.conditions import counted, shown
from receiver.domain.display import DASH
from receiver.storage import build_lists
from receiver.storage.db import Row
from receiver.storage.paging import DEFAULT_LIMIT
from receiver.web.auth import require
from receiver.web.context import limits, services
from receiver.web.filters import build_arguments, build_filter
from receiver.web.pages import charts
from receiver.web.pages.render import blueprint
from receiver.web.pages.zones import page_zone


@blueprint.get("/feed.atom", endpoint="feed")
def feed() -> Response:
    """Return the newest builds as Atom; takes the filters of /builds."""
    project, conditions = require("read").project, build_filter(request.args, page_zone())
    database = services().database
    page = build_lists.list_builds(database, conditions, DEFAULT_LIMIT, None, limits(), project)
    atom = feedgenerator.Atom1Feed(
        title="Milepost builds",
        link=url_for("pages.builds", _external=True, **build_arguments(request.args)),
        description="Golden image builds",
        feed_url=request.url,
    )
    for build in page.items:
        _add(atom, build)
    response = Response(atom.writeString("utf-8"), mimetype="application/atom+xml")
    response.headers["Cache-Control"] = "private, max-age=30"
    response.add_etag()
    response.make_conditional(request)
    return response


def _add(atom: feedgenerator.Atom1Feed, build: Row) -> None:
    link = url_for("pages.build", build_number=build["build_number"], _external=True)
    names = (build["project"] or DASH, build["platform"], build["os_version"])
    at = build["end_time"] or build["start_time"] or datetime.fromtimestamp(0, UTC)
    atom.add_item(
        title=f"{build['build_number']}: {charts.state(build)} {shown(build)}",
        link=link,
        description=_printable(" · ".join((*names, build["image_type"]))),
        updateddate=at,
        unique_id=f"{link}#{build['attempt']}-{counted(build)}",
    )


def _printable(text: str) -> str:
    """Remove the control characters that XML forbids."""
    return "".join(each for each in text if each.isprintable())
