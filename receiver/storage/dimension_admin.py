"""Platforms, OS versions, image types and projects, as people list, create, change and delete them.

Reports create what they name by themselves (vocabulary.py). Part of the only writer.
"""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from psycopg import sql

from receiver.domain import dimensions
from receiver.errors import Cycle, InUse, NotFound, Taken
from receiver.storage import audit, renaming
from receiver.storage.audit import Actor, Target
from receiver.storage.db import Connection, Database, Row, query
from receiver.storage.projects import is_within
from receiver.storage.renaming import TABLES

MADE: dict[str, Callable[[str], Row]] = {
    "platform": dimensions.platform,
    "os_version": dimensions.os_version,
    "image_type": dimensions.image_type,
    "project": dimensions.project,
}
LISTS = {
    "platform": "dimensions/list_platforms",
    "os_version": "dimensions/list_os_versions",
    "image_type": "dimensions/list_image_types",
    "project": "dimensions/list_projects",
}
COUNTED = 10_000  # references of a table; no more are looked at
NAMED = 5


def listed(
    database: Database, kind: str, limit: int, after: str | None
) -> tuple[list[Row], str | None]:
    """A page of rows by name, and the name that the next page begins behind."""
    with database.transaction() as connection:
        found = _rows(connection, kind, limit + 1, after=after)
    items = found[:limit]
    return items, items[-1]["name"] if len(found) > limit else None


def one(database: Database, kind: str, name: str) -> Row:
    """The row of this name; NotFound."""
    with database.transaction() as connection:
        return _one(connection, kind, name)


def told(connection: Connection, kind: str, name: str) -> Row:
    """What of the row of this name people change; NotFound."""
    return _told(_one(connection, kind, name))


def create(database: Database, kind: str, given: Row, who: Actor) -> Row:
    """A row from its name and what else is given; Taken, or NotFound for a parent."""
    with database.transaction() as connection:
        if "parent" in given:
            _lock_tree(connection)
        name = given["name"]
        known = _columns(connection, kind, MADE[kind](name) | given)
        statement = sql.SQL(
            "INSERT INTO {} ({}) VALUES ({}) ON CONFLICT (name) DO NOTHING RETURNING id"
        ).format(
            sql.Identifier(TABLES[kind]),
            sql.SQL(", ").join(map(sql.Identifier, known)),
            sql.SQL(", ").join(map(sql.Placeholder, known)),
        )
        if not connection.execute(statement, known).fetchone():
            raise Taken("This name is taken.")
        renaming.forget_alias(connection, kind, name)
        row = _one(connection, kind, name)
        target = Target(kind, name, row["id"])
        audit.note_change(connection, who, f"{kind}.create", target, after=_told(row))
    return row


def change(database: Database, kind: str, name: str, given: Row, who: Actor) -> Row:
    """Change a row; a new name takes its builds along. NotFound, Taken, Cycle."""
    with database.transaction() as connection:
        if "parent" in given:
            _lock_tree(connection)
        before = _one(connection, kind, name)
        new = given.get("name", name)
        if new != name:
            _rename(connection, kind, name, new)
        rest = {key: value for key, value in given.items() if key != "name"}
        known = _columns(connection, kind, rest, new)
        for column, value in known.items():
            statement = sql.SQL("UPDATE {} SET {} = %s, updated_at = now() WHERE id = %s").format(
                sql.Identifier(TABLES[kind]), sql.Identifier(column)
            )
            connection.execute(statement, [value, before["id"]])
        after = _one(connection, kind, new)
        if _told(before) != _told(after):
            target = Target(kind, new, before["id"])
            audit.note_change(
                connection, who, f"{kind}.change", target, _told(before), _told(after)
            )
    return after


