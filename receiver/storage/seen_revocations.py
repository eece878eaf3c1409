"""Revocations as a caller sees them: builds that they may not see have no names."""

from collections.abc import Sequence, Set

from receiver.storage.db import Connection, Row, query
from receiver.storage.dimensions import Own, projects_within

BUILDS = ("build_number", "replacement")


def seen(connection: Connection, rows: Sequence[Row], own: Own) -> list[Row]:
    """Return rows with a `revocation` each, in which the numbers of builds of projects that the
    caller may not see are None: a build is revoked with one that it was made from."""
    numbers = {row["revocation"][name] for row in rows if row["revocation"] for name in BUILDS}
    if own is None or not numbers - {None}:
        return list(rows)
    parameters = {
        "numbers": sorted(numbers - {None}),
        "own": list(projects_within(connection, own)),
    }
    found = connection.execute(query("revocations/builds_within"), parameters).fetchall()
    mine = {row["build_number"] for row in found}
    return [row | {"revocation": _masked(row["revocation"], mine)} for row in rows]


def _masked(revocation: Row | None, mine: Set[str]) -> Row | None:
    if revocation is None:
        return None
    return revocation | {
        name: revocation[name] if revocation[name] in mine else None for name in BUILDS
    }
