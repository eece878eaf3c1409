"""Read queries for builds: one build with its parts, its neighbours, and the names of filters."""

from datetime import UTC, datetime
from typing import cast

from receiver.domain import build_status, redact
from receiver.domain.assignable import is_revoked
from receiver.domain.conditions import Limits
from receiver.domain.fold import resume_point
from receiver.domain.images import is_named
from receiver.domain.model import NUMBER_SHAPE
from receiver.errors import NotFound
from receiver.storage.conditions import conditions_of
from receiver.storage.db import Connection, Database, Row, query
from receiver.storage.dimensions import Own, is_within
from receiver.storage.masked import show_masked, show_original
from receiver.storage.seen_revocations import seen

INTERNAL = ("id", "created_at", "heartbeat_at", "resume_state")  # for joins, cursors, derivations
PARTS = ("states", "failures", "artifacts", "resources", "deliveries")


def find_build(
    database: Database,
    build_number: str,
    limits: Limits,
    project: Own = None,
    *,
    reveal: bool = False,
) -> Row:
    """Return a build with its states, failures, artifacts, resources, provenance, resume point.

    A number that turned out to be another build's returns that build. Secrets are masked unless
    `reveal`, which is for administrators. Raises NotFound where there is no such build within
    `project`; it names the builds of a run of several targets.
    """
    if not NUMBER_SHAPE.fullmatch(build_number):
        raise NotFound("There is no build of this number.")
    now = datetime.now(UTC)
    with database.transaction() as connection:
        row = connection.execute(
            query("builds/find_build"), {"build_number": build_number}
        ).fetchone()
        if row is None or not is_within(connection, row["project"], project):
            raise _none(connection, build_number, project)
        parts = {
            part: connection.execute(
                query(f"builds/build_{part}"), {"build_id": row["id"]}
            ).fetchall()
            for part in PARTS
        }
        made = connection.execute(query("builds/provenance"), {"build_id": row["id"]}).fetchone()
        conditions_of(connection, [row], limits, now).mark([row])
        (row,) = seen(connection, [row], project)
    row = row | {"provenance": made}
    for part in ("states", "failures"):
        (show_original if reveal else show_masked)(parts[part])
    build = _with_parts(row, parts, now)
    return build if reveal else cast(Row, redact.document(build))


def read_row(connection: Connection, build_number: str, project: Own) -> Row:
    """Return the row of a build without its parts. Raises NotFound where there is no such build
    within `project`, and for what can be no number."""
    row = None
    if NUMBER_SHAPE.fullmatch(build_number):
        parameters = {"build_number": build_number}
        row = connection.execute(query("builds/find_build"), parameters).fetchone()
    if row is None or not is_within(connection, row["project"], project):
        raise NotFound("There is no build of this number.")
    return row


def _none(connection: Connection, build_number: str, project: Own) -> NotFound:
    """Return why there is no build; the number of a job names the builds of its targets."""
    claimed = connection.execute(query("builds/target_builds"), {"build_number": build_number})
    targets = [
        row["build_number"]
        for row in claimed.fetchall()
        if is_within(connection, row["project"], project)
    ]
    if not targets:
        return NotFound("There is no build of this number.")
    error = NotFound(f"This is the number of a job. Its targets' builds are {', '.join(targets)}.")
    error.choices = tuple(targets)
    return error


def _with_parts(row: Row, parts: dict[str, list[Row]], now: datetime) -> Row:
    build = row | parts
    usable = [each for each in parts["artifacts"] if resume_point.may_start(each, now)]
    estimated = {row["attempt"] for row in parts["states"] if row["estimated"]}
    for failure in parts["failures"]:
        failure["estimated"] = failure["attempt"] in estimated
    build["resume"] = resume_point.resume(row, parts["states"], usable)
    build["saved_seconds"] = resume_point.saved_seconds(row, parts["states"])
    build["revoked"] = row["revocation"] if is_revoked(row["revocation"]) else None
    build["left_behind"] = build_status.left_behind(build, parts["resources"], parts["artifacts"])
    return _without_internal(build)


def summary(row: Row) -> Row:
    """Return a row of a list as callers see it: with the state to resume at."""
    return _without_internal(row) | {"resume": {"state": row["resume_state"]}}


def _without_internal(row: Row) -> Row:
    return {name: value for name, value in row.items() if name not in INTERNAL}


def neighbours(database: Database, build: Row) -> tuple[list[Row], dict[str, float]]:
    """Return the builds of its combination around a build, and each stage's usual seconds.

    Both are empty for a build of which nobody says what it makes: others may make something else.
    """
    if not is_named(build):
        return [], {}
    row = {"build_number": build["build_number"]}
    with database.transaction() as connection:
        near = connection.execute(query("builds/near_builds"), row).fetchall()
        usual = connection.execute(query("builds/usual_stages"), row).fetchall()
    return near, {each["stage"]: each["seconds"] for each in usual if each["seconds"] is not None}


def compared(database: Database, number: str) -> Row:
    """Return another build to compare one with: `stages`, rows of stage and seconds of its newest
    attempt, and `provenance`."""
    with database.transaction() as connection:
        row = connection.execute(query("builds/find_build"), {"build_number": number}).fetchone()
        if row is None:
            return {"stages": [], "provenance": None}
        parameters = {"build_id": row["id"]}
        states = connection.execute(query("builds/build_states"), parameters).fetchall()
        made = connection.execute(query("builds/provenance"), parameters).fetchone()
    stages = [state for state in states if state["attempt"] == row["attempt"]]
    return {"stages": stages, "provenance": made}
