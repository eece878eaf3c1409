"""What fails now: the one place that counts failed images and open failures.

Pages, API and metrics all tell these numbers, so all of them ask here.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from receiver.domain.image_runs import Image
from receiver.domain.images import is_named
from receiver.domain.model import DIMENSIONS
from receiver.storage import unnamed
from receiver.storage.conditions import Conditions
from receiver.storage.db import Connection, Row, array, query
from receiver.storage.masked import show_masked
from receiver.storage.recent_builds import FEWEST, recent_images
from receiver.storage.serving import ServingOf

BUILD = ("build_number", "status", "attempt", "run_url", *DIMENSIONS)  # of a failure's build


@dataclass(frozen=True, slots=True)
class Failing:
    """What fails now.

    `images` are the failed images, each with `failures`, those of its newest failed build, and
    `is_acknowledged`, where somebody resolved all of them. `open` are the open failures, the newest
    first: those that nobody resolved, of failed builds since the last good one of their image, or
    of builds that nobody names.
    """

    images: list[Row]
    open: list[Row]

    @property
    def failed(self) -> int:
        """The number of failed images."""
        return len(self.images)

    @property
    def acknowledged(self) -> int:
        """The number of failed images all of whose failures somebody resolved."""
        return sum(row["is_acknowledged"] for row in self.images)

    @property
    def counts(self) -> Row:
        """These numbers by the names that pages, API and metrics give them."""
        return {
            "failed_images": self.failed,
            "acknowledged_images": self.acknowledged,
            "open_failures": len(self.open),
        }


def read_failing(
    connection: Connection,
    serving_of: ServingOf,
    found: Conditions,
    now: datetime,
    projects: Collection[str] | None = None,
) -> Failing:
    """Return what fails now, with the running builds that `found` calls lost; of `projects`,
    where the caller may read nothing else."""
    images = recent_images(connection, serving_of, found, projects)
    nameless = unnamed.unnamed_builds(connection, now, serving_of)
    return failing_of(connection, images, nameless, projects)


def failing_of(
    connection: Connection,
    images: Sequence[Image],
    unnamed_builds: Sequence[Row],
    projects: Collection[str] | None = None,
) -> Failing:
    """Return what fails of images and unnamed builds that were read. The newest builds alone count,
    as many as are read of the image with the fewest, so that every reader counts the same."""
    newest = [_newest(each) for each in images if is_named(each.names)]
    failed = [(image, image.failed_since_good) for image in newest if image.is_failed]
    builds = {build["id"]: image.names | build for image, builds in failed for build in builds}
    nameless = _failed_nameless(unnamed_builds, projects)
    failures = failures_of_builds(connection, [*builds, *nameless])
    shown = [_image(image, since, failures) for image, since in failed]
    owners = builds | nameless
    opened = [
        failure | {name: owners[build_id][name] for name in BUILD}
        for build_id, rows in failures.items()
        for failure in rows
        if not failure["resolved"]
    ]
    return Failing(shown, sorted(opened, key=lambda row: row["created_at"], reverse=True))


def _newest(image: Image) -> Image:
    if len(image.builds) <= FEWEST:
        return image
    known = sorted(image.builds, key=lambda row: (row["created_at"], row["id"]), reverse=True)
    return Image(image.names, known[:FEWEST])


def _image(image: Image, since: Sequence[Row], failures: dict[UUID, list[Row]]) -> Row:
    """Return a failed image: its newest failed build, that build's failures, and since when."""
    newest = image.names | since[0]
    own = [row for row in failures.get(newest["id"], []) if row["attempt"] == newest["attempt"]]
    good = image.last_good
    return {
        **{name: newest[name] for name in (*BUILD, "condition", "condition_reason")},
        "failed_at": newest["end_time"] or newest["last_heard_at"],
        "failed_since": since[-1]["began_at"] or since[-1]["created_at"],
        "failed_builds": len(since),
        "last_good": good and good["build_number"],
        "last_good_at": good and good["end_time"],
        "failures": own,
        "is_acknowledged": bool(own) and all(row["resolved"] for row in own),
    }


def _failed_nameless(rows: Sequence[Row], projects: Collection[str] | None) -> dict[UUID, Row]:
    """Return the failed builds of which nobody says what they make, by id."""
    return {
        row["id"]: row
        for row in rows
        if row["status"] == "failed" and (projects is None or row["project"] in projects)
    }


def failures_of_builds(connection: Connection, build_ids: Sequence[UUID]) -> dict[UUID, list[Row]]:
    """Return the newest 20 failures of each build that has some, masked."""
    parameters = {"build_ids": array(build_ids)}
    rows = connection.execute(query("failures/failures_of_builds"), parameters).fetchall()
    show_masked(rows)
    failures: dict[UUID, list[Row]] = {}
    for row in rows:
        failures.setdefault(row["build_id"], []).append(row)
    return failures
