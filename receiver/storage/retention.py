"""Delete old data: bodies by themselves, builds and deliveries only on request.

Small transactions, so that no delivery waits for them. Bodies go by the week where a whole week is
old enough: what is dropped is not written to the log of PostgreSQL row by row.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

from receiver.errors import Unavailable
from receiver.storage import body_weeks
from receiver.storage.body_weeks import first_id
from receiver.storage.db import Connection, Database, Row, query

BATCH = 1_000
BUILDS_AT_ONCE = 100  # each goes with its events, at most 5,000, and its rows
FIRST: Row = {"at": datetime.min.replace(tzinfo=UTC), "id": UUID(int=0)}
LOCK = 0x7072756E  # "prun": any number that nobody else uses
BUSY = "Another process prunes at the moment."


def prune_weeks(database: Database, before: datetime, *, waits: bool = True) -> Iterator[str]:
    """Drop the weeks of bodies that ended before. Yield the name of each one's table.

    Raises Unavailable where the database is away, or where another process prunes: at once, or for
    too long if this one waits; and where something reads the bodies for long, such as a backup.
    """
    yield from body_weeks.drop_past(partial(_batch, database, waits=waits), before)


def prune_bodies(database: Database, before: datetime, *, waits: bool = True) -> Iterator[int]:
    """Delete the bodies of deliveries received before, one by one: those that prune_weeks() leaves.
    Yield the number of each batch. Raises Unavailable as prune_weeks() does.
    """
    yield from _prune(database, "prune_bodies", before, BATCH, waits=waits)
    yield from _prune(database, "prune_single_bodies", before, BATCH, waits=waits)


def make_weeks(database: Database, now: datetime) -> list[datetime]:
    """Make the tables for the bodies of this week and of the next ones. Return the begins of weeks
    without one, as body_weeks does. Raises Unavailable where another process does, or prunes."""
    return body_weeks.make_missing(partial(_batch, database, waits=False), now)


def prune_history(database: Database, before: datetime) -> Iterator[int]:
    """Delete builds that ended before, then deliveries without events. Yield each batch's rows.

    Raises Unavailable as prune_bodies() does.
    """
    yield from _prune(database, "prune_builds", before, BUILDS_AT_ONCE)
    yield from _prune(database, "prune_deliveries", before, BATCH)


def _prune(
    database: Database, name: str, before: datetime, limit: int, *, waits: bool = True
) -> Iterator[int]:
    """Yield the count of each batch; each begins behind the last one, whatever it left."""
    position: Row | None = FIRST
    while position:
        row = position | {"before": before, "end_id": first_id(before), "limit": limit}
        with _batch(database, waits=waits) as connection:
            position = connection.execute(query(f"retention/{name}"), row).fetchone()
        if position:
            yield position["count"]


def losses(connection: Connection, before: datetime) -> Row:
    """Return what pruning would delete: the count, oldest and newest of bodies, builds, deliveries.

    Of the deliveries only those go that no build is left of. It reads all history once.
    """
    connection.execute("SET LOCAL statement_timeout = '5min'")
    parameters = {"before": before, "end_id": first_id(before)}
    row = connection.execute(query("retention/losses"), parameters).fetchone()
    assert row is not None  # noqa: S101  # an aggregate has one row
    return row


@contextmanager
def _batch(database: Database, *, waits: bool) -> Iterator[Connection]:
    """Open a transaction, one at a time among all processes that prune.

    A session's lock would not pass a PgBouncer that pools transactions:

    https://www.pgbouncer.org/features.html
    """
    with database.transaction() as connection:
        if waits:
            connection.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        else:
            lock = connection.execute("SELECT pg_try_advisory_xact_lock(%s) AS locked", [LOCK])
            if not (lock.fetchone() or {}).get("locked"):
                raise Unavailable(BUSY)
        yield connection
