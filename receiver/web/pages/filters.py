"""What templates call: spans of time, ages, names of states, links that are safe to follow."""

from datetime import UTC, datetime

import orjson

from receiver.domain import stages
from receiver.web.pages import charts
from receiver.web.pages.render import blueprint

SIGNS = {"completed": "✓", "failed": "✗", "running": "◐", "started": "◐", "cancelled": "⊘"}
OTHER_SIGNS = {"skipped": "»", "stalled": "◌", "pending": "○"}


@blueprint.app_template_filter("duration")
def duration(seconds: float | None) -> str:
    """3725 → "1 h 2 min"."""
    return charts.duration(seconds)


@blueprint.app_template_filter("age")
def age(at: datetime | None) -> str:
    """How long ago, in one unit: "5 min"; a dash for no time."""
    if at is None:
        return charts.DASH
    text = charts.duration(max(0.0, (datetime.now(UTC) - at).total_seconds()))
    return " ".join(text.split(" ")[:2])


@blueprint.app_template_filter("since")
def since(at: datetime | None) -> str:
    """How long ago, in two units."""
    return charts.duration((datetime.now(UTC) - at).total_seconds() if at else None)


@blueprint.app_template_filter("sign")
def sign(status: str) -> str:
    """The shape of a status, so that colour is never the only sign."""
    return (SIGNS | OTHER_SIGNS).get(status, "○")


@blueprint.app_template_filter("json_text")
def json_text(value: object, indent: bool = True) -> str:
    """JSON to be read by people: `tojson` would show "<" as \\u003c."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 if indent else None).decode()


@blueprint.app_template_filter("state_name")
def state_name(state: int) -> str:
    """25 → "security baseline"; empty for a number between the built-in ones."""
    return stages.STATES.get(state, "")


@blueprint.app_template_filter("safe_link")
def safe_link(url: str | None) -> str:
    """The URL if it is a web address, else nothing: autoescaping lets `javascript:` through."""
    return url if url and url.lower().startswith(("https://", "http://")) else ""
