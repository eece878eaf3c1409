"""Names of platforms, OS versions, image types and projects → ids, created where need be."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from uuid import UUID

from receiver import names
from receiver.db import Connection, Cursor, Row, query
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


@dataclass(frozen=True, slots=True)
class Asked:
    """Names, and the question for their ids, which may be under way."""

    wanted: set[Name]
    cursor: Cursor


def ask(connection: Connection, told: Iterable[Statement]) -> Asked:
    """Ask for the ids of every name in these statements."""
    wanted = set(_UNKNOWN)
    for statement in told:
        for said in (statement.said, statement.custom, statement.inferred):
            wanted |= _names(said)
    return _ask(connection, wanted)


def ensure(connection: Connection, names: Asked) -> Ids:
    """The ids of the names asked for, created where a table lacks them."""
    found = _answer(names)
    missing = sorted(names.wanted - found.keys())
    for dimension, name in missing:
        connection.execute(query(f"insert_{dimension}"), _CREATE[dimension](name))
    return found | (_answer(_ask(connection, set(missing))) if missing else {})


def find(connection: Connection, known_of: Iterable[Identity], ids: Ids) -> Ids:
    """The ids of all these names, which the tables have; asks for those that `ids` lacks."""
    wanted = _UNKNOWN.union(*map(_names, known_of)) - ids.keys()
    return ids | _answer(_ask(connection, wanted)) if wanted else ids


def columns(ids: Ids, known_of: Identity) -> Row:
    """The id columns of a build that is of this."""
    return {
        f"{name}_id": ids.get((name, getattr(known_of, name) or names.UNKNOWN))
        for name in DIMENSIONS
    }


def _names(said: Identity) -> set[Name]:
    return {(name, text) for name in DIMENSIONS if (text := getattr(said, name))}


def _ask(connection: Connection, wanted: set[Name]) -> Asked:
    lists: dict[str, list[str]] = {dimension: [] for dimension in DIMENSIONS}
    for dimension, name in wanted:
        lists[dimension].append(name)
    return Asked(wanted, connection.execute(query("find_names"), lists))


def _answer(names: Asked) -> Ids:
    return {(row["dimension"], row["name"]): row["id"] for row in names.cursor.fetchall()}
