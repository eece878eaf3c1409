"""Named senders in the database. Each change raises the version of the kind "senders" with it, so
that every receiver knows of it within a second, and before it refuses anybody.

What `secrets` hold is opaque here: receiver/ingest/sender_store.py makes and reads it.
"""

from collections.abc import Sequence

from receiver.errors import NotFound, Taken
from receiver.storage.db import Connection, Row, query
from receiver.storage.settings import raise_version

KIND = "senders"


def list_senders(connection: Connection) -> list[Row]:
    """Return source, name, projects, secrets (newest first), created_at, created_by and disabled_at
    of every sender."""
    return connection.execute(query("senders/list_senders")).fetchall()


def insert_sender(
    connection: Connection,
    source: str,
    name: str,
    projects: Sequence[str],
    secrets: Sequence[str],
    who: str,
) -> None:
    """Insert a sender. Raises Taken where the source has one of this name."""
    row = {"source": source, "name": name, "projects": list(projects), "secrets": list(secrets)}
    done = connection.execute(query("senders/insert_sender"), row | {"created_by": who})
    if done.fetchone() is None:
        raise Taken(f"There is a {source} sender called {name}: rotate or remove it.")
    raise_version(connection, KIND)


def lock_sender(connection: Connection, source: str, name: str) -> Row:
    """Return a sender as list_senders() does; nobody else changes it until the commit.

    Raises NotFound.
    """
    row = connection.execute(
        query("senders/lock_sender"), {"source": source, "name": name}
    ).fetchone()
    if row is None:
        raise NotFound(f"There is no {source} sender called {name} in the database.")
    return row


def set_secrets(connection: Connection, source: str, name: str, secrets: Sequence[str]) -> None:
    """Set the secrets of a sender that is locked, newest first."""
    row = {"source": source, "name": name, "secrets": list(secrets)}
    connection.execute(query("senders/set_secrets"), row)
    raise_version(connection, KIND)


def delete_sender(connection: Connection, source: str, name: str) -> None:
    """Delete a sender; its deliveries stay."""
    connection.execute(query("senders/delete_sender"), {"source": source, "name": name})
    raise_version(connection, KIND)


def disable_all(connection: Connection) -> int:
    """Disable every sender, as a restored copy needs it. Return how many were enabled."""
    count = connection.execute(query("senders/disable_senders")).rowcount
    raise_version(connection, KIND)
    return count


def enable(connection: Connection, source: str | None, name: str | None) -> list[Row]:
    """Enable the disabled senders of this source and name; None is every one. Return source and
    name of each."""
    row = {"source": source, "name": name}
    enabled = connection.execute(query("senders/enable_senders"), row).fetchall()
    raise_version(connection, KIND)
    return enabled
