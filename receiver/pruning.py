"""Forget what is old: raw bodies first; builds and deliveries only where somebody asks for it.

In small transactions, so that no delivery waits for it.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

from receiver.db import Connection, Row, query

BATCH = 1_000
FIRST: Row = {"received_at": datetime.min.replace(tzinfo=UTC), "id": UUID(int=0)}
LOCK = 0x7072756E  # "prun": one of several receivers at a time


def bodies(connection: Connection, before: datetime) -> Iterator[int]:
    """Forget the bodies of deliveries received before; gives how many, a batch at a time."""
    position = FIRST
    while True:
        row = position | {"before": before, "limit": BATCH}
        with connection.transaction():
            found = connection.execute(query("prune_bodies"), row).fetchone()
        if found is None:
            return
        position = found
        yield found["pruned_count"]


def facts(connection: Connection, before: datetime) -> Iterator[int]:
    """Remove builds that ended before, then unused deliveries; how many rows, a batch at a time."""
    for name in ("prune_builds", "prune_deliveries"):
        while True:
            row = {"before": before, "limit": BATCH}
            with connection.transaction():
                count = connection.execute(query(name), row).rowcount
            if not count:
                break
            yield count


def alone(connection: Connection) -> bool:
    """Whether no other receiver prunes now; holds until the connection ends."""
    found = connection.execute("SELECT pg_try_advisory_lock(%s) AS taken", [LOCK]).fetchone()
    return bool(found and found["taken"])
