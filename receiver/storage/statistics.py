"""Counts, durations and outcomes of builds, for /metrics and the API.

Each query reads a limited number of the newest rows, however long the history is.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from receiver.domain.conditions import CONDITIONS, Limits
from receiver.domain.stage_map import STATES
from receiver.storage.conditions import Conditions, conditions
from receiver.storage.db import Connection, Database, Row, array, query
from receiver.storage.dimensions import Own, projects_within
from receiver.storage.failing import read_failing
from receiver.storage.overview import count_expected
from receiver.storage.serving import ServingOf
from receiver.storage.trust import count_undelivered

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Metrics:
    """`counts` is the row of build_counts(). `durations` are rows of kind (run or stage), label,
    bucket, count and seconds."""

    counts: Row
    durations: list[Row]


def build_metrics(
    database: Database,
    serving_of: ServingOf,
    limits: Limits,
    now: datetime,
    bounds: Sequence[int],
) -> Metrics:
    """Return the metrics of now; `bounds` are the upper ends of the buckets, in seconds."""
    # width_bucket counts a bound to the bucket above, Prometheus to the one below.
    row = {"bounds": [bound + 1 for bound in bounds]}
    with database.transaction() as connection:
        durations = connection.execute(query("statistics/durations"), row).fetchall()
    return Metrics(build_counts(database, serving_of, limits, now), durations)


def build_counts(
    database: Database,
    serving_of: ServingOf,
    limits: Limits,
    now: datetime,
    own: Sequence[str] | None = None,
) -> Row:
    """Return counts: last_delivery_at, quarantined, undelivered, running, overdue, stalled, lost,
    builds, and those of Failing.

    `builds` counts the builds of 24 hours by status. A lost build is a failed one, and does not
    run.
    """
    with database.transaction() as connection:
        found = conditions(connection, limits, now)
        if own is None:
            counts = connection.execute(query("statistics/counts")).fetchone()
            undelivered = count_undelivered(connection)
        else:
            counts, found = _own_counts(connection, found, own)
            undelivered = 0
        failing = read_failing(connection, serving_of, found, now, own)
    assert counts is not None  # noqa: S101  # it is one row always
    lost = {*found.ids("lost")}
    recent = sum(row["id"] in lost and row["created_at"] > now - DAY for row in found.running)
    counts["undelivered"] = undelivered
    counts["running"] -= len(lost)
    counts["builds"] = _moved(counts["builds"], recent)
    return counts | {each: len(found.ids(each)) for each in CONDITIONS} | failing.counts


def _own_counts(
    connection: Connection, found: Conditions, own: Sequence[str]
) -> tuple[Row, Conditions]:
    """Return the counts of some projects' builds, and how these are. Deliveries are of nobody."""
    row = connection.execute(query("statistics/own_counts"), {"own": list(own)}).fetchone()
    assert row is not None  # noqa: S101  # it is one row always
    running = [each for each in found.running if each["project_id"] in row["project_ids"]]
    ids = {each["id"] for each in running}
    judged = {build_id: each for build_id, each in found.judged.items() if build_id in ids}
    deliveries = {"quarantined": 0, "last_delivery_at": None}
    return row | deliveries, Conditions(running, judged)


def _moved(builds: dict[str, int], lost: int) -> dict[str, int]:
    """Return the counts with so many builds failed that were counted as running."""
    moved = Counter(builds)
    moved["running"] -= lost
    moved["failed"] += lost
    return {status: count for status, count in moved.items() if count > 0}


def _lost(connection: Connection, limits: Limits) -> Row:
    return {"lost": array(conditions(connection, limits, datetime.now(UTC)).ids("lost"))}


def summary(
    database: Database, serving_of: ServingOf, limits: Limits, now: datetime, project: Own = None
) -> Row:
    """Return the counts of /metrics and of the overview in one row; of `project` and those below
    it, where the caller may read nothing else."""
    own = _names(database, project)
    counts = build_counts(database, serving_of, limits, now, own)
    expected = count_expected(database, serving_of, limits, now, own)
    return {
        "builds_of_24_hours": counts["builds"],
        "running": counts["running"],
        **{each: counts[each] for each in CONDITIONS},
        "combinations_expected": expected["count"],
        "combinations_seen": expected["seen"],
        "failed_images": counts["failed_images"],
        "acknowledged_images": counts["acknowledged_images"],
        "open_failures": counts["open_failures"],
        "quarantined_deliveries": counts["quarantined"],
        "last_delivery_at": counts["last_delivery_at"],
    }


def combination_statistics(database: Database, limits: Limits, project: Own = None) -> list[Row]:
    """Return the builds of 30 days by project, platform, OS version and image type."""
    own = _names(database, project)
    with database.transaction() as connection:
        lost = _lost(connection, limits)
        rows = connection.execute(query("statistics/combination_stats"), lost).fetchall()
    return [row for row in rows if own is None or row["project"] in own]


def _names(database: Database, project: Own) -> tuple[str, ...] | None:
    if project is None:
        return None
    with database.transaction() as connection:
        return projects_within(connection, project)


def stage_statistics(database: Database, limits: Limits, project: Own = None) -> list[Row]:
    """Return the runs, failures and seconds of each state; a lost build failed in its open one."""
    own = _names(database, project)
    with database.transaction() as connection:
        lost = _lost(connection, limits) | {"own": None if own is None else list(own)}
        rows = connection.execute(query("statistics/stage_stats"), lost).fetchall()
    return [{"name": STATES.get(row["state"])} | row for row in rows]
