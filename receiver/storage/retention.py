"""Delete old data: bodies by themselves, builds and deliveries only on request.

Small transactions, so that no delivery waits for them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import UUID

from receiver.storage.db import Connection, Database, Row, query

BATCH = 1_000
FIRST: Row = {"received_at": datetime.min.replace(tzinfo=UTC), "id": UUID(int=0)}
LOCK = 0x7072756E  # "prun": any number that nobody else uses


def prune_bodies(database: Database, before: datetime) -> Iterator[int]:
    """Delete the bodies of deliveries received before. Yield the number of each batch.

    Raises Unavailable where the database is away, or where another process prunes for too long.
    """
    position = FIRST
    while True:
        row = position | {"before": before, "limit": BATCH}
        with _batch(database) as connection:
            last = connection.execute(query("retention/prune_bodies"), row).fetchone()
        if last is None:
            return
        position = last
        yield last["pruned_count"]


def prune_history(database: Database, before: datetime) -> Iterator[int]:
    """Delete builds that ended before, then deliveries without events. Yield each batch's rows.

    Raises Unavailable as prune_bodies() does.
    """
    for name in ("prune_builds", "prune_deliveries"):
        while True:
            row = {"before": before, "limit": BATCH}
            with _batch(database) as connection:
                count = connection.execute(query(f"retention/{name}"), row).rowcount
            if not count:
                break
            yield count


def losses(connection: Connection, before: datetime) -> Row:
    """Return what pruning would delete: the count, oldest and newest of bodies, builds, deliveries.

    Of the deliveries only those go that no build is left of. It reads all history once.
    """
    connection.execute("SET LOCAL statement_timeout = '5min'")
    row = connection.execute(query("retention/losses"), {"before": before}).fetchone()
    assert row is not None  # noqa: S101  # an aggregate has one row
    return row


@contextmanager
def _batch(database: Database) -> Iterator[Connection]:
    """Open a transaction, one at a time among all processes that prune.

    A session's lock would not pass a PgBouncer that pools transactions:

    https://www.pgbouncer.org/features.html
    """
    with database.transaction() as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        yield connection
