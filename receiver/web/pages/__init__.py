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
    render,
    setup,
    stages,
    template_filters,
)

__all__ = [
    "audit",
    "badges",
    "builds",
    "failures",
    "feed",
    "images",
    "overview",
    "stages",
    "template_filters",
]


def register(app: Flask) -> None:
    """Add the pages to an app."""
    for module in (render, deliveries, setup):
        app.register_blueprint(module.blueprint)
