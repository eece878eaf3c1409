"""What /metrics asks of the database: counts and durations. A reader beside reads.

Each statement reads so many rows at most, however long the history is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from receiver.db import Database, Row, query


@dataclass(frozen=True, slots=True)
class Figures:
    """`counts` has heard_at, quarantined, open_failures, running, stalled, builds by status.

    `durations` has rows of kind (run or stage), label, bucket, count and seconds.
    """

    counts: Row
    durations: list[Row]


def figures(database: Database, stall_after: timedelta, bounds: Sequence[int]) -> Figures:
    """What there is now; `bounds` are the upper ends of the buckets, in seconds."""
    # width_bucket counts a bound to the bucket above, Prometheus to the one below.
    above = [bound + 1 for bound in bounds]
    with database.transaction() as connection:
        counts = connection.execute(query("figures"), {"stall_after": stall_after}).fetchone()
        durations = connection.execute(query("durations"), {"bounds": above}).fetchall()
    return Figures(counts or {}, durations)
