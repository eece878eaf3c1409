"""Read queries for the checks of a build's image."""

from collections.abc import Sequence
from uuid import UUID

from receiver.domain import redact
from receiver.domain.model import COUNTS
from receiver.storage import builds
from receiver.storage.db import Connection, Database, Row, query
from receiver.storage.dimensions import Own


def of_build(
    database: Database, build_number: str, project: Own, limit: int | None = None
) -> list[Row]:
    """Return the checks of a build within `project`: the last of each name of its last attempt, or
    with a `limit` as history() does. Raises NotFound."""
    with database.transaction() as connection:
        build = builds.read_row(connection, build_number, project)
        if limit is not None:
            return history(connection, build["id"], limit)
        rows = latest(connection, build["id"])
    return [row | {"is_latest": True} for row in rows]


def with_checks(database: Database, rows: Sequence[Row]) -> list[Row]:
    """Return rows with a build_number, each with `checks`: name, kind, status and at of the last of
    each name, of the build's last attempt."""
    numbers = {"numbers": sorted({row["build_number"] for row in rows})}
    with database.transaction() as connection:
        found = connection.execute(query("checks/checks_of_builds"), numbers).fetchall()
    checks: dict[str, list[Row]] = {}
    for each in found:
        checks.setdefault(each.pop("build_number"), []).append(redact.document(each))
    return [row | {"checks": checks.get(row["build_number"], [])} for row in rows]


def latest(connection: Connection, build_id: UUID, attempt: int | None = None) -> list[Row]:
    """Return the last check of each name: name, kind, status, at, counts, fixable, tool,
    tool_version, database_at, digest, url, attempt.

    A check says something about the image of one attempt: without `attempt` of the last one.
    """
    parameters = {"build_id": build_id, "attempt": attempt}
    rows = connection.execute(query("checks/latest_checks"), parameters).fetchall()
    return [_shown(row) for row in rows]


def history(connection: Connection, build_id: UUID, limit: int) -> list[Row]:
    """Return the checks of a build, of every attempt, each as latest() does and with `is_latest`;
    the last of each name first, then the others, the newest first."""
    parameters = {"build_id": build_id, "limit": limit}
    rows = connection.execute(query("checks/all_checks"), parameters).fetchall()
    return [_shown(row) for row in rows]


def _shown(row: Row) -> Row:
    """Return a row without secrets, its counts from the worst to the least; jsonb has no order."""
    counts = {
        name: {each: row[name][each] for each in COUNTS if each in row[name]}
        for name in ("counts", "fixable")
    }
    shown: Row = redact.document(row) | counts
    return shown
