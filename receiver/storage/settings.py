"""Settings in the database: the version of each kind, and the documents as people wrote them.

Whoever changes a sender or a document raises its kind's version in the same transaction: receivers
read again what has another version.
"""

from receiver.storage.db import Connection, Row, query

KINDS = ("stages", "routes", "senders", "projects", "notices")


def versions(connection: Connection) -> dict[str, int]:
    """Return the version of each kind that was ever written."""
    rows = connection.execute(query("settings/versions")).fetchall()
    return {row["kind"]: row["version"] for row in rows}


def raise_version(connection: Connection, kind: str) -> int:
    """Raise the version of a kind, and return it. Others who raise it wait for the commit."""
    row = connection.execute(query("settings/raise_version"), {"kind": kind}).fetchone()
    assert row  # noqa: S101  # an upsert returns its row
    version: int = row["version"]
    return version


def lock_kind(connection: Connection, kind: str) -> None:
    """Let nobody else raise the version of a kind until the caller's commit."""
    connection.execute(query("settings/lock_kind"), {"kind": kind})


def read_document(connection: Connection, kind: str, before: int | None = None) -> Row | None:
    """Return version, document (its text), created_at and created_by of the newest document of a
    kind, or of the newest before a version. None without one."""
    parameters = {"kind": kind, "before": before}
    return connection.execute(query("settings/read_document"), parameters).fetchone()


def list_documents(connection: Connection, kind: str) -> list[Row]:
    """Return version, created_at and created_by of each document of a kind, newest first."""
    return connection.execute(query("settings/list_documents"), {"kind": kind}).fetchall()


def write_document(connection: Connection, kind: str, text: str, who: str) -> int:
    """Make a text the newest document of a kind, and return its version. It is not parsed here."""
    version = raise_version(connection, kind)
    row = {"kind": kind, "version": version, "document": text, "created_by": who}
    connection.execute(query("settings/insert_document"), row)
    return version
