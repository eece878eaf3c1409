"""`/stages`: the state codes, and which names of stages map to them."""

from flask import Response

from receiver.domain import stage_map, stage_words
from receiver.storage import overview
from receiver.web.auth import require_read
from receiver.web.context import services
from receiver.web.pages.render import Values, blueprint, cached_page


@blueprint.get("/stages", endpoint="stages")
@blueprint.get("/stages.json", endpoint="stages_json")
def list_stages() -> Response:
    """Show the codes, the names that map to each, and recent names that map to none."""
    require_read()
    return cached_page("stages.html", _stages)


def _stages() -> Values:
    recent = overview.stage_names(services().database)
    table = [
        {
            "state": state,
            "name": name,
            "aliases": [each for each in stage_words.ALIASES.get(state, "").split(", ") if each],
            "seen": recent["seen"].get(state, []),
        }
        for state, name in stage_map.STATES.items()
    ]
    return {"stages": table, "unmapped": recent["unmapped"]}
