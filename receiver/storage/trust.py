"""Whether all that was built is here: what senders send that nobody can use, who fell silent, and
what nobody was told."""

from collections.abc import Sequence
from dataclasses import dataclass

from receiver.storage.db import Connection, Row, query
from receiver.storage.notices import read_silences


@dataclass(frozen=True, slots=True)
class Trust:
    """The deliveries of a day that nobody could use; the messages of notices that do not arrive;
    and each sender that was ever heard, with last_heard_at and longest_gap."""

    quarantined: int
    undelivered: int
    senders: Sequence[Row]


def read_trust(connection: Connection) -> Trust:
    """Return what tells whether the pages may lack something."""
    quarantined = connection.execute(query("overview/quarantined")).fetchone()
    return Trust(
        quarantined["count"] if quarantined else 0,
        count_undelivered(connection),
        read_silences(connection),
    )


def count_undelivered(connection: Connection) -> int:
    """Return how many messages of notices failed and are tried again or, in the last day, were
    given up; and how many causes wait for longer than five minutes to be evaluated."""
    row = connection.execute(query("notices/undelivered")).fetchone()
    return row["count"] if row else 0
