"""Counts, durations and outcomes of builds, for /metrics and the API.

Each query reads a limited number of the newest rows, however long the history is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from receiver.domain.stage_map import STATES
from receiver.storage.db import Database, Row, query
from receiver.storage.failing import read_failing
from receiver.storage.overview import read_overview
from receiver.storage.serving import ServingOf


@dataclass(frozen=True, slots=True)
class Metrics:
    """`counts` is the row of build_counts(). `durations` are rows of kind (run or stage), label,
    bucket, count and seconds."""

    counts: Row
    durations: list[Row]


def build_metrics(
    database: Database,
    serving_of: ServingOf,
    now: datetime,
    stall_after: timedelta,
    bounds: Sequence[int],
) -> Metrics:
    """Return the metrics of now; `bounds` are the upper ends of the buckets, in seconds."""
    # width_bucket counts a bound to the bucket above, Prometheus to the one below.
    row = {"bounds": [bound + 1 for bound in bounds]}
    with database.transaction() as connection:
        durations = connection.execute(query("statistics/durations"), row).fetchall()
    return Metrics(build_counts(database, serving_of, now, stall_after), durations)


def build_counts(
    database: Database, serving_of: ServingOf, now: datetime, stall_after: timedelta
) -> Row:
    """Return counts: last_delivery_at, quarantined, running, stalled, builds, and those of Failing.

    `builds` counts the builds of 24 hours by status.
    """
    row = {"stall_after": stall_after}
    with database.transaction() as connection:
        counts = connection.execute(query("statistics/counts"), row).fetchone()
        failing = read_failing(connection, serving_of, now)
    assert counts is not None  # noqa: S101  # it is one row always
    return counts | failing.counts


def summary(
    database: Database, serving_of: ServingOf, now: datetime, stall_after: timedelta
) -> Row:
    """Return the counts of /metrics and of the overview in one row."""
    counts = build_counts(database, serving_of, now, stall_after)
    expected = read_overview(database, serving_of, now, stall_after)["expected"]
    return {
        "builds_of_24_hours": counts["builds"],
        "running": counts["running"],
        "stalled": counts["stalled"],
        "combinations_expected": expected["count"],
        "combinations_seen": expected["seen"],
        "failed_images": counts["failed_images"],
        "acknowledged_images": counts["acknowledged_images"],
        "open_failures": counts["open_failures"],
        "quarantined_deliveries": counts["quarantined"],
        "last_delivery_at": counts["last_delivery_at"],
    }


def combination_statistics(database: Database) -> list[Row]:
    """Return the builds of 30 days by project, platform, OS version and image type."""
    with database.transaction() as connection:
        return connection.execute(query("statistics/combination_stats")).fetchall()


def stage_statistics(database: Database) -> list[Row]:
    """Return the runs, failures and seconds of each state."""
    with database.transaction() as connection:
        rows = connection.execute(query("statistics/stage_stats")).fetchall()
    return [{"name": STATES.get(row["state"])} | row for row in rows]
