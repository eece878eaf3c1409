"""Forget what is old: raw bodies first; builds and deliveries only where somebody asks for it.

In small transactions, so that no delivery waits for it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import UUID

from receiver.storage.db import Connection, Database, Row, query

BATCH = 1_000
FIRST: Row = {"received_at": datetime.min.replace(tzinfo=UTC), "id": UUID(int=0)}
LOCK = 0x7072756E  # "prun": any number that nobody else uses


def bodies(database: Database, before: datetime) -> Iterator[int]:
    """Forget the bodies of deliveries received before; gives how many, a batch at a time.

    Unavailable where the database is away, or where another prunes and does not get on.
    """
    position = FIRST
    while True:
        row = position | {"before": before, "limit": BATCH}
        with _batch(database) as connection:
            found = connection.execute(query("retention/prune_bodies"), row).fetchone()
        if found is None:
            return
        position = found
        yield found["pruned_count"]


def facts(database: Database, before: datetime) -> Iterator[int]:
    """Remove builds that ended before, then unused deliveries; how many rows, a batch at a time.

    Unavailable as above.
    """
    for name in ("prune_builds", "prune_deliveries"):
        while True:
            row = {"before": before, "limit": BATCH}
            with _batch(database) as connection:
                count = connection.execute(query(f"retention/{name}"), row).rowcount
            if not count:
                break
            yield count


@contextmanager
def _batch(database: Database) -> Iterator[Connection]:
    """A transaction, one at a time among all who prune; a session's lock would not pass PgBouncer.

    https://www.pgbouncer.org/features.html
    """
    with database.transaction() as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        yield connection
