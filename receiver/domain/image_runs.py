"""The builds of one image one after the other: which one counts, and since when it fails. Pure.

A build is a row of newest_builds.sql: status, began_at, start_time, end_time, created_at, future.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from operator import itemgetter
from typing import Any
from uuid import UUID

from receiver.domain.images import image_of

Row = dict[str, Any]
GOOD = ("completed",)
ENDS = (*GOOD, "failed")


@dataclass(frozen=True)
class Image:
    """An image and its newest builds, those that ended or began last first; at least one.

    `names` is a row with its dimensions.
    """

    names: Row
    builds: Sequence[Row]

    @cached_property
    def latest(self) -> Row:
        """The build that was made known last."""
        return max(self.builds, key=itemgetter("created_at", "id"))

    @cached_property
    def newest_ended(self) -> Row | None:
        """The build that tells how the image is: the last that came to a good or a bad end. One
        that was cancelled tells nothing of its image."""
        ended = [build for build in self.builds if has_ended(build)]
        return max(ended, key=_order, default=None)

    @cached_property
    def is_failed(self) -> bool:
        """Whether its newest ended build failed or is lost; resolving a failure changes nothing."""
        newest = self.newest_ended
        return newest is not None and is_failed(newest)

    @cached_property
    def failed_since_good(self) -> list[Row]:
        """The failed builds since the last good one, the newest first."""
        good = self.last_good
        failed = [build for build in self.builds if is_failed(build)]
        later = [build for build in failed if good is None or _order(build) > _order(good)]
        return sorted(later, key=_order, reverse=True)

    @cached_property
    def last_good(self) -> Row | None:
        """The good build that ended last."""
        return max(filter(is_good, self.builds), key=_order, default=None)

    @cached_property
    def running(self) -> Row | None:
        """The newest build that runs, and is not lost."""
        alive = (build for build in self.builds if build["status"] == "running")
        return next((build for build in alive if not is_failed(build)), None)


def is_failed(build: Row) -> bool:
    """Return whether a build failed, or nobody will ever hear of it again."""
    return build["status"] == "failed" or build.get("condition") == "lost"


def has_ended(build: Row) -> bool:
    """Return whether a build came to a good or a bad end; one that was cancelled tells nothing."""
    return build["status"] in ENDS or build.get("condition") == "lost"


def is_good(build: Row) -> bool:
    """Return whether a build came to a good end."""
    return build["status"] in GOOD


def ended_at(build: Row) -> datetime:
    """Return when a build ended, as it orders images: of a time in the future, its receipt."""
    if build["future"] or build["end_time"] is None:
        moment: datetime = build["last_heard_at"] or build["created_at"]
        return moment
    end: datetime = build["end_time"]
    return end


def _order(build: Row) -> tuple[datetime, datetime, UUID]:
    return ended_at(build), build["created_at"], build["id"]


def began_at(build: Row) -> datetime:
    """Return when the first attempt of a build began, which is what its window goes by."""
    moment: datetime = build["began_at"] or build["created_at"]
    return min(moment, build["created_at"]) if build["future"] else moment


def images_of(combinations: Iterable[tuple[Row, Sequence[Row]]]) -> list[Image]:
    """Return the images of combinations, each a row of names and its builds; one whose builds state
    no platform may be of the same image as another."""
    by_image: dict[tuple[object, ...], tuple[Row, list[Row]]] = {}
    for names, builds in combinations:
        by_image.setdefault(image_of(names), (names, []))[1].extend(builds)
    return [
        Image(names, sorted(each, key=began_at, reverse=True)) for names, each in by_image.values()
    ]
