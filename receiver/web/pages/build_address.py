"""The addresses of builds whose number is a step in a path: a browser makes another address of
`/builds/..` before it asks, so these have the form with a query.

https://url.spec.whatwg.org/#double-dot-path-segment
"""

from flask.sansio.blueprints import BlueprintSetupState
from werkzeug.routing import UnicodeConverter, ValidationError

STEPS = (".", "..")


class BuildNumber(UnicodeConverter):
    """A build's number in a path; of one that no path can have, the next rule makes the address."""

    def to_url(self, value: str) -> str:
        """Return the number, quoted. Raises ValidationError."""
        if value in STEPS:
            raise ValidationError
        return super().to_url(value)


def add_converter(state: BlueprintSetupState) -> None:
    """Make the converter known to an app; before any route that uses it."""
    state.app.url_map.converters["build_number"] = BuildNumber
