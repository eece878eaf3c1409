"""Names of platforms, OS versions, image types and projects → ids, created where need be."""

from collections.abc import Callable, Iterable
from uuid import UUID

from receiver import names
from receiver.db import Connection, Row, query
from receiver.model import DIMENSIONS, Identity, Statement

Name = tuple[str, str]
Ids = dict[Name, UUID]

_CREATE: dict[str, Callable[[str], Row]] = {
    "platform": names.platform,
    "os_version": names.os_version,
    "image_type": names.image_type,
    "project": names.project,
}
_UNKNOWN = {(dimension, names.UNKNOWN) for dimension in DIMENSIONS if dimension != "project"}


def ensure(connection: Connection, told: Iterable[Statement]) -> Ids:
    """The id of every name in these statements, created where a table lacks it."""
    wanted = set(_UNKNOWN)
    for statement in told:
        for said in (statement.said, statement.custom, statement.inferred):
            wanted |= _names(said)
    found = _find(connection, wanted)
    missing = sorted(wanted - found.keys())
    for dimension, name in missing:
        connection.execute(query(f"insert_{dimension}"), _CREATE[dimension](name))
    return found | (_find(connection, set(missing)) if missing else {})


def find(connection: Connection, known_of: Iterable[Identity], ids: Ids) -> Ids:
    """The ids of all these names, which the tables have; asks for those that `ids` lacks."""
    wanted = _UNKNOWN.union(*map(_names, known_of)) - ids.keys()
    return ids | _find(connection, wanted) if wanted else ids


def columns(ids: Ids, known_of: Identity) -> Row:
    """The id columns of a build that is of this."""
    return {
        f"{name}_id": ids.get((name, getattr(known_of, name) or names.UNKNOWN))
        for name in DIMENSIONS
    }


def _names(said: Identity) -> set[Name]:
    return {(name, text) for name in DIMENSIONS if (text := getattr(said, name))}


def _find(connection: Connection, wanted: set[Name]) -> Ids:
    lists: dict[str, list[str]] = {dimension: [] for dimension in DIMENSIONS}
    for dimension, name in wanted:
        lists[dimension].append(name)
    rows = connection.execute(query("find_names"), lists).fetchall()
    return {(row["dimension"], row["name"]): row["id"] for row in rows}
