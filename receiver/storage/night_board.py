"""The nights of every image, and what fails, read together so that both tell the same."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from receiver.domain.conditions import Limits
from receiver.domain.image_runs import Image
from receiver.domain.images import image_of, is_named, usable_ids
from receiver.domain.night_board import Calendar, ImageNights, image_nights
from receiver.domain.windows import DAY
from receiver.storage import expected_images, images, unnamed
from receiver.storage.conditions import conditions
from receiver.storage.db import Database, Row
from receiver.storage.dimensions import Own, projects_within
from receiver.storage.failed_images import Needs, read_needs
from receiver.storage.failing import Failing, failing_of
from receiver.storage.hours import HoursOf, hours_of_projects
from receiver.storage.overview import Read, overview_of
from receiver.storage.recent_builds import recent_images
from receiver.storage.serving import ServingOf, chains
from receiver.storage.trust import Trust, read_trust

PER_IMAGE = 100  # builds, where there are few images


@dataclass(frozen=True, slots=True)
class Board:
    """The images with their nights, those in trouble first within their projects; what fails; what
    read_overview() tells; the artifact that is served of each image, by its names; what the failed
    images still serve, and who waits for them; and what tells whether all of it is here."""

    rows: list[ImageNights]
    failing: Failing
    current: Row
    served: dict[tuple[object, ...], Row]
    needs: Mapping[tuple[object, ...], Needs]
    trust: Trust
    projects: Collection[str] | None
    calendar: Calendar


def read_board(
    database: Database,
    serving_of: ServingOf,
    hours_of: HoursOf,
    limits: Limits,
    now: datetime,
    day: date | None,
    own: Own = None,
    *,
    has_all: bool = True,
) -> Board:
    """Return the nights up to the one that begins on `day`, None for the present one; of the
    projects of `own` and those below them, where the caller may read nothing else. See
    overview_of() for `has_all`."""
    with database.transaction() as connection:
        projects = None if own is None else projects_within(connection, own)
        found = conditions(connection, limits, now)
        known = recent_images(connection, serving_of, found, projects, per_image=PER_IMAGE)
        calendar = Calendar(hours_of_projects(connection, hours_of), now, day)
        projects_above = {names[0]: names for names in chains(connection).values()}
        good_builds = expected_images.good_builds(connection, serving_of, now)
        newest_served = images.newest_served(connection, serving_of, own)
        with connection.pipeline():  # PostgreSQL reads while the nights are worked out here
            good = connection.execute(*good_builds, binary=True)
            newest = connection.execute(*newest_served)
            rows = _rows(known, calendar, projects_above, limits)
        nameless = unnamed.unnamed_builds(connection, now, serving_of)
        failing = failing_of(connection, known, nameless, projects)
        expected = expected_images.expected_of(
            connection, good.fetchall(), limits.expectation_of, now
        )
        read = Read(found, expected, known, nameless, failing)
        current = overview_of(connection, read, has_all=has_all)
        served = _served(images.newest_of(connection, newest.fetchall(), own))
        needs = read_needs(connection, known, served, own, projects)
        trust = read_trust(connection)
    return Board(rows, failing, current, served, needs, trust, projects, calendar)


def _rows(
    known: Sequence[Image],
    calendar: Calendar,
    projects_above: Mapping[str, Sequence[str]],
    limits: Limits,
) -> list[ImageNights]:
    rows = [
        image_nights(image, calendar, _every(image, projects_above, limits))
        for image in known
        if is_named(image.names)
    ]
    return sorted(rows, key=_order)


def _every(image: Image, projects_above: Mapping[str, Sequence[str]], limits: Limits) -> int | None:
    """Return how many nights `[[expect]]` states from one build to the next."""
    chain = projects_above.get(image.names["project"] or "", [])
    expectation = limits.expectation_of(image.names, chain)
    if expectation is None or expectation.every is None:
        return None
    return max(1, expectation.every // DAY)


def _order(row: ImageNights) -> tuple[object, ...]:
    names = row.image.names
    return (
        names["project"] or "\U0010ffff",
        not row.is_in_trouble,
        row.image.running is None,
        names["platform"],
        names["major_version"],
        names["minor_version"] or 0,
        names["os_version"],
        names["image_type"],
    )


def _served(rows: Collection[Row]) -> dict[tuple[object, ...], Row]:
    """Return the first artifact of each image, with its `ids`."""
    served: dict[tuple[object, ...], Row] = {}
    for row in rows:
        served.setdefault(image_of(row), row | {"ids": usable_ids(row)})
    return served
