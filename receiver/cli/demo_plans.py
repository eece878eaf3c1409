"""Which builds the demo has: its images, and what becomes of each in a night; pure."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from functools import cache
from random import Random
from typing import NamedTuple

from receiver.cli import demo_data
from receiver.cli.demo_causes import CAUSES
from receiver.cli.demo_data import Family

NIGHTS = 14
WEEKS = 6  # of an image that is built once a week
BEGINS = time(1)  # in UTC: without other settings a night is a day
LASTS = timedelta(hours=6)
FAILING, RETRIED = 0.1, 0.4  # of the builds of a history of any length; of those that fail


class Image(NamedTuple):
    """An image of the demo."""

    family: Family
    platform: str
    os_version: str
    project: str

    @property
    def names(self) -> tuple[str, str, str, str]:
        """Project, platform, OS version and type."""
        return self.project, self.platform, self.os_version, self.family.image_type

    @property
    def slug(self) -> str:
        """The beginning of its build numbers."""
        return f"{self.project}-{self.os_version}-{self.family.image_type}-{self.platform}"


class Plan(NamedTuple):
    """A build to tell of: `what` is a cause, a word of demo_data.Story, or "" if it is good."""

    image: Image
    night: int
    began: datetime
    what: str = ""
    retried: bool = False
    suffix: str = ""

    @property
    def number(self) -> str:
        """Its build number, which ends with its day."""
        return f"{self.image.slug}-{self.began:%Y%m%d}{self.suffix}"

    @property
    def is_good(self) -> bool:
        """Whether an image came out of it."""
        return self.retried or self.what in ("", "slow")

    @property
    def chance(self) -> Random:
        """What varies of it: the same at each run."""
        return Random(f"{self.image.slug}/{self.night}")  # noqa: S311  # only to look real


@cache
def images(copies: int = 1) -> Sequence[Image]:
    """Return every image; those of a further copy are of projects such as `web-2`."""
    return [
        Image(family, platform, os_version, family.project + (f"-{copy}" if copy > 1 else ""))
        for copy in range(1, copies + 1)
        for family in demo_data.FAMILIES
        for os_version in family.os_versions
        for platform in family.platforms
    ]


def image_of(names: tuple[str, ...]) -> Image:
    """Return the image of these names."""
    return next(image for image in images() if image.names == names)


def nights_of(family: Family) -> range:
    """Return the nights in which images of a family are built, the last one first."""
    nights = NIGHTS if family.every == 1 else WEEKS * family.every
    return range(family.newest, nights, family.every)


def told(image: Image, night: int) -> tuple[str, bool]:
    """Return what happened to an image in a night, and whether it was tried again."""
    for story in demo_data.STORIES:
        if night in story.nights and set(story.words) <= set(image.names):
            return story.what, story.retried
    return "", False


def planned(image: Image, night: int, now: datetime) -> Plan:
    """Return the build of an image in a night."""
    return Plan(image, night, _begin(image, night, now), *told(image, night))


def by_chance(image: Image, night: int, now: datetime) -> Plan:
    """Return the build of an image in a night, which runs or fails by chance."""
    plan = Plan(image, night, _begin(image, night, now))
    chance = plan.chance
    if night == 0 and chance.random() < 0.02:
        return plan._replace(began=now - timedelta(minutes=chance.uniform(5, 20)), what="running")
    fails, retried = chance.random() < FAILING, chance.random() < RETRIED
    return plan._replace(what=chance.choice(_causes_of(image)), retried=retried) if fails else plan


def _begin(image: Image, night: int, now: datetime) -> datetime:
    """Return when a build began: of what is built on a base, after the bases."""
    day = (now - LASTS).astimezone(UTC).date() - timedelta(days=night)
    minutes = Random(image.slug).uniform(0, 50)  # noqa: S311  # only to look real
    after = timedelta(minutes=minutes + (100 if image.family.base else 0))
    return datetime.combine(day, BEGINS, UTC) + after


def _causes_of(image: Image) -> list[str]:
    words = (image.platform, image.os_version)
    return [
        name for name, cause in CAUSES.items() if any(word.startswith(cause.only) for word in words)
    ]
