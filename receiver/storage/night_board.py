"""The nights of every image, and what fails, read together so that both tell the same."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from receiver.domain.conditions import Limits
from receiver.domain.image_runs import Image
from receiver.domain.images import image_of, is_named, usable_ids
from receiver.domain.night_board import Calendar, ImageNights, image_nights
from receiver.domain.windows import DAY
from receiver.storage import images
from receiver.storage.conditions import conditions
from receiver.storage.db import Database, Row, query
from receiver.storage.dimensions import Own, projects_within
from receiver.storage.failing import Failing, failing_of
from receiver.storage.hours import HoursOf, hours_of_projects
from receiver.storage.recent_builds import recent_images
from receiver.storage.serving import ServingOf, chains

PER_IMAGE = 100  # builds, where there are few images


@dataclass(frozen=True, slots=True)
class Board:
    """The images with their nights, those in trouble first within their projects; what fails; the
    artifact that is served of each image, by its names; and the deliveries of a day that nobody
    could use."""

    rows: list[ImageNights]
    failing: Failing
    served: dict[tuple[object, ...], Row]
    quarantined: int
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
) -> Board:
    """Return the nights up to the one that begins on `day`, None for the present one; of the
    projects of `own` and those below them, where the caller may read nothing else."""
    with database.transaction() as connection:
        projects = None if own is None else projects_within(connection, own)
        found = conditions(connection, limits, now)
        known = recent_images(connection, serving_of, found, projects, per_image=PER_IMAGE)
        failing = failing_of(connection, serving_of, known, now, projects)
        calendar = Calendar(hours_of_projects(connection, hours_of), now, day)
        quarantined = connection.execute(query("overview/quarantined")).fetchone()
        projects_above = {names[0]: names for names in chains(connection).values()}
    rows = [
        image_nights(image, calendar, _every(image, projects_above, limits))
        for image in known
        if is_named(image.names)
    ]
    served = _served(images.latest_images(database, serving_of, own))
    count = quarantined["count"] if quarantined and own is None else 0
    return Board(sorted(rows, key=_order), failing, served, count, projects, calendar)


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
    """Return the first region's artifact of each image, with the number of the other regions."""
    served: dict[tuple[object, ...], Row] = {}
    for row in rows:
        first = served.setdefault(image_of(row), {"ids": usable_ids(row), "row": row, "more": -1})
        first["more"] += 1
    return served
