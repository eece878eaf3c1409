"""The ages of images, and whether they are late, beside what is served of them."""

from collections.abc import Iterable, Mapping, Sequence, Set
from datetime import UTC, datetime

from receiver.domain.expectations import Expectation, ExpectationOf
from receiver.domain.images import ImageFilter, image_of
from receiver.domain.model import DIMENSIONS
from receiver.storage.db import Connection, Database, Row
from receiver.storage.dimensions import Own, current_names, projects_within
from receiver.storage.expected_images import ExpectedImage, expected_images
from receiver.storage.serving import ServingOf

NOTHING: Row = {  # of an image of which nothing good was ever built
    **dict.fromkeys(("region", "artifact_id", "build_number", "built_at", "behind", "name")),
    **dict.fromkeys(("arch", "branch", "inferred", "channel", "revocation", "base")),
    **dict.fromkeys(("age_seconds", "superseded_at")),
}
NEVER: Row = {"late": True, "late_reason": "no build of it ever began"}


def with_ages(
    database: Database,
    serving_of: ServingOf,
    expectation_of: ExpectationOf,
    rows: Sequence[Row],
    wanted: ImageFilter,
    own: Own = None,
) -> list[Row]:
    """Return images with `age_seconds` since they were made or renewed, `renewed_at`, `due_at`,
    `late`, `late_reason` and `missing_regions`."""
    now = datetime.now(UTC)
    with database.transaction() as connection:
        expected = _expected(connection, serving_of, expectation_of, wanted, now, own)
    return [row | _ages(row, expected.get(image_of(row)), now) for row in rows]


def absent_images(
    database: Database,
    serving_of: ServingOf,
    expectation_of: ExpectationOf,
    rows: Iterable[Row],
    wanted: ImageFilter,
    own: Own = None,
    lines: Iterable[Expectation] = (),
) -> list[Row]:
    """Return the late images that have no row among those that are served, in the same form; and
    those that a line names of which nothing ever began."""
    now, listed = datetime.now(UTC), {image_of(row) for row in rows}
    with database.transaction() as connection:
        expected = _expected(connection, serving_of, expectation_of, wanted, now, own)
        never = _never_begun(connection, lines, listed | expected.keys(), wanted, own)
    absent = (each for image, each in expected.items() if image not in listed)
    late = [NOTHING | each.names | _ages(NOTHING, each, now) for each in absent if _is_late(each)]
    return late + [NOTHING | names | _ages(NOTHING, None, now) | NEVER for names in never]


def _never_begun(
    connection: Connection,
    lines: Iterable[Expectation],
    known: Set[tuple[object, ...]],
    wanted: ImageFilter,
    own: Own,
) -> list[Row]:
    """Return the names of images that lines name, by their present names, and no build has."""
    named = [line.only_image for line in lines]
    current = [current_names(connection, names) for names in named if names]
    within = None if own is None else projects_within(connection, own)
    return [
        names
        for names in {image_of(each): each for each in current}.values()
        if image_of(names) not in known
        and (within is None or names["project"] in within)
        and all(getattr(wanted, name) in (None, names[name]) for name in DIMENSIONS)
    ]


def _is_late(image: ExpectedImage) -> bool:
    return image.lateness.is_late


def _expected(
    connection: Connection,
    serving_of: ServingOf,
    expectation_of: ExpectationOf,
    wanted: ImageFilter,
    now: datetime,
    own: Own,
) -> Mapping[tuple[object, ...], ExpectedImage]:
    images = expected_images(connection, serving_of, expectation_of, now, own, wanted)
    return {image_of(each.names): each for each in images}


def _ages(row: Row, image: ExpectedImage | None, now: datetime) -> Row:
    renewed_at = _renewed_at(row, image)
    since = renewed_at or row["built_at"]
    lateness = image and image.lateness
    return {
        "renewed_at": renewed_at,
        "age_seconds": since and int((now - since).total_seconds()),
        "due_at": lateness and lateness.due_at,
        "late": bool(lateness and lateness.is_late),
        "late_reason": lateness and lateness.reason,
        "missing_regions": list(lateness.missing_regions) if lateness else [],
    }


def _renewed_at(row: Row, image: ExpectedImage | None) -> datetime | None:
    """Return when an image was renewed: the newest one alone is."""
    if image is None or image.renewal is None or row["behind"] or row["built_at"] is None:
        return None
    renewed_at: datetime = image.renewal["built_at"]
    return renewed_at if renewed_at > row["built_at"] else None
