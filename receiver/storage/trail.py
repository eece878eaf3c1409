"""What the audit trail tells: who changed what, the newest first. A reader beside reads."""

from dataclasses import asdict, dataclass
from typing import Any

from receiver.storage.builds import cursor_of, position_of
from receiver.storage.db import Database, Row, query


@dataclass(frozen=True, slots=True)
class Filter:
    """Which changes to list; what is None fits all."""

    target_kind: str | None = None
    target_name: str | None = None
    who: str | None = None


def changes(
    database: Database, wanted: Filter, limit: int, after: str | None = None
) -> tuple[list[Row], str | None]:
    """A page of changes, the newest first, and the cursor of the next page."""
    at, row_id = position_of(after)
    row: dict[str, Any] = asdict(wanted) | {"limit": limit + 1, "after_at": at, "after_id": row_id}
    with database.transaction() as connection:
        # Planned anew for each set of filters: one plan for all of them would read the whole table.
        found = connection.execute(query("audit/list_audit"), row, prepare=False).fetchall()
    items = found[:limit]
    more = len(found) > limit
    return items, cursor_of(items[-1]["at"], items[-1]["id"]) if more else None
