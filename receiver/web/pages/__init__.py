"""The status pages: check the caller, ask a read query, render. Nothing here writes or decides."""

from flask import Flask

from receiver.web.pages import (
    audit,
    badges,
    builds,
    deliveries,
    failures,
    feed,
    images,
    overview,
    setup,
    stages,
    template_filters,
)

PAGES = (
    audit, badges, builds, deliveries, failures, feed, images, overview, setup, stages,
    template_filters,
)  # fmt: skip


def register(app: Flask) -> None:
    """Add the pages to an app; most of them share one blueprint."""
    for blueprint in dict.fromkeys(page.blueprint for page in PAGES):
        app.register_blueprint(blueprint)
