"""What /metrics asks of the database: counts and durations. A reader beside reads.

Each statement reads so many rows at most, however long the history is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from receiver.storage.db import Database, Row, query


@dataclass(frozen=True, slots=True)
class Figures:
    """`counts` has last_delivery_at, quarantined, open_failures, running, stalled, and builds.

    `builds` counts by status. `durations` has rows of kind (run or stage), label, bucket, count
    and seconds.
    """

    counts: Row
    durations: list[Row]


def figures(database: Database, stall_after: timedelta, bounds: Sequence[int]) -> Figures:
    """What there is now; `bounds` are the upper ends of the buckets, in seconds."""
    # width_bucket counts a bound to the bucket above, Prometheus to the one below.
    above = [bound + 1 for bound in bounds]
    with database.transaction() as connection:
        durations = connection.execute(query("statistics/durations"), {"bounds": above}).fetchall()
    return Figures(counts(database, stall_after), durations)


def counts(database: Database, stall_after: timedelta) -> Row:
    """What is counted alone, as Figures has it."""
    with database.transaction() as connection:
        found = connection.execute(
            query("statistics/figures"), {"stall_after": stall_after}
        ).fetchone()
    assert found is not None  # noqa: S101  # it is one row always
    return found
