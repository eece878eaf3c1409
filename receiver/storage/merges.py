"""Merge one name of a dimension into another, and undo that.

A merge is an old name that leads to another row: nothing that a sender said is changed. Its undo
takes the old name away and folds the builds again, so that each has what its own reports say.
Builds move in batches, each a transaction, so that no delivery waits for them.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from psycopg import sql

from receiver.domain.display import label
from receiver.domain.model import Json
from receiver.domain.stage_map import StageMap
from receiver.errors import Contended, Invalid, NotFound
from receiver.storage import audit, channel_merges, dimensions, outdated
from receiver.storage.audit import Actor, Target
from receiver.storage.db import Connection, Database, Row, as_json, query
from receiver.storage.dimension_admin import editable, find, leave_alias, refuse_unknown
from receiver.storage.dimensions import TABLES

FIRST = UUID(int=0)
MOVED_AT_ONCE = 1_000  # builds of a transaction
FOLDED_AT_ONCE = 100
Result = TypeVar("Result")
TRIES = 5  # of a batch that met deliveries
MOVE = sql.SQL("""
    UPDATE builds SET {column} = %(target_id)s, updated_at = now()
    WHERE id IN (
        SELECT id FROM builds WHERE {column} = %(source_id)s AND id > %(after)s
        ORDER BY id LIMIT %(limit)s FOR NO KEY UPDATE
    )
    RETURNING id
""")
BUILDS = sql.SQL("SELECT id FROM builds WHERE {} = %s AND (%s OR conflict IS NOT NULL) ORDER BY id")
LOCK_ROW = sql.SQL("SELECT to_jsonb({table}) AS row FROM {table} WHERE id = %s FOR UPDATE")
DELETE_ROW = sql.SQL("DELETE FROM {} WHERE id = %s")
RESTORE_ROW = sql.SQL("INSERT INTO {0} SELECT * FROM jsonb_populate_record(NULL::{0}, %s)")
MOVE_CONFIRMED = sql.SQL("""
    INSERT INTO confirmed_images (
        project_id, platform_id, os_version_id, image_type_id, confirmed_at, confirmed_by
    )
    SELECT {columns}, confirmed_at, confirmed_by FROM confirmed_images
    WHERE {column} = %(source_id)s
    ON CONFLICT DO NOTHING
    RETURNING to_jsonb(confirmed_images) AS row
""")
DELETE_CONFIRMED = sql.SQL("""
    DELETE FROM confirmed_images WHERE {} = %(source_id)s
    RETURNING to_jsonb(confirmed_images) AS row
