"""The weekly tables of bodies: made ahead, and dropped as a whole once they are old enough.

A week begins on Monday, 00:00 UTC. Its bounds are ids, because the id of a delivery (UUIDv7) begins
with its milliseconds: https://www.rfc-editor.org/rfc/rfc9562#section-5.7. A body whose week has no
table goes to `bodies_default`: a week that cannot be made costs nobody a delivery.

A table is dropped, not detached CONCURRENTLY first, which PostgreSQL refuses beside a DEFAULT one:
https://www.postgresql.org/docs/current/sql-altertable.html. All deliveries wait meanwhile, for
milliseconds: the files are removed after the locks are gone. Each query finds bodies by their ids,
so no plan needs statistics of all weeks, which autovacuum does not gather:
https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-STATISTICS
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
from psycopg import sql

from receiver.storage.db import Connection, Row, query

WEEK = timedelta(weeks=1)
AHEAD = 4  # weeks after this one
MOST_MOVED = 1_000  # bodies that may move from bodies_default into a new week
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MONDAY = datetime(1970, 1, 5, tzinfo=UTC)
# All deliveries wait behind a lock of the whole table that is waited for.
SHORT_WAIT = "SET LOCAL lock_timeout = '200ms'"
LOCK_REST = "LOCK TABLE bodies_default IN ACCESS EXCLUSIVE MODE"  # as attaching does
MAKE = sql.SQL("CREATE TABLE {name} (LIKE bodies INCLUDING ALL)")
MOVE = sql.SQL("""
    WITH moved AS (
        DELETE FROM bodies_default
        WHERE delivery_id >= {first_id} AND delivery_id < {end_id}
        RETURNING *
    )
    INSERT INTO {name} SELECT * FROM moved
""")
ATTACH = sql.SQL(
    "ALTER TABLE bodies ATTACH PARTITION {name} FOR VALUES FROM ({first_id}) TO ({end_id})"
)
DROP = sql.SQL("DROP TABLE {name}")
# The tables are another role's, or somebody made others with such bounds or names.
NOT_OURS = (
    psycopg.errors.InsufficientPrivilege,
    psycopg.errors.InvalidObjectDefinition,
    psycopg.errors.DuplicateTable,
)

Transactions = Callable[[], AbstractContextManager[Connection]]


def week_of(time: datetime) -> datetime:
    """Return the begin of the week of a time."""
    return time - (time - MONDAY) % WEEK


def first_id(time: datetime) -> UUID:
    """Return an id below all those of this time and later, and above all those before."""
    milliseconds = (time - EPOCH) // timedelta(milliseconds=1)
    return UUID(int=max(milliseconds, 0) << 80)


def made(connection: Connection) -> list[Row]:
    """Return the weeks that have a table, oldest first: name, first_id, end_id."""
    return connection.execute(query("body_weeks/made_weeks")).fetchall()


def missing(connection: Connection, now: datetime) -> list[datetime]:
    """Return the begins of the weeks without a table: of this one and those ahead."""
    known = {row["first_id"] for row in made(connection)}
    weeks = [week_of(now) + place * WEEK for place in range(AHEAD + 1)]
    return [begin for begin in weeks if first_id(begin) not in known]


def make_missing(transactions: Transactions, now: datetime) -> list[datetime]:
    """Make the tables of this week and of those ahead. Return the begins of weeks without one:
    where this role may not, or where bodies_default has too many bodies of the week.

    Raises the driver's LockNotAvailable, or what `transactions` makes of it.
    """
    with transactions() as connection:
        weeks = missing(connection, now)
    return [begin for begin in weeks if not _is_made(transactions, begin)]


def _is_made(transactions: Transactions, begin: datetime) -> bool:
    try:
        with transactions() as connection:
            return _make(connection, begin)
    except NOT_OURS:
        return False


def _make(connection: Connection, begin: datetime) -> bool:
    """Make the table of a week, and move into it what bodies_default has of it."""
    bounds = {"first_id": first_id(begin), "end_id": first_id(begin + WEEK)}
    connection.execute(SHORT_WAIT)
    connection.execute(LOCK_REST)
    if any(row["first_id"] == bounds["first_id"] for row in made(connection)):
        return True  # by another process meanwhile
    limit = bounds | {"limit": MOST_MOVED + 1}
    misplaced = connection.execute(query("body_weeks/count_misplaced"), limit).fetchone()
    if misplaced is None or misplaced["count"] > MOST_MOVED:
        return False
    texts = {name: sql.Literal(bound) for name, bound in bounds.items()}
    name = sql.Identifier(f"bodies_{begin:%Y_%m_%d}")
    for statement in (MAKE, MOVE, ATTACH):
        connection.execute(statement.format(name=name, **texts))
    return True


def past(connection: Connection, before: datetime) -> list[str]:
    """Return the names of the tables all of whose bodies are older, oldest first."""
    end = first_id(before)
    return [row["name"] for row in made(connection) if row["end_id"] <= end]


def drop(connection: Connection, name: str) -> None:
    """Drop the table of a week, with its bodies, in the caller's transaction.

    Raises the driver's errors of NOT_OURS, and LockNotAvailable.
    """
    connection.execute(SHORT_WAIT)
    connection.execute(DROP.format(name=sql.Identifier(name)))


def drop_past(transactions: Transactions, before: datetime) -> Iterator[str]:
    """Drop the tables all of whose bodies are older. Yield the name of each.

    Where they are another role's it drops none: their bodies are deleted one by one then.
    """
    with transactions() as connection:
        names = past(connection, before)
    for name in names:
        try:
            with transactions() as connection:
                drop(connection, name)
        except NOT_OURS:
            return
        yield name
