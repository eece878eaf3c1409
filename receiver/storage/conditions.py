"""How running builds are: overdue, stalled or lost. Nothing of it is written."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from receiver.domain.conditions import GONE, Judged, Limits, judge
from receiver.storage.db import Connection, Row, array, query
from receiver.storage.serving import chains

MAX_DETAILS = 1_000  # running builds that are more than silent; the newest


@dataclass(frozen=True, slots=True)
class Conditions:
    """How the running builds are at one moment, at most the newest 10,000 of them.

    `judged` has those that have a condition, by id; `running` has a row for each: id, created_at.
    """

    running: Sequence[Row] = ()
    judged: Mapping[UUID, Judged] = field(default_factory=dict)

    def ids(self, condition: str) -> list[UUID]:
        """Return the builds of a condition."""
        return [each for each, judged in self.judged.items() if judged.condition == condition]

    def mark(self, rows: Iterable[Row]) -> None:
        """Give builds, rows with `id` and `status`, their `condition` and `condition_reason`, and
        `stalled`."""
        for row in rows:
            judged = self.judged.get(row["id"]) if row["status"] == "running" else None
            row["condition"] = judged and judged.condition
            row["condition_reason"] = judged and judged.reason
            row["stalled"] = row["condition"] in GONE


def conditions(connection: Connection, limits: Limits, now: datetime) -> Conditions:
    """Return how every running build is."""
    running = connection.execute(query("conditions/running_builds")).fetchall()
    judged = {row["id"]: judge(row, limits, now) for row in running}
    doubtful = [row["id"] for row in running if not _is_lost(judged[row["id"]])]
    judged |= _details(connection, doubtful[:MAX_DETAILS], limits, now)
    return Conditions(running, {each: found for each, found in judged.items() if found})


def conditions_of(
    connection: Connection, builds: Iterable[Row], limits: Limits, now: datetime
) -> Conditions:
    """Return how some builds are; each a row with `id` and `status`."""
    ids = [row["id"] for row in builds if row["status"] == "running"]
    judged = _details(connection, ids, limits, now)
    return Conditions(judged={each: found for each, found in judged.items() if found})


def _is_lost(judged: Judged | None) -> bool:
    return judged is not None and judged.condition == "lost"


def _details(
    connection: Connection, ids: Sequence[UUID], limits: Limits, now: datetime
) -> dict[UUID, Judged | None]:
    if not ids:
        return {}
    parameters = {"ids": array(ids), "now": now}
    rows = connection.execute(query("conditions/running_details"), parameters).fetchall()
    projects = chains(connection)
    return {
        row["id"]: judge(
            row, limits, now, limits.expectation_of(row, projects.get(row["project_id"], []))
        )
        for row in rows
    }
