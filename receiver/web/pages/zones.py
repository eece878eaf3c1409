"""The one time zone in which the pages show and take times."""

from datetime import UTC, datetime, tzinfo

from receiver.ingest.project_settings import EVERY_PROJECT
from receiver.web.context import services
from receiver.web.pages.render import blueprint


def page_zone() -> tzinfo:
    """Return the zone of the window of `[project."*"]`, else UTC."""
    window = services().rules.projects().of((EVERY_PROJECT,)).window
    return window.zone if window else UTC


def local(at: datetime) -> datetime:
    """Return a time in this zone; one at the calendar's end, as a sender may state it, as it is."""
    try:
        return at.astimezone(page_zone())
    except OverflowError:
        return at


@blueprint.app_template_global("page_zone")
def zone_name() -> str:
    """Return the zone's name, such as Europe/Berlin."""
    return str(page_zone())
