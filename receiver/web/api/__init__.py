"""/api/v1: the same answers as the pages, as JSON, and what people and programs may change."""

from flask import Flask

from receiver.web.api import (
    builds,
    channels,
    confirmed_images,
    deliveries,
    dimensions,
    docs,
    document,
    failures,
    images,
    lineage,
    merges,
    notices,
    revocations,
    stats,
)

__all__ = ["register"]


def register(app: Flask) -> None:
    """Add the API and its document to an app."""
    each = (
        builds,
        images,
        lineage,
        channels,
        revocations,
        confirmed_images,
        merges,
        failures,
        deliveries,
        notices,
        stats,
    )
    document.register(app, [*(module.blueprint for module in each), *dimensions.blueprints])
    app.register_blueprint(docs.blueprint)
