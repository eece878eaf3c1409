"""The deliveries that need somebody: the quarantined ones, and jobs that no build is made of."""

from receiver.storage.db import Database, Row, query

UNUSED = "no route and no hook makes it a build"  # as note_attached.sql has it


def read_problems(database: Database) -> list[Row]:
    """Return outcome, reason, source, sender, count, last_at and the newest delivery's id of each
    problem, quarantined ones first."""
    with database.transaction() as connection:
        return connection.execute(query("delivery_problems/list"), {"unused": UNUSED}).fetchall()
