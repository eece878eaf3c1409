"""Access to the app's services from a request."""

from typing import cast

from flask import current_app

from receiver.ingest.services import Services


def services() -> Services:
    """Return the services of the app that serves this request."""
    return cast(Services, current_app.extensions["milepost"])
