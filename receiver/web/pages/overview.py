"""`/`: where every image stands. `/stages`: what maps to which state."""

from datetime import UTC, datetime

from flask import Response, request

from receiver.domain import stages
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


@blueprint.get("/stages", endpoint="stages")
@blueprint.get("/stages.json", endpoint="stages_json")
def stages_() -> Response:
    """The codes, what maps to them, and names seen lately that map to nothing."""
    require_read()
    return answer("stages.html", _stages)


def _stages() -> Values:
    found = overview.stages(services().database)
    table = [
        {
            "state": state,
            "name": name,
            "aliases": [each for each in stages.ALIASES.get(state, "").split(", ") if each],
            "seen": found["seen"].get(state, []),
        }
        for state, name in stages.STATES.items()
    ]
    return {"stages": table, "unmapped": found["unmapped"]}
