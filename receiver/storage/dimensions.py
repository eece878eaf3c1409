"""Dimensions while recording: names of platforms, OS versions, image types and projects to ids.

A name that a table lacks is created. Builds' numbers are looked up in the same query.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import LiteralString
from uuid import UUID

from psycopg import sql

from receiver.domain import dimensions, display
from receiver.domain.model import DIMENSIONS, Identity, Statement
from receiver.storage.db import Connection, Cursor, Row, array, as_json, query

Own = str | tuple[str, ...] | None  # the projects that a caller reaches; None is every one
Name = tuple[str, str]  # kind (a dimension, or build) and text
Ids = dict[Name, UUID]


@dataclass(frozen=True, slots=True)
class Table:
    """A dimension's table, the columns of its own, and the values that follow from a name."""

    identifier: sql.Identifier
    columns: LiteralString
    defaults: Callable[[str], Row]


TABLES = {
    "platform": Table(
        sql.Identifier("platforms"), "display_name, cloud_provider, region", dimensions.platform
    ),
    "os_version": Table(
        sql.Identifier("os_versions"),
        "display_name, os_family, major_version, minor_version",
        dimensions.os_version,
    ),
    "image_type": Table(
        sql.Identifier("image_types"), "display_name, description", dimensions.image_type
    ),
    "project": Table(
        sql.Identifier("projects"),
        "description, (SELECT parent.name FROM projects AS parent"
        " WHERE parent.id = projects.parent_project_id) AS parent",
        dimensions.project,
    ),
}
UNKNOWN = {(dimension, dimensions.UNKNOWN) for dimension in DIMENSIONS if dimension != "project"}
INSERT = sql.SQL("INSERT INTO {} ({}) VALUES ({}) ON CONFLICT (name) DO NOTHING")


def names_of(statements: Iterable[Statement]) -> set[Name]:
    """Return the names in these statements, and the names that stand for what they leave out."""
    identities = {
        identity
        for statement in statements
        for identity in (statement.said, statement.custom, statement.inferred)
    }
    return UNKNOWN.union(*map(_names, identities))


def request_ids(connection: Connection, names: Iterable[Name]) -> Cursor:
    """Request the ids of names, old names and builds' numbers; read_ids() reads the answer."""
    rows = [{"kind": kind, "name": name} for kind, name in names]
    return connection.execute(query("dimensions/find_names"), {"names": as_json(rows)})


def read_ids(cursor: Cursor) -> Ids:
    """Return the requested ids. A row's own name comes before another row's old name."""
    ids: Ids = {}
    for row in cursor.fetchall():
        ids.setdefault((row["kind"], row["name"]), row["id"])
    return ids


def find_ids(connection: Connection, names: Iterable[Name]) -> Ids:
    """Return the ids of those names that there are."""
    return read_ids(request_ids(connection, names))


def ensure_ids(connection: Connection, names: set[Name], ids: Ids) -> Ids:
    """Return `ids` with the ids of all `names`; a name that a table lacks is created."""
    missing = sorted(names - ids.keys())
    for dimension, name in missing:
        insert_row(connection, dimension, TABLES[dimension].defaults(name))
    return ids | find_ids(connection, missing) if missing else ids


def ids_of(connection: Connection, identities: Iterable[Identity], ids: Ids) -> Ids:
    """Return `ids` with the ids of these identities' names; a deleted name is created again."""
    missing = UNKNOWN.union(*map(_names, identities)) - ids.keys()
    if not missing:
        return ids
    return ensure_ids(connection, missing, ids | find_ids(connection, missing))


def id_columns(ids: Ids, identity: Identity) -> Row:
    """Return a build's id columns for this identity."""
    return {
        f"{dimension}_id": ids.get((dimension, getattr(identity, dimension) or dimensions.UNKNOWN))
        for dimension in DIMENSIONS
    }


def insert_row(connection: Connection, dimension: str, columns: Row) -> Cursor:
    """Insert a row; the cursor's rowcount is 0 where another row has its name."""
    statement = INSERT.format(
        TABLES[dimension].identifier,
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.SQL(", ").join(map(sql.Placeholder, columns)),
    )
    return connection.execute(statement, columns)


def unknown_names(connection: Connection, names: Mapping[str, str], own: Own = None) -> list[str]:
    """Return a sentence for each of these names by dimension that nothing has, nor had before it
    was renamed: "platform nope is unknown". To whoever may read the projects `own` alone, what only
    others have is unknown, too."""
    wanted = {(kind, text.replace("\0", "")) for kind, text in names.items()}
    known = find_ids(connection, wanted)
    if own is not None and known:
        projects = list(projects_within(connection, own))
        parameters = {"ids": array(known.values()), "projects": projects}
        rows = connection.execute(query("dimensions/built_ids"), parameters).fetchall()
        built = {row["id"] for row in rows}
        known = {name: each for name, each in known.items() if each in built}
    missing = sorted(wanted - known.keys())
    return [f"{display.label(kind)} {text} is unknown" for kind, text in missing]


def is_within(connection: Connection, name: str | None, project: Own) -> bool:
    """Return whether the project `name` is `project` or below it, both also by an old name; None is
    every project."""
    if isinstance(project, tuple):
        return any(is_within(connection, name, each) for each in project)
    if project is None or name == project:
        return True
    ids = find_ids(connection, {("project", project)})
    chain = connection.execute(query("dimensions/project_chain"), {"name": name}).fetchall()
    return ids.get(("project", project)) in [row["id"] for row in chain]


def projects_within(connection: Connection, project: str | tuple[str, ...]) -> tuple[str, ...]:
    """Return projects, also by old names, and those below them; a name that is none stays alone."""
    if isinstance(project, tuple):
        found = [projects_within(connection, each) for each in project]
        return tuple(dict.fromkeys(name for each in found for name in each))
    rows = connection.execute(query("dimensions/projects_within"), {"name": project}).fetchall()
    return tuple(row["name"] for row in rows) or (project,)


def own_words(own: Own) -> str:
    """Return the projects of a caller in words.

    >>> own_words(("core", "web"))
    'the projects core, web'
    """
    if isinstance(own, tuple):
        return f"the projects {', '.join(own)}" if own else "no project"
    return f"the project {own}" if own else "every project"


def _names(identity: Identity) -> set[Name]:
    return {(name, text) for name in DIMENSIONS if (text := getattr(identity, name))}


def current_names(connection: Connection, names: Mapping[str, str]) -> dict[str, str]:
    """Return the names by dimension, each old name replaced by the current one."""
    row = {"names": as_json({name: text.replace("\0", "") for name, text in names.items()})}
    renamed = connection.execute(query("dimensions/current_names"), row).fetchall()
    return dict(names) | {row["dimension"]: row["name"] for row in renamed}
