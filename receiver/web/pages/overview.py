"""`/`: the state of every image."""

from datetime import UTC, datetime

from flask import Response, request

from receiver.domain.model import DIMENSIONS
from receiver.storage import overview
from receiver.storage.db import Row
from receiver.web.auth import require_read
from receiver.web.context import services
from receiver.web.pages import charts
from receiver.web.pages.render import Values, blueprint, cached_page

NAMES = ("build_number", *DIMENSIONS, "status")


@blueprint.get("/", endpoint="overview")
@blueprint.get("/overview.json", endpoint="overview_json")
def overview_page() -> Response:
    """Show the latest build of every combination, and lists of the builds that need attention."""
    require_read()
    return cached_page("overview.html", _overview)


def _overview() -> Values:
    config = services().config
    current = overview.read_overview(services().database, datetime.now(UTC), config.stall_after)
    text = request.args.get("q", "").strip()
    latest = [cell for cell in current["latest"] if _matches(cell, text)]
    grids = charts.grids(latest, current["parents"])
    worst = next((each for each in ("failed", "stalled", "running") if current[each]), "")
    return current | {
        "latest": latest,
        "_grids": grids,
        "_text": text,
        "_worst": worst,
        "_total": len(current["parents"]) or current["latest"],
        "_many": len(latest) > charts.MANY,
    }


def _matches(cell: Row, text: str) -> bool:
    words = " ".join(str(cell[name] or "") for name in NAMES).lower()
    return all(word in words for word in text.lower().split())
