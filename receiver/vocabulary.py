"""Names of platforms, OS versions, image types and projects → ids, created where need be."""

from collections.abc import Callable, Iterable
from uuid import UUID

from receiver import names
from receiver.db import Connection, Row, query
from receiver.model import DIMENSIONS, Identity, Statement

Ids = dict[tuple[str, str], UUID]

_CREATE: dict[str, Callable[[str], Row]] = {
    "platform": names.platform,
    "os_version": names.os_version,
    "image_type": names.image_type,
    "project": names.project,
}


def ensure(connection: Connection, told: Iterable[Statement]) -> None:
    """Create every name in these statements that a table lacks."""
    wanted = {("platform", names.UNKNOWN), ("os_version", names.UNKNOWN)}
    wanted.add(("image_type", names.UNKNOWN))
    for statement in told:
        for said in (statement.said, statement.custom, statement.inferred):
            wanted |= {(name, value) for name in DIMENSIONS if (value := getattr(said, name))}
    _create(connection, wanted - _find(connection, wanted).keys())


def _create(connection: Connection, missing: set[tuple[str, str]]) -> None:
    for dimension, name in sorted(missing):
        connection.execute(query(f"insert_{dimension}"), _CREATE[dimension](name))


def _find(connection: Connection, wanted: set[tuple[str, str]]) -> Ids:
    lists: dict[str, list[str]] = {dimension: [] for dimension in DIMENSIONS}
    for dimension, name in wanted:
        lists[dimension].append(name)
    rows = connection.execute(query("find_names"), lists).fetchall()
    return {(row["dimension"], row["name"]): row["id"] for row in rows}


def columns(connection: Connection, known_of: Identity) -> Row:
    """The id columns of a build that is of this; a name that was deleted since is made again."""
    wanted = {(name, getattr(known_of, name) or names.UNKNOWN) for name in DIMENSIONS}
    ids = _find(connection, wanted)
    missing = wanted - ids.keys() - {("project", names.UNKNOWN)}
    if missing:
        _create(connection, missing)
        ids = _find(connection, wanted)
    return {
        f"{name}_id": ids.get((name, getattr(known_of, name) or names.UNKNOWN))
        for name in DIMENSIONS
    }
