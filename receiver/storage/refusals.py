"""Refused deliveries, counted by sender, reason and hour; nothing else of them is kept.

The table has at most a row for each sender, reason and hour of 8 days, whoever posts what.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime

from receiver.storage.db import Database, Row, as_json, query


@dataclass(frozen=True, slots=True)
class Refusals:
    """Refusals of one sender for one reason: how many, and the newest one's answer and time.

    `sender` is '' for the source's default one and '?' for a name that is none of its senders.
    """

    source: str
    sender: str
    reason: str
    code: str
    detail: str
    count: int
    last_at: datetime

    @property
    def hour(self) -> datetime:
        """Return the hour that they count for."""
        return self.last_at.replace(minute=0, second=0, microsecond=0)


def add(database: Database, refusals: Iterable[Refusals]) -> None:
    """Add to the counts. Raises Unavailable; then nothing was added.

    Everybody adds in the same order, so that two workers never wait for each other's rows.
    """
    ordered = sorted(refusals, key=lambda each: (each.hour, each.source, each.sender, each.reason))
    rows = [asdict(each) | {"hour": each.hour} for each in ordered]
    with database.transaction() as connection:
        connection.execute(query("refusals/add"), {"rows": as_json(rows)})


def read(database: Database) -> list[Row]:
    """Return the refusals of the last 7 days by sender and reason, the newest first."""
    with database.transaction() as connection:
        return connection.execute(query("refusals/list")).fetchall()
