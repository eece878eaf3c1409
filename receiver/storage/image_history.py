"""The builds of one image: how they ended, how long they took, and why they failed."""

from collections.abc import Sequence
from datetime import datetime

from receiver.domain.conditions import Limits
from receiver.domain.failure_groups import group_failures
from receiver.domain.image_runs import is_failed
from receiver.domain.images import is_named
from receiver.domain.model import DIMENSIONS
from receiver.storage.conditions import conditions_of
from receiver.storage.db import Connection, Database, Row, array, as_json, query
from receiver.storage.dimensions import Own, is_within
from receiver.storage.failing import failures_of_builds
from receiver.storage.serving import ServingOf, rules

STAGE_BUILDS = 30  # good builds whose stages are compared
EMPTY: Row = {"builds": [], "stages": [], "causes": []}


def read_history(
    database: Database,
    serving_of: ServingOf,
    limits: Limits,
    now: datetime,
    names: Row,
    own: Own = None,
) -> Row:
    """Return `builds`, the newest 100 of an image, the oldest first, each with its condition;
    `stages`, the seconds of each stage of its last 30 good ones; and `causes`, the failures of
    these builds in groups of one cause. Each is empty where nobody names the image, or the caller
    may not read it."""
    if not is_named(names):
        return EMPTY
    with database.transaction() as connection:
        if not is_within(connection, names["project"], own):
            return EMPTY
        parameters = names | {"rules": as_json(rules(connection, serving_of))}
        builds = connection.execute(query("image_history/recent_builds"), parameters).fetchall()
        conditions_of(connection, builds, limits, now).mark(builds)
        stages = _stages(connection, builds)
        causes = _causes(connection, builds, names, now)
    return {"builds": builds[::-1], "stages": stages, "causes": causes}


def _stages(connection: Connection, builds: Sequence[Row]) -> list[Row]:
    """Return rows of build_number, stage and seconds, those of the oldest build first."""
    good = [row for row in builds if row["status"] == "completed"][:STAGE_BUILDS][::-1]
    rows = connection.execute(
        query("image_history/stage_seconds"), {"build_ids": array([row["id"] for row in good])}
    ).fetchall()
    numbers = {row["id"]: row["build_number"] for row in good}
    places = {build_id: place for place, build_id in enumerate(numbers)}
    ordered = sorted(rows, key=lambda row: (places[row["build_id"]], row["place"]))
    return [
        {
            "build_number": numbers[row["build_id"]],
            "stage": row["stage"],
            "seconds": float(row["seconds"]),
        }
        for row in ordered
    ]


def _causes(connection: Connection, builds: Sequence[Row], names: Row, now: datetime) -> list[Row]:
    failed = {row["id"]: row for row in builds if is_failed(row)}
    found = failures_of_builds(connection, list(failed))
    rows = [
        failure
        | {name: names[name] for name in DIMENSIONS}
        | {"build_number": failed[build_id]["build_number"]}
        for build_id, failures in found.items()
        for failure in failures
    ]
    newest = sorted(rows, key=lambda row: row["created_at"], reverse=True)
    groups = group_failures(newest, now)
    told = ("component", "sample", "count", "builds", "first_at", "last_at")
    return [
        {name: group[name] for name in told}
        | {
            "stage": group["failures"][0]["stage"],
            "build_number": group["failures"][0]["build_number"],
        }
        for group in groups
    ]