def remove(database: Database, kind: str, name: str, who: Actor) -> None:
    """Remove a row that nothing refers to; NotFound, InUse."""
    with database.transaction() as connection:
        row = _one(connection, kind, name)
        lock = sql.SQL("SELECT FROM {} WHERE id = %s FOR UPDATE")
        connection.execute(lock.format(sql.Identifier(TABLES[kind])), [row["id"]])
        found = _references(connection, kind, name, row["id"])
        if found:
            words = ", ".join(f"{each['count']} of {table}" for table, each in found.items())
            raise InUse(f"It is still referred to by {words}.", found)
        connection.execute("DELETE FROM name_aliases WHERE target_id = %s", [row["id"]])
        statement = sql.SQL("DELETE FROM {} WHERE id = %s")
        connection.execute(statement.format(sql.Identifier(TABLES[kind])), [row["id"]])
        target = Target(kind, name, row["id"])
        audit.note_change(connection, who, f"{kind}.delete", target, before=_told(row))


def _rows(
    connection: Connection,
    kind: str,
    limit: int,
    name: str | None = None,
    after: str | None = None,
) -> list[Row]:
    row = {"name": name, "after": after, "limit": limit}
    return connection.execute(query(LISTS[kind]), row, prepare=False).fetchall()


def _one(connection: Connection, kind: str, name: str) -> Row:
    found = _rows(connection, kind, 1, name=name.replace("\0", "")) if name else []
    if not found:
        raise NotFound(f"There is no {_words(kind)} {name}.")
    return found[0]


def _rename(connection: Connection, kind: str, name: str, new: str) -> None:
    if _rows(connection, kind, 1, name=new):
        raise Taken(
            f"There is another {_words(kind)} of this name: merge them on the command line."
        )
    renaming.rename(connection, kind, name, new)


def _lock_tree(connection: Connection) -> None:
    """Two changes at once could each put one project below the other."""
    connection.execute("LOCK TABLE projects IN SHARE ROW EXCLUSIVE MODE")


def _columns(connection: Connection, kind: str, given: Row, name: str | None = None) -> Row:
    """Columns of the row of this name, or of a new one; a parent is named, and kept as an id."""
    if kind != "project" or "parent" not in given:
        return given
    known = {key: value for key, value in given.items() if key != "parent"}
    return known | {"parent_project_id": _parent(connection, given["parent"], name)}


def _parent(connection: Connection, parent: str | None, name: str | None) -> UUID | None:
    if parent is None:
        return None
    found = _rows(connection, "project", 1, name=parent)
    if not found:
        problem = "There is no project of this name."
        raise NotFound(problem, fields={"parent": [problem]})
    if name and is_within(connection, parent, name):
        raise Cycle(fields={"parent": ["It is this project, or below it."]})
    parent_id: UUID = found[0]["id"]
    return parent_id


def _references(
    connection: Connection, kind: str, name: str, row_id: UUID
) -> dict[str, dict[str, Any]]:
    """What still refers to a row: by table how many, and the names of a few."""
    column = sql.Identifier(f"{kind}_id")
    builds = sql.SQL("SELECT build_number FROM builds WHERE {} = %(id)s").format(column)
    wanted: dict[str, sql.Composable] = {"builds": builds}
    if kind == "project":
        wanted["projects"] = sql.SQL("SELECT name FROM projects WHERE parent_project_id = %(id)s")
        wanted["tokens"] = sql.SQL(
            "SELECT name FROM tokens WHERE project = %(name)s AND revoked_at IS NULL"
        )
    row = {"id": row_id, "name": name, "counted": COUNTED, "named": NAMED}
    counted = sql.SQL(
        "SELECT count(*) AS count, coalesce((array_agg(name))[:%(named)s], '{{}}') AS some "
        "FROM ({} LIMIT %(counted)s) AS found (name)"
    )
    found = {
        table: connection.execute(counted.format(statement), row).fetchone() or {}
        for table, statement in wanted.items()
    }
    return {table: each for table, each in found.items() if each["count"]}


def _told(row: Row) -> Row:
    """What of a row people change."""
    return {
        key: value for key, value in row.items() if key not in ("id", "created_at", "updated_at")
    }


def _words(kind: str) -> str:
    return kind.replace("os_version", "OS version").replace("_", " ")
