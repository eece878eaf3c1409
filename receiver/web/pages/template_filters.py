"""Filters of the templates: durations, ages, names of states, safe links."""

from datetime import UTC, datetime

import orjson

from receiver.domain import display, stage_map
from receiver.web.pages import zones
from receiver.web.pages.render import blueprint

WHOLE_ID = 40  # characters of an id that lists show whole
PLACES = {  # as builds.inferred names them
    "target": "the name of Packer's source",
    "entry": "the name of the manifest's entry",
    "template": "the template's name",
    "var_file": "the var-file's name",
    "folder": "the folder of the template",
    "job": "the job's name",
    "workflow": "the workflow's name",
    "builder": "the builder's type",
}


@blueprint.app_template_filter("duration")
def duration(seconds: float | None) -> str:
    """Return a duration: 3725 → "1 h 2 min"."""
    return display.duration(seconds)


@blueprint.app_template_filter("short_duration")
def short_duration(seconds: float | None) -> str:
    """Return a duration in minutes, of an hour and more as "1:02 h", for narrow columns."""
    if seconds is None:
        return display.DASH
    minutes = max(1, round(seconds / 60))
    hours, rest = divmod(minutes, 60)
    return f"{hours}:{rest:02} h" if hours else f"{minutes} min"


@blueprint.app_template_filter("full_time")
def full_time(at: datetime) -> str:
    """Return a time to the second, with its zone: "2026-11-29 22:14:05 UTC"."""
    return f"{zones.local(at):%Y-%m-%d %H:%M:%S %Z}"


@blueprint.app_template_filter("clock_time")
def clock_time(at: datetime) -> str:
    """Return a time to the minute: "29 Nov 22:14", of another year "29 Nov 2025"."""
    local = zones.local(at)
    if local.year != zones.local(datetime.now(UTC)).year:
        return f"{local.day} {local:%b %Y}"
    return f"{local.day} {local:%b %H:%M}"


@blueprint.app_template_filter("end_time")
def end_time(at: datetime) -> str:
    """Return the time at which something would end: of today "14:04", else as clock_time()."""
    local = zones.local(at)
    is_today = local.date() == zones.local(datetime.now(UTC)).date()
    return f"{local:%H:%M}" if is_today else clock_time(at)


@blueprint.app_template_filter("age")
def age(at: datetime | None) -> str:
    """Return the time since then in one unit ("5 min"), or a dash."""
    if at is None:
        return display.DASH
    text = display.duration(max(0.0, (datetime.now(UTC) - at).total_seconds()))
    return " ".join(text.split(" ")[:2])


@blueprint.app_template_filter("since")
def since(at: datetime | None) -> str:
    """Return the time since then in two units, or a dash."""
    return display.duration((datetime.now(UTC) - at).total_seconds() if at else None)


@blueprint.app_template_filter("until")
def until(at: str) -> str:
    """Return how long it is until a time, given as ISO 8601, in one unit ("3 d")."""
    left = (datetime.fromisoformat(at) - datetime.now(UTC)).total_seconds()
    return " ".join(display.duration(max(0.0, left)).split(" ")[:2])


@blueprint.app_template_filter("sign")
def sign(status: str) -> str:
    """Return the sign of a status, so that colour is never the only one."""
    return display.sign(status)


@blueprint.app_template_filter("json_text")
def json_text(value: object, indent: bool = True) -> str:
    """Return JSON for people: `tojson` would show "<" as \\u003c."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 if indent else None).decode()


@blueprint.app_template_filter("label")
def label(dimension: str) -> str:
    """Return a dimension's name in words: os_version → "OS version"."""
    return display.label(dimension)


@blueprint.app_template_filter("capitalize_first")
def capitalize_first(text: str) -> str:
    """Return a sentence with a capital letter; names in it stay as they are."""
    return text[:1].upper() + text[1:]


@blueprint.app_template_filter("place_words")
def place_words(place: str) -> str:
    """Return where a name stands that a dimension is inferred from: job → "the job's name"."""
    return PLACES.get(place, f"the {place.replace('_', ' ')}")


@blueprint.app_template_filter("state_name")
def state_name(state: int) -> str:
    """Return the name of a state code (25 → "security baseline"), or an empty text."""
    return stage_map.STATES.get(state, "")


@blueprint.app_template_filter("safe_link")
def safe_link(url: str | None) -> str:
    """Return the URL if it is a web address: autoescaping lets `javascript:` pass."""
    return url if url and url.lower().startswith(("https://", "http://")) else ""


@blueprint.app_template_filter("excerpt")
def excerpt(text: str, limit: int | None) -> str:
    """Return the beginning of a text; all of it without a limit."""
    return text if limit is None or len(text) <= limit else f"{text[:limit]}…"


@blueprint.app_template_filter("short_id")
def short_id(artifact_id: str) -> str:
    """Return an artifact's id as lists show it; of a long path the part that tells it from others.

    https://learn.microsoft.com/azure/virtual-machines/image-version: ids of Azure name the image,
    and the version of a gallery's, after `/images/`.
    """
    _, separator, name = artifact_id.rpartition("/images/")
    is_long = len(artifact_id) > WHOLE_ID
    return f"…/{excerpt(name, 60)}" if is_long and separator else excerpt(artifact_id, 60)
