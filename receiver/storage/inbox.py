"""What came in: deliveries, and who sent them. A reader beside reads."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from receiver.errors import NotFound
from receiver.storage.db import Connection, Database, Row, query
from receiver.storage.paging import cursor_of, position_of

BATCH = 200


@dataclass(frozen=True, slots=True)
class Filter:
    """Which deliveries to list; what is None fits all. `sender` '' is a source's default one."""

    source: str | None = None
    sender: str | None = None
    outcome: str | None = None
    reason: str | None = None


def deliveries(
    database: Database, wanted: Filter, limit: int, after: str | None = None
) -> tuple[list[Row], str | None]:
    """A page of deliveries, newest first, and the cursor of the next page."""
    with database.transaction() as connection:
        return listed(connection, wanted, limit, after)


def listed(
    connection: Connection, wanted: Filter, limit: int, after: str | None = None
) -> tuple[list[Row], str | None]:
    """The same on a connection that is there."""
    received_at, delivery_id = position_of(after)
    row: dict[str, Any] = asdict(wanted)
    row |= {"limit": limit + 1, "received_at": received_at, "id": delivery_id}
    # Planned anew for each set of filters: a plan for all of them would read the whole table.
    found = connection.execute(query("deliveries/list_deliveries"), row, prepare=False).fetchall()
    items = found[:limit]
    more = len(found) > limit
    return items, cursor_of(items[-1]["received_at"], items[-1]["id"]) if more else None


def delivery(database: Database, delivery_id: UUID) -> Row:
    """One delivery with its body, None where it was pruned; NotFound."""
    with database.transaction() as connection:
        found = connection.execute(
            query("deliveries/show_delivery"), {"id": delivery_id}
        ).fetchone()
    if found is None:
        raise NotFound("There is no such delivery.")
    return found


def senders(database: Database) -> list[Row]:
    """Each sender that was ever heard, with the last time and its deliveries of hour and day."""
    with database.transaction() as connection:
        return connection.execute(query("deliveries/senders_heard")).fetchall()


def ids(database: Database, outcome: str) -> Iterator[UUID]:
    """Every delivery of this outcome, ignored or quarantined, the oldest first."""
    position: Row = {"received_at": datetime.min.replace(tzinfo=UTC), "id": UUID(int=0)}
    while True:
        row = position | {"outcome": outcome, "limit": BATCH}
        with database.transaction() as connection:
            found = connection.execute(
                query("deliveries/ids_by_outcome"), row, prepare=False
            ).fetchall()
        if not found:
            return
        yield from (each["id"] for each in found)
        position = found[-1]


def bodies(database: Database, outcome: str, reason: str, limit: int) -> list[Row]:
    """The newest deliveries of an outcome and reason as they came."""
    row = {"outcome": outcome, "reason": reason, "limit": limit}
    with database.transaction() as connection:
        return connection.execute(query("deliveries/list_bodies"), row, prepare=False).fetchall()
