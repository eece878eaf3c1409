"""`/`: the state of every image."""

from datetime import UTC, datetime

from flask import Response, request

from receiver.domain.conditions import counted
from receiver.domain.model import DIMENSIONS
from receiver.storage import lineage_of_builds, overview
from receiver.storage.db import Row
from receiver.web.auth import require_read
from receiver.web.context import limits, services, serving_of
from receiver.web.pages import charts
from receiver.web.pages.render import Values, blueprint, cached_page

MAX_CELLS = 1_000  # of the page; its JSON twin has all
NAMES = ("build_number", *DIMENSIONS, "status", "condition")


@blueprint.get("/", endpoint="overview")
@blueprint.get("/overview.json", endpoint="overview_json")
def overview_page() -> Response:
    """Show the latest build of every combination, and lists of the builds that need attention."""
    require_read()
    return cached_page("overview.html", _overview)


def _overview() -> Values:
    current = overview.read_overview(services().database, serving_of(), limits(), datetime.now(UTC))
    text = request.args.get("q", "").strip()
    latest = [cell for cell in current["latest"] if _matches(cell, text)]
    shown = sorted(latest, key=_urgency)[:MAX_CELLS] if len(latest) > MAX_CELLS else latest
    grids = charts.grids(shown, current["parents"])
    worst = next((each for each in ("failed", "stalled", "running") if current[each]), "")
    return current | {
        "behind": lineage_of_builds.count_behind(services().database, serving_of()),
        "latest": latest,
        "_grids": grids,
        "_cut": len(latest) - len(shown),
        "_text": text,
        "_worst": worst,
        "_total": len(current["parents"]) or current["latest"] or current["unnamed"]["count"],
        "_many": len(latest) > charts.MANY,
    }


def _urgency(cell: Row) -> tuple[bool, float]:
    """Return the key that puts failed and running builds first, then the newest."""
    at = cell["end_time"] or cell["start_time"]
    return counted(cell) not in ("failed", "running"), -at.timestamp() if at else 0


def _matches(cell: Row, text: str) -> bool:
    words = " ".join(str(cell[name] or "") for name in NAMES).lower()
    return all(word in words for word in text.lower().split())
