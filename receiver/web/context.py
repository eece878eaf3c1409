"""Access to the app's services from a request."""

from collections.abc import Sequence
from typing import cast

from flask import current_app, g, request

from receiver.domain.conditions import Limits
from receiver.domain.expectations import ExpectationOf
from receiver.domain.windows import Window
from receiver.ingest.limits import limits as limits_of
from receiver.ingest.services import Services
from receiver.storage.hours import HoursOf
from receiver.storage.serving import ServingOf

READS = ("GET", "HEAD", "OPTIONS")


def services() -> Services:
    """Return the services of the app that serves this request; a read cannot write with them."""
    found: Services | None = g.get("services")
    if found is None:
        mine = cast(Services, current_app.extensions["milepost"])
        found = g.services = mine.reading() if request.method in READS else mine
    return found


def serving_of() -> ServingOf:
    """Return what tells which builds of a project are served, of the newest projects file."""
    return services().rules.projects().serving


def hours_of() -> HoursOf:
    """Return what tells the window of a project, of the newest projects file."""
    settings = services().rules.projects()

    def window(projects: Sequence[str]) -> Window | None:
        return settings.of(projects).window

    return window


def limits() -> Limits:
    """Return when a running build is overdue, stalled or lost."""
    return limits_of(services().config, services().rules)


def expectation_of() -> ExpectationOf:
    """Return what tells what is expected of an image, of the newest projects file."""
    return services().rules.projects().expectation