""")


def merge(
    database: Database, dimension: str, name: str, into: str, actor: Actor, stages: StageMap
) -> int:
    """Let a name be another one from now on, and move its builds. Return the number of builds.

    Raises NotFound, and Invalid where both are the same, or one of them is `unknown`.
    """
    with database.transaction() as connection:
        ids = _pair(connection, dimension, name, into)
    moved = sum(_move(database, dimension, ids))
    moved += _tried(partial(_finish, database, dimension, name, into, moved, actor))
    # What one run said in two spellings of one name is no conflict any more.
    _fold(database, _builds(database, dimension, ids["target_id"], conflicts_only=True), stages)
    return moved


def undo(database: Database, dimension: str, name: str, actor: Actor, stages: StageMap) -> Json:
    """Undo a merge: `{"into": name, "builds_moved": number}`, the builds that have the name again.

    Raises NotFound where the name was not merged.
    """
    with database.transaction() as connection:
        source_id, into = _restore(connection, dimension, name, actor)
    _fold(database, _builds(database, dimension, into["id"]), stages)
    with database.transaction() as connection:
        statement = sql.SQL("SELECT count(*) AS count FROM builds WHERE {} = %s")
        column = sql.Identifier(f"{dimension}_id")
        row = connection.execute(statement.format(column), [source_id]).fetchone() or {}
    return {"into": into["name"], "builds_moved": row["count"]}


def list_merges(database: Database) -> list[Row]:
    """Return the merges that can be undone."""
    with database.transaction() as connection:
        return connection.execute(query("merges/list_merges")).fetchall()


def _pair(connection: Connection, dimension: str, name: str, into: str) -> dict[str, UUID]:
    refuse_unknown(dimension, name, into)
    source, target = find(connection, dimension, name), find(connection, dimension, into)
    if source["id"] == target["id"]:
        raise Invalid(f"{name} and {into} are the same already.")
    return {"source_id": source["id"], "target_id": target["id"]}


def _move(database: Database, dimension: str, ids: Row) -> Iterator[int]:
    """Move builds, batch by batch; a report meanwhile may give a build its old name again."""
    after = FIRST
    while moved := _tried(partial(_move_batch, database, dimension, ids, after)):
        after = max(moved)
        yield len(moved)


def _move_batch(database: Database, dimension: str, ids: Row, after: UUID) -> list[UUID]:
    """Move the next builds behind an id: what was moved is not read again."""
    with database.transaction() as connection:
        return _move_builds(connection, dimension, ids, after, MOVED_AT_ONCE)


def _move_builds(
    connection: Connection, dimension: str, ids: Row, after: UUID, limit: int | None
) -> list[UUID]:
    statement = MOVE.format(column=sql.Identifier(f"{dimension}_id"))
    parameters = ids | {"after": after, "limit": limit}
    rows = connection.execute(statement, parameters, prepare=False).fetchall()
    return [row["id"] for row in rows]


def _finish(
    database: Database, dimension: str, name: str, into: str, moved: int, actor: Actor
) -> int:
    """Leave the old name. Return the number of builds that reports had given it meanwhile."""
    with database.transaction() as connection:
        ids = _pair(connection, dimension, name, into)
        target = find(connection, dimension, into)
        row = _lock_row(connection, dimension, ids["source_id"])  # nobody gives it a build now
        late = len(_move_builds(connection, dimension, ids, FIRST, None))
        undoing = {"row": row, "by": actor.name, "at": datetime.now(UTC).isoformat()}
        undoing |= _move_others(connection, dimension, ids, name, into)
        statement = DELETE_ROW.format(TABLES[dimension].identifier)
        connection.execute(statement, [ids["source_id"]])
        leave_alias(connection, dimension, name, ids["target_id"], undoing)
        before = editable(row)
        after = {"name": target["name"], "builds_moved": moved + late}
        audit.note_change(
            connection, actor, f"{dimension}.merge", Target(dimension, into), before, after
        )
    return late


def _lock_row(connection: Connection, dimension: str, row_id: UUID) -> Json:
    statement = LOCK_ROW.format(table=TABLES[dimension].identifier)
    found = connection.execute(statement, [row_id]).fetchone()
    if not found:
        raise Contended("It was merged meanwhile.")
    row: Json = found["row"]
    return row


def _move_others(
    connection: Connection, dimension: str, ids: Row, name: str, into: str
) -> dict[str, Any]:
    """Move what else refers to a row. Return what the undo needs of it."""
    parameters = ids | {"dimension": dimension, "name": name, "into": into}

    def moved(statement: str, key: str) -> list[Any]:
        rows = connection.execute(query(f"merges/{statement}"), parameters).fetchall()
        return [row[key] for row in rows]

    undoing = {"aliases": moved("move_aliases", "name")}
    undoing |= _move_confirmed(connection, dimension, ids)
    undoing |= channel_merges.move(connection, dimension, ids)
    if dimension == "project":
        undoing["raised"] = moved("raise_target", "id")
        undoing["children"] = moved("move_children", "id")
        undoing["tokens"] = moved("move_tokens", "id")
    return undoing


def _move_confirmed(connection: Connection, dimension: str, ids: Row) -> dict[str, Any]:
    column = sql.Identifier(f"{dimension}_id")
    names = [f"{each}_id" for each in ("project", "platform", "os_version", "image_type")]
    columns = [
        sql.SQL("%(target_id)s::uuid") if each == f"{dimension}_id" else sql.Identifier(each)
        for each in names
    ]
    statement = MOVE_CONFIRMED.format(columns=sql.SQL(", ").join(columns), column=column)
    added = connection.execute(statement, ids).fetchall()
    before = connection.execute(DELETE_CONFIRMED.format(column), ids).fetchall()
    return {
        "confirmed": [each["row"] for each in before],
        "confirmed_instead": [each["row"] for each in added],
    }


def _restore(connection: Connection, dimension: str, name: str, actor: Actor) -> tuple[UUID, Row]:
    """Take the old name away, and bring its row back. Return its id, and the other row."""
    parameters = {"dimension": dimension, "name": name.replace("\0", "")}
    alias = connection.execute(query("merges/find_merge"), parameters).fetchone()
    undoing = alias and (alias["merged"] or _of_older_release(connection, dimension, name))
    if not alias or not undoing:
        raise NotFound(f"{name} is the name of no {label(dimension)} that was merged.")
    target = _by_id(connection, dimension, alias["target_id"])
    parameters |= {"target_id": target["id"], "into": target["name"]}
    connection.execute(
        "DELETE FROM name_aliases WHERE dimension = %(dimension)s AND name = %(name)s", parameters
    )
    source_id = _restore_row(connection, dimension, undoing)
    _return_others(connection, undoing, parameters | {"source_id": source_id})
    before, after = {"name": target["name"]}, {"name": name}
    noted = Target(dimension, name, source_id)
    audit.note_change(connection, actor, f"{dimension}.undo_merge", noted, before, after)
    return source_id, target


def _restore_row(connection: Connection, dimension: str, undoing: Json) -> UUID:
    row = undoing["row"]
    if "id" in row:
        statement = RESTORE_ROW.format(TABLES[dimension].identifier)
        alone = {key: value for key, value in row.items() if key != "parent_project_id"}
        connection.execute(statement, [as_json(alone)])
        return UUID(row["id"])
    dimensions.insert_row(connection, dimension, row)
    restored: UUID = find(connection, dimension, row["name"])["id"]
    return restored


def _return_others(connection: Connection, undoing: Json, parameters: Row) -> None:
    """Give back what the merge moved, as far as nobody has changed it since."""
    returned = {
        "return_aliases": {"names": undoing.get("aliases", [])},
        "return_children": {"ids": undoing.get("children", [])},
        "return_tokens": {"ids": undoing.get("tokens", [])},
    }
    for statement, moved in returned.items():
        if any(moved.values()):
            connection.execute(query(f"merges/{statement}"), parameters | moved)
    if undoing.get("raised"):
        statement = "UPDATE projects SET parent_project_id = %(source_id)s WHERE id = %(target_id)s"
        connection.execute(statement, parameters)
    if parent_id := undoing["row"].get("parent_project_id"):
        _return_parent(connection, parameters | {"parent_id": parent_id})
    channel_merges.give_back(connection, undoing, parameters)
    for row in undoing.get("confirmed_instead", ()):
        connection.execute(query("confirmed_images/delete_confirmed"), row)
    for row in undoing.get("confirmed", ()):
        connection.execute(query("confirmed_images/restore_confirmed"), {"row": as_json(row)})


def _return_parent(connection: Connection, parameters: Row) -> None:
    """Put a project below its parent again, or below the project that its parent was merged into,
    whose undo returns it; not below one that is by now below it."""
    parent = connection.execute(query("merges/find_parent"), parameters).fetchone()
    if parent and not dimensions.is_within(connection, parent["name"], parameters["name"]):
        connection.execute(query("merges/return_parent"), parameters | {"new_id": parent["id"]})


def _of_older_release(connection: Connection, dimension: str, name: str) -> Json | None:
    """Return the row of a name that a release merged which kept nothing for the undo: its columns
    follow from its name."""
    parameters = {"dimension": dimension, "action": f"{dimension}.merge", "name": name}
    row = connection.execute(query("merges/was_merged"), parameters).fetchone()
    return {"row": TABLES[dimension].defaults(name)} if row and row["was_merged"] else None


def _by_id(connection: Connection, dimension: str, row_id: UUID) -> Row:
    statement = sql.SQL("SELECT id, name FROM {} WHERE id = %s")
    row = connection.execute(statement.format(TABLES[dimension].identifier), [row_id]).fetchone()
    if not row:
        raise Contended("It was merged meanwhile.")
    return row


def _builds(
    database: Database, dimension: str, row_id: UUID, *, conflicts_only: bool = False
) -> list[UUID]:
    statement = BUILDS.format(sql.Identifier(f"{dimension}_id"))
    with database.transaction() as connection:
        rows = connection.execute(statement, [row_id, not conflicts_only], prepare=False).fetchall()
    return [row["id"] for row in rows]


def _fold(database: Database, build_ids: Sequence[UUID], stages: StageMap) -> None:
    for start in range(0, len(build_ids), FOLDED_AT_ONCE):
        some = build_ids[start : start + FOLDED_AT_ONCE]
        _tried(partial(_fold_batch, database, some, stages))


def _fold_batch(database: Database, build_ids: Sequence[UUID], stages: StageMap) -> None:
    """Fold these builds again; one without events keeps what it has."""
    with database.transaction() as connection:
        outdated.fold_again(connection, build_ids, stages)


def _tried(action: Callable[[], Result]) -> Result:
    """Return what an action returns; one that met deliveries is tried again."""
    for _ in range(TRIES - 1):
        try:
            return action()
        except Contended:
            continue
    return action()
