"""The only reader: pages and API ask it, and only render."""

import re
from datetime import UTC, datetime, timedelta
from typing import cast
from uuid import UUID

from receiver.domain import build_status, redact
from receiver.domain.model import NUMBER_SHAPE
from receiver.errors import Invalid, NotFound
from receiver.storage.db import Database, Row, query
from receiver.storage.projects import is_within

MAX_LIMIT = 100
CURSOR = re.compile(r"(-?[0-9]{1,18})\.([0-9a-f]{32})")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
LEAST = (datetime.min.replace(tzinfo=UTC) - EPOCH) // MICROSECOND
MOST = (datetime.max.replace(tzinfo=UTC) - EPOCH) // MICROSECOND


def build(
    database: Database,
    build_number: str,
    stall_after: timedelta,
    project: str | None = None,
    *,
    reveal: bool = False,
) -> Row:
    """One build with its states, failures, artifacts, resources and resume point; NotFound.

    It is there for who may see its project, or one above that. A number that turned out to be
    another build's gives that one, under its own number. What looks secret is masked unless
    `reveal`, which is for administrators.
    """
    if not NUMBER_SHAPE.fullmatch(build_number):
        raise NotFound("There is no build of this number.")
    with database.transaction() as connection:
        found = connection.execute(
            query("builds/find_build"), {"build_number": build_number}
        ).fetchone()
        if found is None or not is_within(connection, found["project"], project):
            raise NotFound("There is no build of this number.")
        parts = {
            name: connection.execute(
                query(f"builds/build_{name}"), {"build_id": found["id"]}
            ).fetchall()
            for name in ("states", "failures", "artifacts", "resources", "deliveries")
        }
    whole = _with_standing(_shown(found, stall_after), parts)
    return whole if reveal else cast(Row, redact.document(whole))


def schema(database: Database) -> list[str]:
    """The names of the applied migrations."""
    with database.transaction() as connection:
        rows = connection.execute(query("migrate/applied_migrations")).fetchall()
    return [row["name"] for row in rows]


def _shown(row: Row, stall_after: timedelta) -> Row:
    """Without what only joins and cursors need; `stalled` is a fact of now, not of the build."""
    stalled = build_status.is_stalled(row, datetime.now(UTC), stall_after)
    hidden = ("id", "created_at", "heartbeat_at")
    shown = {name: value for name, value in row.items() if name not in hidden}
    return shown | {"stalled": stalled}


def _with_standing(row: Row, parts: dict[str, list[Row]]) -> Row:
    """A build with its parts, and what follows from them."""
    whole = row | parts
    now = datetime.now(UTC)
    kept = [each for each in parts["artifacts"] if build_status.may_start(each, now)]
    whole["resume"] = build_status.resume(row, parts["states"], kept)
    whole["saved_seconds"] = build_status.saved_seconds(row, parts["states"])
    whole["left_behind"] = build_status.left_behind(row, parts["resources"], parts["artifacts"])
    del whole["resume_state"]
    return whole


def cursor_of(at: datetime, row_id: UUID) -> str:
    """Where a page ends, for its reader to give back: microseconds since 1970, and the row."""
    return f"{(at - EPOCH) // MICROSECOND}.{row_id.hex}"


def position_of(cursor: str | None) -> tuple[datetime | None, UUID | None]:
    """The time and id that a cursor holds; Invalid where it is none of ours."""
    if not cursor:
        return None, None
    found = CURSOR.fullmatch(cursor)
    if not found:
        problem = {"after": ["Use the `next` of the page before."]}
        raise Invalid("That cursor is none of ours.", fields=problem)
    microseconds = min(max(int(found[1]), LEAST), MOST)
    return EPOCH + microseconds * MICROSECOND, UUID(found[2])
