"""Names of platforms, OS versions, image types, projects and builds → ids; created if need be."""

from collections.abc import Callable, Iterable
from uuid import UUID

from receiver.domain import dimensions
from receiver.domain.model import DIMENSIONS, Identity, Statement
from receiver.storage.db import Connection, Cursor, Row, as_json, query

Name = tuple[str, str]  # kind (a dimension, or build) and text
Ids = dict[Name, UUID]

_CREATE: dict[str, Callable[[str], Row]] = {
    "platform": dimensions.platform,
    "os_version": dimensions.os_version,
    "image_type": dimensions.image_type,
    "project": dimensions.project,
}
UNKNOWN = {(dimension, dimensions.UNKNOWN) for dimension in DIMENSIONS if dimension != "project"}


def named(told: Iterable[Statement]) -> set[Name]:
    """What these statements say that builds are of, and what stands for what they do not say."""
    identities = {said for each in told for said in (each.said, each.custom, each.inferred)}
    return UNKNOWN.union(*map(_names, identities))


def ask(connection: Connection, wanted: Iterable[Name]) -> Cursor:
    """Ask for ids of names, also of those that were renamed, and of builds' numbers."""
    rows = [{"kind": kind, "name": name} for kind, name in wanted]
    return connection.execute(query("dimensions/find_names"), {"names": as_json(rows)})


def answered(asked: Cursor) -> Ids:
    """The ids that were found. A row's own name or number stands above what another was called."""
    found: Ids = {}
    for row in asked.fetchall():
        found.setdefault((row["kind"], row["name"]), row["id"])
    return found


def ensure(connection: Connection, wanted: set[Name], ids: Ids) -> Ids:
    """`ids` with those of all names that are wanted, created where a table lacks them."""
    missing = sorted(wanted - ids.keys())
    for dimension, name in missing:
        connection.execute(query(f"dimensions/insert_{dimension}"), _CREATE[dimension](name))
    return ids | answered(ask(connection, missing)) if missing else ids


def find(connection: Connection, known_of: Iterable[Identity], ids: Ids) -> Ids:
    """`ids` with those of all these names; one that was deleted since is made again."""
    missing = UNKNOWN.union(*map(_names, known_of)) - ids.keys()
    if not missing:
        return ids
    return ensure(connection, missing, ids | answered(ask(connection, missing)))


def columns(ids: Ids, known_of: Identity) -> Row:
    """The id columns of a build that is of this."""
    return {
        f"{name}_id": ids.get((name, getattr(known_of, name) or dimensions.UNKNOWN))
        for name in DIMENSIONS
    }


def _names(said: Identity) -> set[Name]:
    return {(name, text) for name in DIMENSIONS if (text := getattr(said, name))}
