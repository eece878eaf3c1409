"""`/trends`: how builds go over time."""

from collections.abc import Sequence
from datetime import UTC, datetime

from flask import Response, request

from receiver.errors import Invalid
from receiver.storage.db import Row
from receiver.storage.dimensions import Own
from receiver.storage.trends import read_trends
from receiver.web.auth import require
from receiver.web.context import hours_of, limits, services
from receiver.web.pages import heat_maps, trend_charts
from receiver.web.pages.render import Values, blueprint, cached_page

SPANS = ("7", "30", "90")  # days
WORST = 10  # images of each list
FEWEST = 3  # builds of an image that is called slow or flaky
HEAT_NIGHTS = 14
WEEK = {
    "Builds": "builds",
    "Good": "success",
    "Failed or needed another attempt": "flaky",
    "Median": "median_seconds",
    "90th percentile": "p90_seconds",
}


@blueprint.get("/trends", endpoint="trends")
@blueprint.get("/trends.json", endpoint="trends_json")
def show() -> Response:
    """Show success, durations, stages, and the worst images of the last 7, 30 or 90 days, of every
    platform or of one."""
    own, days = require("read").project, request.args.get("days") or "30"
    if days not in SPANS:
        raise Invalid("The filter is invalid.", fields={"days": [f"Must be one of {SPANS}."]})
    platform = request.args.get("platform") or None
    return cached_page("trends.html", lambda: _trends(int(days), platform, own))


def _trends(days: int, platform: str | None, own: Own) -> Values:
    now = datetime.now(UTC)
    found, known = read_trends(services().database, hours_of(), limits(), now, days, platform, own)
    labels = known.labels(row["night"] for row in found["nights"])
    nights = trend_charts.by_place(found["nights"], labels)[-days:]
    for row in found["nights"]:
        row["day"] = known.days[row["night"] - 1]
    return found | {
        "days": days,
        "_spans": SPANS,
        "_table": nights,
        "_success": trend_charts.success(nights),
        "_durations": trend_charts.durations(nights),
        "_heat_map": heat_maps.ratios(found["stages"], labels, min(days, HEAT_NIGHTS)),
        "_lists": _lists(found["images"]),
        "_weeks": _weeks(found["weeks"]),
        "_is_empty": not found["nights"],
    }


def _weeks(rows: Sequence[Row]) -> list[tuple[str, int | None, int | None]]:
    """Return the last seven nights and the seven before side by side: what is compared by its
    column, with `success` and `flaky` in percent; nothing where one of them has no builds."""
    weeks = {row["weeks_ago"]: row | _shares(row) for row in rows}
    if len(weeks) < 2:
        return []
    return [(label, weeks[0][column], weeks[1][column]) for label, column in WEEK.items()]


def _shares(row: Row) -> Row:
    total = row["completed"] + row["failed"]
    return {
        "builds": total,
        "success": round(row["completed"] / total * 100),
        "flaky": round(row["unsteady"] / total * 100),
    }


def _lists(images: Sequence[Row]) -> dict[str, list[Row]]:
    """Return the slowest, the flakiest and the most wasteful images, the worst first."""
    several = [row for row in images if row["builds"] >= FEWEST]
    for row in images:
        row["unsteady_percent"] = round(row["unsteady"] / row["builds"] * 100)
    slow = [row for row in several if row["median_seconds"]]
    flaky = [row for row in several if row["unsteady"]]
    wasteful = [row for row in images if row["wasted_seconds"]]
    return {
        "slowest": _worst(slow, "median_seconds"),
        "flakiest": _worst(flaky, "unsteady_percent"),
        "wasteful": _worst(wasteful, "wasted_seconds"),
    }


def _worst(images: Sequence[Row], column: str) -> list[Row]:
    return sorted(images, key=lambda row: -row[column])[:WORST]
