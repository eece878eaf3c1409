"""Platforms, OS versions, image types and projects, as people list and change them.

Senders go on using an old name: it stays an alias of the renamed or merged row. Names that only
deliveries bring are created by dimensions.py.
"""

from typing import LiteralString
from uuid import UUID

from psycopg import sql

from receiver.domain.dimensions import UNKNOWN, display_name
from receiver.domain.display import label
from receiver.domain.model import Json
from receiver.errors import Cycle, InUse, Invalid, NotFound, Taken
from receiver.storage import audit
from receiver.storage.audit import Actor, Target
from receiver.storage.db import Connection, Database, Row, as_json, query
from receiver.storage.dimensions import TABLES, insert_row, is_within
from receiver.storage.paging import Page

MAX_COUNTED = 10_000  # references of a table; no more are read
SAMPLE_SIZE = 5  # names of references in an answer
UNNAMED = "unknown is the name of nothing: name the image in the hook, a route or a [[default]]."
SELECT = sql.SQL("""
    SELECT id, name, {columns}, created_at, updated_at
    FROM {table}
    WHERE (%(name)s::text IS NULL OR name = %(name)s)
        AND (%(after)s::text IS NULL OR name > %(after)s)
    ORDER BY name
    LIMIT %(limit)s
""")
REFERENCES: dict[str, LiteralString] = {
    "builds": "SELECT build_number FROM builds WHERE {} = %(id)s",
    "projects": "SELECT name FROM projects WHERE parent_project_id = %(id)s",
    "channels": "SELECT name FROM channels WHERE {} = %(id)s",
    "channel_assignments": "SELECT channel FROM named_assignments WHERE {} = %(id)s",
    "tokens": "SELECT name FROM tokens WHERE project = %(name)s AND revoked_at IS NULL",
}
COUNT_REFERENCES = sql.SQL("""
    SELECT count(*) AS count, coalesce((array_agg(name))[:%(some)s], '{{}}') AS some
    FROM ({} LIMIT %(most)s) AS referring (name)
""")


def list_rows(database: Database, dimension: str, limit: int, after: str | None) -> Page:
    """Return one page of rows by name; the cursor is the last name."""
    with database.transaction() as connection:
        rows = _select(connection, dimension, limit + 1, after=after)
    return rows[:limit], rows[limit - 1]["name"] if len(rows) > limit else None


def find_row(database: Database, dimension: str, name: str) -> Row:
    """Return the row of this name. Raises NotFound."""
    with database.transaction() as connection:
        return find(connection, dimension, name)


def create_row(database: Database, dimension: str, fields: Row, actor: Actor) -> Row:
    """Create a row; a field that is left out follows from its name. Raises Taken, NotFound."""
    name = fields["name"]
    with database.transaction() as connection:
        _lock_tree(connection, fields)
        columns = _columns(connection, TABLES[dimension].defaults(name) | fields)
        if not insert_row(connection, dimension, columns).rowcount:
            raise Taken("This name is taken.")
        _delete_alias(connection, dimension, name)
        row = find(connection, dimension, name)
        target = Target(dimension, name, row["id"])
        audit.note_change(connection, actor, f"{dimension}.create", target, after=editable(row))
    return row


def change_row(database: Database, dimension: str, name: str, fields: Row, actor: Actor) -> Row:
    """Change a row; its builds follow a new name. Raises NotFound, Taken, Cycle."""
    new = fields.get("name", name)
    with database.transaction() as connection:
        _lock_tree(connection, fields)
        row = find(connection, dimension, name)
        if new != name:
            _rename(connection, dimension, row, new)
        for column, value in _columns(connection, fields, new).items():
            if column != "name":
                _update(connection, dimension, row["id"], column, value)
        changed = find(connection, dimension, new)
        before, after = editable(row), editable(changed)
        if before != after:
            target = Target(dimension, new, row["id"])
            audit.note_change(connection, actor, f"{dimension}.change", target, before, after)
    return changed


def delete_row(database: Database, dimension: str, name: str, actor: Actor) -> None:
    """Delete a row that nothing refers to. Raises NotFound, InUse."""
    with database.transaction() as connection:
        row = find(connection, dimension, name)
        _execute(connection, "SELECT FROM {} WHERE id = %s FOR UPDATE", dimension, row["id"])
        references = _references(connection, dimension, row)
        if references:
            words = ", ".join(f"{each['count']} of {table}" for table, each in references.items())
            raise InUse(f"It is still referred to by {words}.", references)
        connection.execute("DELETE FROM name_aliases WHERE target_id = %s", [row["id"]])
        column = sql.Identifier(f"{dimension}_id")
        statement = sql.SQL("DELETE FROM confirmed_images WHERE {} = %s")  # it has no foreign keys
        connection.execute(statement.format(column), [row["id"]])
        _execute(connection, "DELETE FROM {} WHERE id = %s", dimension, row["id"])
        target = Target(dimension, name, row["id"])
        audit.note_change(connection, actor, f"{dimension}.delete", target, before=editable(row))


