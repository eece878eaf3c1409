"""What people assigned follows a name that is merged into another, and returns with its undo."""

from typing import Any

from psycopg import sql

from receiver.storage.db import Connection, Row, as_json, query

MOVE_IMAGES = sql.SQL("""
    UPDATE channel_assignments SET {0} = %(target_id)s WHERE {0} = %(source_id)s RETURNING id
""")
RETURN_IMAGES = sql.SQL("""
    UPDATE channel_assignments SET {} = %(source_id)s WHERE id = ANY(%(ids)s::uuid[])
""")


def move(connection: Connection, dimension: str, ids: Row) -> dict[str, Any]:
    """Move the assignments of a name's images, and a project's channels.

    Return what the undo needs. Where both projects have a channel of one name, they become one:
    the newest assignment counts.
    """
    column = sql.Identifier(f"{dimension}_id")
    moved = connection.execute(MOVE_IMAGES.format(column), ids, prepare=False).fetchall()
    undoing: dict[str, Any] = {
        "assigned": {"column": f"{dimension}_id", "ids": [str(row["id"]) for row in moved]}
    }
    if dimension == "project":
        undoing["joined_channels"] = [_joined(connection, row) for row in _twins(connection, ids)]
        rows = connection.execute(query("merges/move_channels"), ids).fetchall()
        undoing["channels"] = [str(row["id"]) for row in rows]
    return undoing


def give_back(connection: Connection, undoing: Row, parameters: Row) -> None:
    """Undo move(); `parameters` have source_id."""
    if channels := undoing.get("channels"):
        connection.execute(query("merges/return_channels"), parameters | {"ids": channels})
    for each in undoing.get("joined_channels", ()):
        row = {"row": as_json(each["row"])}
        connection.execute(query("merges/restore_channel"), row)
        moved = {"channel_id": each["row"]["id"], "ids": each["ids"]}
        connection.execute(query("merges/return_assignments"), moved)
    assigned = undoing.get("assigned") or {"ids": []}
    if assigned["ids"]:
        statement = RETURN_IMAGES.format(sql.Identifier(assigned["column"]))
        connection.execute(statement, parameters | {"ids": assigned["ids"]}, prepare=False)


def _twins(connection: Connection, ids: Row) -> list[Row]:
    return connection.execute(query("merges/twin_channels"), ids).fetchall()


def _joined(connection: Connection, twin: Row) -> Row:
    """Let one channel be another one. Return its row, and the assignments that moved."""
    moved = connection.execute(query("merges/move_assignments"), twin).fetchall()
    connection.execute(query("merges/delete_channel"), twin)
    return {"row": twin["row"], "ids": [str(row["id"]) for row in moved]}
