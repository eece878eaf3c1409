"""Locks of a build for a manual statement: the number, the earlier manual statements, the build.

They are taken in this order by every manual statement, and a replay takes the second before the
third, so that no two of them wait for each other.
"""

from receiver.storage.db import Connection, Row, query


def lock_build(connection: Connection, build_number: str) -> Row | None:
    """Return how a build stands, locked; None if there is none: build_number, project, status,
    current_state, attempt."""
    parameters = {"build_number": build_number}
    connection.execute(query("manual/lock_number"), parameters)
    connection.execute(query("manual/lock_statements"), parameters)
    return read_build(connection, build_number)


def read_build(connection: Connection, build_number: str) -> Row | None:
    """Return how a build stands by now, locked; None if there is none."""
    parameters = {"build_number": build_number}
    return connection.execute(query("manual/lock_build"), parameters).fetchone()
