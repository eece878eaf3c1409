"""`/`: the state of every image."""

from datetime import UTC, datetime

from flask import Response, request

from receiver.storage import overview
from receiver.storage.db import Row
from receiver.web.auth import require_read
from receiver.web.context import services
from receiver.web.pages import charts
from receiver.web.pages.render import Values, answer, blueprint

NAMES = ("build_number", "project", "platform", "os_version", "image_type", "status")


@blueprint.get("/", endpoint="overview")
@blueprint.get("/overview.json", endpoint="overview_json")
def overview_page() -> Response:
    """The latest build of every combination; what runs, stalled, failed, did not start."""
    require_read()
    return answer("overview.html", _overview)


def _overview() -> Values:
    config = services().config
    found = overview.overview(services().database, datetime.now(UTC), config.stall_after)
    text = request.args.get("q", "").strip()
    latest = [cell for cell in found["latest"] if _fits(cell, text)]
    drawn = charts.grids(latest, found["parents"])
    worst = next((each for each in ("failed", "stalled", "running") if found[each]), "")
    return found | {
        "latest": latest,
        "_grids": drawn,
        "_text": text,
        "_worst": worst,
        "_total": len(found["parents"]) or found["latest"],
        "_many": len(latest) > charts.MANY,
    }


def _fits(cell: Row, text: str) -> bool:
    words = " ".join(str(cell[name] or "") for name in NAMES).lower()
    return all(word in words for word in text.lower().split())
