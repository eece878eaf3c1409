"""The status pages: check who asks, ask a reader, render. Nothing here writes or decides."""

from receiver.web.pages import audit, badges, builds, failures, feed, filters, images, overview
from receiver.web.pages.render import blueprint

__all__ = [
    "audit",
    "badges",
    "blueprint",
    "builds",
    "failures",
    "feed",
    "filters",
    "images",
    "overview",
]
