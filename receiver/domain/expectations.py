"""What is expected of images, by a line of the projects file. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import time, timedelta
from fnmatch import fnmatchcase
from typing import Any

from receiver.domain.model import DIMENSIONS
from receiver.domain.windows import Window

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Expectation:
    """An image that is expected: patterns of its dimensions, and its limits; None is no limit.

    `hours` is the window of its project: `ready_by` is a time of day in its zone.
    """

    project: str | None = None
    platform: str | None = None
    os_version: str | None = None
    image_type: str | None = None
    every: timedelta | None = None
    grace: timedelta | None = None
    max_age: timedelta | None = None
    ready_by: time | None = None
    max_duration: timedelta | None = None
    regions: tuple[str, ...] = ()
    hours: Window | None = None

    def fits(self, image: Row, projects: Sequence[str]) -> bool:
        """Return whether it is about an image; `projects` are its project's names and those of the
        projects above it, none of an image without a project."""
        names = {name: [image[name] or ""] for name in DIMENSIONS} | {"project": projects or [""]}
        return all(_matches(getattr(self, name), names[name]) for name in DIMENSIONS)


# An image's names, and the names of its project with those of the projects above it, nearest first
# → what is expected of it.
ExpectationOf = Callable[[Row, Sequence[str]], Expectation | None]


def _matches(pattern: str | None, names: Sequence[str]) -> bool:
    """Return whether one of the names fits a pattern in which * is any text and ? any character."""
    plain = pattern and pattern.replace("[", "[[]")
    return plain is None or any(fnmatchcase(name, plain) for name in names)
