"""When each image is expected, and whether it is late."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from receiver.domain.expectations import (
    Expectation,
    ExpectationOf,
    History,
    Lateness,
    is_expected,
    lateness,
)
from receiver.domain.images import ImageFilter, image_of
from receiver.domain.model import DIMENSIONS
from receiver.storage.db import Connection, Database, Question, Row, array, as_json, query
from receiver.storage.dimensions import Own, projects_within
from receiver.storage.serving import ServingOf, chains, rules

GOOD = 8  # builds that an image's interval is learned of
OF_GOOD = ("id", "build_number", "built_at", "began_at", "unchanged", "is_revoked")  # arrays


@dataclass(frozen=True, slots=True)
class ExpectedImage:
    """An image with what is expected of it.

    `names` has its dimensions. `good` is its newest good build, with build_number and built_at, and
    `renewal` the one that found nothing to do since, if any; `last_number` is its newest build,
    whatever became of it. All are None where there is none.
    """

    names: Row
    is_expected: bool
    lateness: Lateness
    good: Row | None
    renewal: Row | None
    last_number: str | None
    last_began_at: datetime | None

    @property
    def is_missing(self) -> bool:
        """Whether it is expected, and nothing of it began when it should have."""
        return self.is_expected and self.lateness.is_missing

    @property
    def good_at(self) -> datetime | None:
        """When it was made or renewed last."""
        newest = self.renewal or self.good or {"built_at": None}
        at: datetime | None = newest["built_at"]
        return at


def expected_images(
    connection: Connection,
    serving_of: ServingOf,
    expectation_of: ExpectationOf,
    now: datetime,
    own: Own = None,
    wanted: ImageFilter | None = None,
) -> list[ExpectedImage]:
    """Return every image that has a name, or those of the names that are wanted; of `own` projects,
    where the caller sees no other ones.

    Images of which no build of a served branch ever began are none of them.
    """
    question = good_builds(connection, serving_of, now, own, wanted)
    rows = connection.execute(*question, binary=True).fetchall()
    return expected_of(connection, rows, expectation_of, now)


def good_builds(
    connection: Connection,
    serving_of: ServingOf,
    now: datetime,
    own: Own = None,
    wanted: ImageFilter | None = None,
) -> Question:
    """Return what is asked for expected_of()."""
    names = {name: getattr(wanted, name) if wanted else None for name in DIMENSIONS}
    return query("expectations/good_builds"), names | {
        "rules": as_json(rules(connection, serving_of)),
        "own": None if own is None else list(projects_within(connection, own)),
        "now": now,
    }


def expected_of(
    connection: Connection, rows: Sequence[Row], expectation_of: ExpectationOf, now: datetime
) -> list[ExpectedImage]:
    """Return the images of the rows of good_builds.sql; see expected_images()."""
    projects = chains(connection)
    grouped: dict[tuple[object, ...], list[Row]] = {}
    for row in rows:  # builds that state no platform are of the same image
        if row["last_began_at"] or row["id"]:
            grouped.setdefault(image_of(row), []).append(row)
    expected = {
        image: expectation_of(found[0], projects.get(found[0]["project_id"], []))
        for image, found in grouped.items()
    }
    regions = _regions(connection, _with_regions(grouped, expected), now)
    return [_image(found, expected[image], regions, now) for image, found in grouped.items()]


def read_expected_images(
    database: Database, serving_of: ServingOf, expectation_of: ExpectationOf, now: datetime
) -> list[ExpectedImage]:
    """Return the same in a transaction of its own."""
    with database.transaction() as connection:
        return expected_images(connection, serving_of, expectation_of, now)


def _image(
    rows: Sequence[Row],
    expectation: Expectation | None,
    regions: Mapping[UUID, frozenset[str]],
    now: datetime,
) -> ExpectedImage:
    good = _good(rows)
    usable = [row for row in good if not row["is_revoked"]]
    made = next((row for row in usable if not row["unchanged"]), None)
    begun = [row for row in rows if row["last_began_at"]]
    last: Row = max(begun, key=lambda row: row["last_began_at"], default={})
    history = History(
        first_at=min(row["first_at"] for row in rows),
        ends=[row["built_at"] for row in good],
        good_at=usable[0]["built_at"] if usable else None,
        good_began_at=usable[0]["began_at"] if usable else None,
        began_at=last.get("last_began_at"),
        regions=regions.get(made["id"], frozenset()) if made else None,
    )
    return ExpectedImage(
        names={name: rows[0][name] for name in DIMENSIONS},
        is_expected=is_expected(history, expectation),
        lateness=lateness(history, expectation, now),
        good=made,
        renewal=usable[0] if usable and usable[0]["unchanged"] else None,
        last_number=last.get("last_number"),
        last_began_at=last.get("last_began_at"),
    )


def _good(rows: Iterable[Row]) -> list[Row]:
    """Return the last good builds of an image, the newest first."""
    good = [build for row in rows for build in _builds(row)]
    return sorted(good, key=lambda row: (row["built_at"], row["id"]), reverse=True)[:GOOD]


def _builds(row: Row) -> list[Row]:
    """Return the good builds in the arrays of a row of good_builds.sql."""
    arrays = [row[name] or () for name in OF_GOOD]
    return [dict(zip(OF_GOOD, values, strict=True)) for values in zip(*arrays, strict=True)]


def _with_regions(
    grouped: Mapping[tuple[object, ...], Sequence[Row]],
    expected: Mapping[tuple[object, ...], Expectation | None],
) -> list[UUID]:
    """Return the builds of which the regions are asked: none where no region is expected."""
    wanted = [image for image, each in expected.items() if each and each.regions]
    return [each for image in wanted for row in grouped[image] for each in row["id"] or ()]


def _regions(
    connection: Connection, build_ids: Sequence[UUID], now: datetime
) -> dict[UUID, frozenset[str]]:
    if not build_ids:
        return {}
    parameters = {"build_ids": array(build_ids), "now": now}
    found: dict[UUID, set[str]] = {}
    for row in connection.execute(query("expectations/regions"), parameters).fetchall():
        found.setdefault(row["build_id"], set()).add(row["region"])
    return {build_id: frozenset(regions) for build_id, regions in found.items()}