def rename_row(connection: Connection, dimension: str, old: str, new: str, actor: Actor) -> None:
    """Give a row another name. Raises NotFound, Taken."""
    _rename(connection, dimension, find(connection, dimension, old), new)
    target, before, after = Target(dimension, new), {"name": old}, {"name": new}
    audit.note_change(connection, actor, f"{dimension}.rename", target, before, after)


def _select(
    connection: Connection,
    dimension: str,
    limit: int,
    name: str | None = None,
    after: str | None = None,
) -> list[Row]:
    table = TABLES[dimension]
    statement = SELECT.format(columns=sql.SQL(table.columns), table=table.identifier)
    parameters = {"name": name, "after": after, "limit": limit}
    return connection.execute(statement, parameters, prepare=False).fetchall()


def find(connection: Connection, dimension: str, name: str) -> Row:
    """Return the row of this name. Raises NotFound."""
    rows = _select(connection, dimension, 1, name.replace("\0", "")) if name else []
    if not rows:
        raise NotFound(f"There is no {label(dimension)} {name}.")
    return rows[0]


def _lock_tree(connection: Connection, fields: Row) -> None:
    """Two changes at once could each put one project below the other."""
    if "parent" in fields:
        connection.execute("LOCK TABLE projects IN SHARE ROW EXCLUSIVE MODE")


def _columns(connection: Connection, fields: Row, name: str | None = None) -> Row:
    """Return the columns of these fields; the parent's name becomes its id."""
    if "parent" not in fields:
        return fields
    columns = {column: value for column, value in fields.items() if column != "parent"}
    return columns | {"parent_project_id": _parent_id(connection, fields["parent"], name)}


def _parent_id(connection: Connection, parent: str | None, name: str | None) -> UUID | None:
    if parent is None:
        return None
    rows = _select(connection, "project", 1, parent)
    if not rows:
        problem = "There is no project of this name."
        raise NotFound(problem, fields={"parent": [problem]})
    if name and is_within(connection, parent, name):
        raise Cycle(fields={"parent": ["It is this project, or below it."]})
    parent_id: UUID = rows[0]["id"]
    return parent_id


def _update(
    connection: Connection, dimension: str, row_id: UUID, column: str, value: object
) -> None:
    statement = sql.SQL("UPDATE {} SET {} = %s, updated_at = now() WHERE id = %s")
    table = TABLES[dimension].identifier
    connection.execute(statement.format(table, sql.Identifier(column)), [value, row_id])


def refuse_unknown(dimension: str, *names: str) -> None:
    """Raise Invalid for the name of what nobody names: as an alias it would make every build
    without a name, later ones too, an image that is served as if a sender had said so."""
    if dimension != "project" and UNKNOWN in names:
        raise Invalid(UNNAMED)


def _rename(connection: Connection, dimension: str, row: Row, new: str) -> None:
    old, row_id = row["name"], row["id"]
    refuse_unknown(dimension, old)
    if _select(connection, dimension, 1, new):
        problem = f"There is a {label(dimension)} {new}"
        raise Taken(f"{problem}: merge {old} into it with `milepost merge`.")
    _delete_alias(connection, dimension, new)
    _update(connection, dimension, row_id, "name", new)
    if dimension != "project":
        statement = "UPDATE {} SET display_name = %s WHERE id = %s AND display_name = %s"
        _execute(connection, statement, dimension, display_name(new), row_id, display_name(old))
    leave_alias(connection, dimension, old, row_id)
    if dimension == "project":  # tokens of the project follow its name
        connection.execute("UPDATE tokens SET project = %s WHERE project = %s", [new, old])


def leave_alias(
    connection: Connection, dimension: str, name: str, row_id: UUID, merged: Json | None = None
) -> None:
    """Let an old name lead to a row; `merged` is what the undo of a merge needs."""
    parameters = {"dimension": dimension, "name": name, "target_id": row_id}
    parameters["merged"] = None if merged is None else as_json(merged)
    connection.execute(query("dimensions/leave_alias"), parameters)


def _delete_alias(connection: Connection, dimension: str, name: str) -> None:
    """A row's own name comes before another row's old name."""
    connection.execute(
        "DELETE FROM name_aliases WHERE dimension = %s AND name = %s", [dimension, name]
    )


def _references(connection: Connection, dimension: str, row: Row) -> dict[str, Row]:
    """Return the count and some names of the rows that refer to this one, by table."""
    column = sql.Identifier(f"{dimension}_id")
    parameters = {"id": row["id"], "name": row["name"], "most": MAX_COUNTED, "some": SAMPLE_SIZE}
    references = {}
    for table in REFERENCES if dimension == "project" else ("builds", "channel_assignments"):
        statement = COUNT_REFERENCES.format(sql.SQL(REFERENCES[table]).format(column))
        references[table] = connection.execute(statement, parameters).fetchone() or {}
    return {table: each for table, each in references.items() if each["count"]}


def _execute(
    connection: Connection, statement: LiteralString, dimension: str, *values: object
) -> None:
    """Execute a statement with the dimension's table in the place of {}."""
    connection.execute(sql.SQL(statement).format(TABLES[dimension].identifier), values)


def editable(row: Row) -> Row:
    """Return the columns that people change."""
    return {
        key: value for key, value in row.items() if key not in ("id", "created_at", "updated_at")
    }
