"""The status pages: check the caller, ask a read query, render. Nothing here writes or decides."""

from flask import Flask

from receiver.web.pages import (
    audit,
    badges,
    build_lists,
    builds,
    deliveries,
    failures,
    feed,
    image,
    images,
    navigation,
    notices,
    overview,
    revocations,
    search,
    setup,
    setup_senders,
    stages,
    template_filters,
    trends,
    zones,
)

PAGES = (
    audit, badges, build_lists, builds, deliveries, failures, feed, image, images, navigation,
    notices, overview, revocations, search, setup, setup_senders, stages, template_filters, trends,
    zones,
)  # fmt: skip


def register(app: Flask) -> None:
    """Add the pages to an app; most of them share one blueprint."""
    for blueprint in dict.fromkeys(page.blueprint for page in PAGES):
        app.register_blueprint(blueprint)
