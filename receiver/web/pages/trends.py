"""`/trends`: how builds go over time."""

from flask import Response

from receiver.web.auth import require_read
from receiver.web.pages.render import blueprint, page


@blueprint.get("/trends", endpoint="trends")
def show() -> Response:
    """Show success, durations and waste of the last days."""
    require_read()
    return page("trends.html")
