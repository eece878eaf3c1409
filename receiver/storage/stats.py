"""How builds went: in one row, by combination, by state. A reader beside reads.

Each reads so many of the newest builds, however long the history is.
"""

from datetime import datetime, timedelta

from receiver.domain import stages as names
from receiver.storage.db import Database, Row, query
from receiver.storage.overview import overview
from receiver.storage.statistics import counts


def summary(database: Database, now: datetime, stall_after: timedelta) -> Row:
    """What /metrics and the overview count."""
    found, seen = counts(database, stall_after), overview(database, now, stall_after)["expected"]
    return {
        "builds_of_24_hours": found["builds"],
        "running": found["running"],
        "stalled": found["stalled"],
        "combinations_expected": seen["count"],
        "combinations_seen": seen["seen"],
        "open_failures": found["open_failures"],
        "quarantined_deliveries": found["quarantined"],
        "last_delivery_at": found["last_delivery_at"],
    }


def combinations(database: Database) -> list[Row]:
    """Builds of 30 days by project, platform, OS version and image type."""
    with database.transaction() as connection:
        return connection.execute(query("statistics/combination_stats")).fetchall()


def stages(database: Database) -> list[Row]:
    """Runs, failures and seconds of each state."""
    with database.transaction() as connection:
        found = connection.execute(query("statistics/stage_stats")).fetchall()
    return [{"name": names.STATES.get(row["state"])} | row for row in found]
