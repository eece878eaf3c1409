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
from receiver.storage.db import Database, Row
from receiver.storage.dimensions import Own, projects_within
from receiver.storage.failed_images import Needs, read_needs
from receiver.storage.failing import Failing, failing_of
from receiver.storage.hours import HoursOf, hours_of_projects
from receiver.storage.overview import overview_of
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
) -> Board:
    """Return the nights up to the one that begins on `day`, None for the present one; of the
    projects of `own` and those below them, where the caller may read nothing else."""
    with database.transaction() as connection:
        projects = None if own is None else projects_within(connection, own)
        found = conditions(connection, limits, now)
        known = recent_images(connection, serving_of, found, projects, per_image=PER_IMAGE)
        failing = failing_of(connection, serving_of, known, now, projects)
        calendar = Calendar(hours_of_projects(connection, hours_of), now, day)
        projects_above = {names[0]: names for names in chains(connection).values()}
        current = overview_of(connection, serving_of, limits, now, found, failing)
        served = _served(images.newest_images(connection, serving_of, own))
        needs = read_needs(connection, known, served, own, projects)
        trust = read_trust(connection)
    rows = [
        image_nights(image, calendar, _every(image, projects_above, limits))
        for image in known
        if is_named(image.names)
    ]
    return Board(
        sorted(rows, key=_order), failing, current, served, needs, trust, projects, calendar
    )


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
