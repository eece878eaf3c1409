"""Rename or merge platforms, OS versions, image types and projects, with all their builds.

Senders go on using the old name: it stays an alias, so that what they report meets the new one.
"""

from typing import LiteralString
from uuid import UUID

from psycopg import sql

from receiver.domain import dimensions
from receiver.errors import MilepostError
from receiver.storage.db import Connection

TABLES = {
    "platform": "platforms",
    "os_version": "os_versions",
    "image_type": "image_types",
    "project": "projects",
}


def rename(connection: Connection, dimension: str, old: str, new: str) -> None:
    """Give a row another name; MilepostError where it is not there, or the new one is."""
    table = sql.Identifier(TABLES[dimension])
    target = _id(connection, dimension, old)
    if _find(connection, dimension, new):
        raise MilepostError(f"There is a {_words(dimension)} {new}: merge {old} into it.")
    forget_alias(connection, dimension, new)
    _execute(
        connection, "UPDATE {} SET name = %s, updated_at = now() WHERE id = %s", table, new, target
    )
    if dimension != "project":
        shown = (dimensions.display_name(new), target, dimensions.display_name(old))
        statement = "UPDATE {} SET display_name = %s WHERE id = %s AND display_name = %s"
        _execute(connection, statement, table, *shown)
    _keep_alias(connection, dimension, old, target)
    _rename_in_tokens(connection, dimension, old, new)


def merge(connection: Connection, dimension: str, old: str, into: str) -> int:
    """Move all builds of one row to another and remove it; gives how many builds it had.

    MilepostError where one of them is not there.
    """
    gone, target = _id(connection, dimension, old), _id(connection, dimension, into)
    if gone == target:
        raise MilepostError(f"{old} and {into} are the same already.")
    connection.execute("SET LOCAL statement_timeout = 0")  # it may have very many builds
    connection.execute("LOCK TABLE builds IN SHARE ROW EXCLUSIVE MODE")
    column = sql.Identifier(f"{dimension}_id")
    statement = "UPDATE builds SET {} = %s, updated_at = now() WHERE {} = %s"
    moved = connection.execute(sql.SQL(statement).format(column, column), [target, gone]).rowcount
    if dimension == "project":
        _adopt_children(connection, gone, target)
    connection.execute(
        "UPDATE name_aliases SET target_id = %s WHERE target_id = %s", [target, gone]
    )
    _execute(connection, "DELETE FROM {} WHERE id = %s", sql.Identifier(TABLES[dimension]), gone)
    _keep_alias(connection, dimension, old, target)
    _rename_in_tokens(connection, dimension, old, into)
    return moved


def _adopt_children(connection: Connection, gone: UUID, target: UUID) -> None:
    """What was below the project that goes is below the other, which moves up if it was too."""
    statement = """
        UPDATE projects SET parent_project_id = parent.parent_project_id
        FROM projects AS parent
        WHERE projects.id = %s AND parent.id = %s AND projects.parent_project_id = parent.id
    """
    connection.execute(statement, [target, gone])
    statement = (
        "UPDATE projects SET parent_project_id = %s WHERE parent_project_id = %s AND id <> %s"
    )
    connection.execute(statement, [target, gone, target])


def _id(connection: Connection, dimension: str, name: str) -> UUID:
    found = _find(connection, dimension, name)
    if found is None:
        raise MilepostError(f"There is no {_words(dimension)} {name}.")
    return found


def _find(connection: Connection, dimension: str, name: str) -> UUID | None:
    statement = sql.SQL("SELECT id FROM {} WHERE name = %s").format(
        sql.Identifier(TABLES[dimension])
    )
    found = connection.execute(statement, [name]).fetchone()
    return found["id"] if found else None


def _keep_alias(connection: Connection, dimension: str, name: str, target: UUID) -> None:
    statement = """
        INSERT INTO name_aliases (dimension, name, target_id) VALUES (%s, %s, %s)
        ON CONFLICT (dimension, name) DO UPDATE SET target_id = EXCLUDED.target_id
    """
    connection.execute(statement, [dimension, name, target])


def forget_alias(connection: Connection, dimension: str, name: str) -> None:
    """A row's own name stands above what another was called."""
    statement = "DELETE FROM name_aliases WHERE dimension = %s AND name = %s"
    connection.execute(statement, [dimension, name])


def _rename_in_tokens(connection: Connection, dimension: str, old: str, new: str) -> None:
    if dimension == "project":
        connection.execute("UPDATE tokens SET project = %s WHERE project = %s", [new, old])


def _execute(
    connection: Connection, statement: LiteralString, table: sql.Identifier, *values: object
) -> None:
    connection.execute(sql.SQL(statement).format(table), values)


def _words(dimension: str) -> str:
    return dimension.replace("os_version", "OS version").replace("_", " ")
