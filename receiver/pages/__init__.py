"""The status pages: check who asks, ask a reader, render. Nothing here writes or decides."""

from receiver.pages import badges, builds, feed, filters, images, overview, trail, troubles
from receiver.pages.answers import blueprint

__all__ = [
    "badges",
    "blueprint",
    "builds",
    "feed",
    "filters",
    "images",
    "overview",
    "trail",
    "troubles",
]
