"""`/builds` with its filters, also as CSV."""

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from flask import Response, request

from receiver.domain.model import BUILD_STATUSES, DIMENSIONS
from receiver.domain.nights import night_name
from receiver.domain.windows import period_of
from receiver.storage import build_lists
from receiver.storage.build_lists import WHOLE, BuildFilter
from receiver.storage.db import Row
from receiver.storage.dimensions import Own
from receiver.storage.hours import read_hours
from receiver.storage.paging import DEFAULT_LIMIT
from receiver.web.auth import require
from receiver.web.context import hours_of, limits, services
from receiver.web.filters import build_arguments, build_filter
from receiver.web.pages.render import Values, blueprint, cached_page, next_link
from receiver.web.pages.zones import page_zone

COLUMNS = (  # of the CSV
    *("build_number", *DIMENSIONS, "status", "current_state", "attempt", "start_time", "end_time"),
    *("duration_seconds", "created_by", "branch", "commit_sha", "cause"),
)
# The head of a column → the order that it gives, and the one of a second click.
SORTS = {
    "Build": ("number", "newest"),
    "State": ("state", "highest"),
    "Status": ("status", "newest"),
    "Image": ("image", "newest"),
    "Started": ("newest", "oldest"),
    "Duration": ("duration", "shortest"),
}


@blueprint.get("/builds", endpoint="builds")
@blueprint.get("/builds.json", endpoint="builds_json")
def list_builds() -> Response:
    """List the builds that match the filters, newest first."""
    caller = require("read")
    conditions = build_filter(request.args, page_zone())
    return cached_page("builds.html", lambda: _builds(conditions, caller.project))


@blueprint.get("/builds.csv", endpoint="builds_csv")
def builds_as_csv() -> Response:
    """Return all builds of the list, at most the newest 10,000, for spreadsheets."""
    caller = require("read")
    page = build_lists.list_builds(
        services().database,
        build_filter(request.args, page_zone()),
        WHOLE,
        None,
        limits(),
        caller.project,
    )
    response = Response(_csv(page.items), mimetype="text/csv")
    response.headers["Content-Disposition"] = 'attachment; filename="builds.csv"'
    return response


def _builds(conditions: BuildFilter, project: Own) -> Values:
    database = services().database
    page = build_lists.list_builds(
        database, conditions, DEFAULT_LIMIT, request.args.get("after"), limits(), project
    )
    arguments = build_arguments(request.args)
    return {
        "items": page.items,
        "next": next_link(arguments, page.cursor),
        "unknown": page.unknown,
        "_is_cut": page.is_cut,
        "_arguments": arguments,
        "_filter": conditions,
        "_facets": build_lists.count_facets(database, conditions, limits(), project),
        "_sorts": {head: _sort(conditions.order, orders) for head, orders in SORTS.items()},
        "_nights": _nights(page.items) if conditions.order == "newest" else {},
        "_statuses": BUILD_STATUSES,
    }


def _sort(order: str, orders: tuple[str, str]) -> Row:
    """Return the next order of a column's head, and whether the list is in one of its orders."""
    first, second = orders
    is_first = order == first
    is_own = is_first or (order == second and second != "newest")
    return {"next": second if is_first else first, "is_own": is_own, "is_first": is_first}


def _nights(items: Sequence[Row]) -> dict[str, str]:
    """Return the name of a night by the number of its first build in the list. The list is in the
    order in which builds were made known, so a late one does not begin a night again."""
    hours = read_hours(services().database, hours_of())
    names: dict[str, str] = {}
    oldest: str | None = None
    for build in items:
        if build["start_time"] is None:
            continue
        period = period_of(build["start_time"], hours.get(build["project"]))
        if oldest is None or period.name < oldest:
            oldest = period.name
            names[build["build_number"]] = night_name(period)
    return names


def _csv(items: Sequence[Row]) -> Iterator[str]:
    yield _line(COLUMNS)
    for build in items:
        yield _line([_cell(build[name]) for name in COLUMNS])


def _line(cells: Sequence[str]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue()


def _cell(value: object) -> str:
    """Return a value as a cell. A spreadsheet would run a text that begins as a formula:
    https://owasp.org/www-community/attacks/CSV_Injection"""
    if value is None:
        return ""
    text = value.astimezone(UTC).isoformat() if isinstance(value, datetime) else str(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
