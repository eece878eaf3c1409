"""Read queries for the overview, for badges and for the page of stages."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from receiver.domain import redact
from receiver.domain.conditions import Limits, counted
from receiver.domain.image_runs import Image
from receiver.domain.images import image_of, is_named
from receiver.domain.model import DIMENSIONS
from receiver.storage import unnamed
from receiver.storage.conditions import Conditions, conditions, conditions_of
from receiver.storage.db import Connection, Database, Row, array, as_json, query
from receiver.storage.dimensions import Own, current_names, is_within, projects_within
from receiver.storage.expected_images import ExpectedImage, expected_images
from receiver.storage.failing import Failing, failing_of
from receiver.storage.recent_builds import recent_images
from receiver.storage.serving import ServingOf, rules


@dataclass(frozen=True, slots=True)
class Read:
    """What an overview is made of that was read before."""

    found: Conditions
    expected: Sequence[ExpectedImage]
    images: Sequence[Image]
    nameless: Sequence[Row]
    failing: Failing


def database_version(database: Database) -> str:
    """Return a text that changes with every commit: while it is the same, every page is."""
    with database.transaction() as connection:
        row = connection.execute(query("overview/snapshot")).fetchone()
    return row["version"] if row else ""


def count_expected(
    database: Database,
    serving_of: ServingOf,
    limits: Limits,
    now: datetime,
    own: Collection[str] | None = None,
) -> Row:
    """Return what read_overview() says of the expected images, of some projects or of all."""
    with database.transaction() as connection:
        latest = _latest_builds(connection, serving_of)
        expected = expected_images(connection, serving_of, limits.expectation_of, now)
    cells = [cell for cell in latest if is_named(cell)]
    if own is not None:
        cells = [cell for cell in cells if cell["project"] in own]
        expected = [each for each in expected if each.names["project"] in own]
    return _expected(expected, cells)


def read_overview(database: Database, serving_of: ServingOf, limits: Limits, now: datetime) -> Row:
    """Return the latest build of each combination, and of these the running, overdue, stalled,
    failed and missing ones; a lost one is failed. Builds of which nobody says what they make are no
    combination: `unnamed`."""
    with database.transaction() as connection:
        found = conditions(connection, limits, now)
        images = recent_images(connection, serving_of, found)
        nameless = unnamed.unnamed_builds(connection, now, serving_of)
        failing = failing_of(connection, images, nameless)
        expected = expected_images(connection, serving_of, limits.expectation_of, now)
        return overview_of(connection, Read(found, expected, images, nameless, failing))


def overview_of(connection: Connection, read: Read, *, has_all: bool = True) -> Row:
    """Return the same with what was read before. Unless it `has_all`, the latest builds alone that
    have a condition or whose image is missing."""
    found, failing = read.found, read.failing
    missing = {image_of(each.names) for each in read.expected if each.is_missing}
    latest = _cells(
        connection,
        [
            each.latest["id"]
            for each in read.images
            if has_all or each.latest["condition"] or image_of(each.names) in missing
        ],
    )
    lost = {"lost": array(found.ids("lost"))}
    running = connection.execute(query("overview/running_builds"), lost).fetchall()
    tree = connection.execute(query("dimensions/project_tree")).fetchall()
    nameless = unnamed.by_repository(connection, read.nameless)
    found.mark([*latest, *running])
    for row in [*latest, *running]:
        del row["id"]
    named = [cell for cell in latest if is_named(cell)]
    return {
        "expected": _expected(read.expected, named),
        "running": [row for row in running if not row["stalled"]],
        "overdue": [row for row in latest if row["condition"] == "overdue"],
        "stalled": [row for row in latest if row["condition"] == "stalled"],
        "failed": redact.document(failing.images),
        **failing.counts,
        "unnamed": nameless,
        "latest": named,
        "parents": {row["name"]: row["parent"] for row in tree},
    }


def _expected(images: Sequence[ExpectedImage], cells: Sequence[Row]) -> Row:
    """Return how many images are expected, of which nothing began when it should have (`missing`,
    the cells), and which are `late`: the newest good build is too old."""
    expected = [each for each in images if each.is_expected]
    missing = {image_of(each.names) for each in expected if each.is_missing}
    absent = [cell for cell in cells if image_of(cell) in missing]
    return {
        "count": len(expected),
        "seen": len(expected) - len(absent),
        "missing": absent,
        "late": [_late(each) for each in images if each.lateness.is_late],
    }


def _late(image: ExpectedImage) -> Row:
    return image.names | {
        "build_number": image.last_number,
        "good_build": image.good and image.good["build_number"],
        "reason": image.lateness.reason,
        "due_at": image.lateness.due_at,
        "late_since": image.lateness.late_since,
    }


def find_latest_build(
    database: Database,
    serving_of: ServingOf,
    limits: Limits,
    names: Sequence[str],
    own: Own = None,
) -> Row | None:
    """Return the latest build of one combination; `names` are project (- for none), platform, OS
    version and image type, also by their old names, or the pieces of names with slashes. Of the
    projects of `own` and those below them, where the caller may read nothing else."""
    with database.transaction() as connection:
        if len(names) == len(DIMENSIONS):
            names = [*current_names(connection, dict(zip(DIMENSIONS, names, strict=True))).values()]
        rows = _latest_builds(connection, serving_of)
        fits = [row for row in rows if "/".join(_names_of(row)) == "/".join(names)]
        fits = [row for row in fits if is_within(connection, row["project"], own)]
        conditions_of(connection, fits, limits, datetime.now(UTC)).mark(fits)
    return next(filter(is_named, fits), None)


def _names_of(row: Row) -> list[str]:
    return [row[name] or "-" for name in DIMENSIONS]


def count_statuses(
    database: Database, serving_of: ServingOf, limits: Limits, project: str, own: Own = None
) -> Counter[str]:
    """Return the number of a project's combinations by what their latest builds count as; nothing
    where `own` are the only projects that the caller may read, and it is none of them."""
    with database.transaction() as connection:
        if not is_within(connection, project, own):
            return Counter()
        rows = _latest_builds(connection, serving_of)
        mine = [row for row in rows if row["project"] == project and is_named(row)]
        conditions_of(connection, mine, limits, datetime.now(UTC)).mark(mine)
    return Counter(counted(row) for row in mine)


def _latest_builds(connection: Connection, serving_of: ServingOf) -> list[Row]:
    rows = {"rules": as_json(rules(connection, serving_of))}
    found = connection.execute(query("overview/latest_builds"), rows).fetchall()
    return _latest_of_images(_cells(connection, [row["id"] for row in found]))


def _cells(connection: Connection, ids: Collection[UUID]) -> list[Row]:
    if not ids:
        return []
    return connection.execute(query("overview/cells"), {"ids": array(ids)}).fetchall()


def _latest_of_images(rows: Sequence[Row]) -> list[Row]:
    """Return the latest build of each image: one that states no platform may be of the same."""
    latest: dict[tuple[object, ...], Row] = {}
    for row in rows:
        other = latest.setdefault(image_of(row), row)
        if (row["created_at"], row["id"]) > (other["created_at"], other["id"]):
            latest[image_of(row)] = row
    return list(latest.values())


def has_builds(database: Database) -> bool:
    """Return whether any build was ever reported."""
    with database.transaction() as connection:
        return connection.execute(query("overview/any_build")).fetchone() is not None


def stage_names(database: Database, own: Own = None) -> Row:
    """Return the newest builds' stages that map to each state (`seen`), and those that map to none
    (`unmapped`); of the `projects` that the caller may read, None where that is every one."""
    with database.transaction() as connection:
        projects = None if own is None else list(projects_within(connection, own))
        parameters = {"projects": projects}
        seen = connection.execute(query("overview/seen_stages"), parameters).fetchall()
        unmapped = connection.execute(query("overview/unmapped_stages"), parameters).fetchall()
    names: dict[int, list[str]] = {}
    for row in seen:
        names.setdefault(row["state"], []).append(row["stage"])
    return {"seen": names, "unmapped": unmapped, "projects": projects}
