"""The tree of projects: which one is within which."""

from receiver.storage.db import Connection, query


def is_within(connection: Connection, name: str | None, project: str | None) -> bool:
    """Whether this project is the other, or below it; None is every project."""
    if project is None or name == project:
        return True
    chain = connection.execute(query("dimensions/project_chain"), {"name": name}).fetchall()
    return project in [row["name"] for row in chain]
