"""What people wrote about a failure stays with it, also where its attempt gets another number.

A failure's id is made of its attempt, stage and occurrence. The same failure has the same stage and
cause, and the same time or else the same occurrence.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from receiver.domain.fold.projection import FailureRow
from receiver.domain.stage_map import clean
from receiver.storage.db import Connection, Row, array, as_json, query

Ids = Mapping[UUID, Sequence[tuple[UUID, FailureRow]]]  # a build's failures with their ids


def find(connection: Connection, build_ids: Sequence[UUID]) -> list[Row]:
    """Return the failures of builds about which people wrote."""
    if not build_ids:
        return []
    parameters = {"build_ids": array(build_ids)}
    return connection.execute(query("resolutions/find_resolved"), parameters).fetchall()


def carry_over(connection: Connection, known: Sequence[Row], failures: Ids) -> None:
    """Move the resolutions of find() to the rows that are written now, where their ids differ."""
    moves = []
    for row in known:
        new_id = _same(row, failures[row["build_id"]])
        if new_id not in (None, row["id"]):
            kept = {name: row[name] for name in ("resolved", "resolution_notes", "resolved_at")}
            moves.append(kept | {"id": new_id, "old_id": row["id"]})
    if moves:
        connection.execute(query("resolutions/move_resolutions"), {"rows": as_json(moves)})


def _same(row: Row, failures: Sequence[tuple[UUID, FailureRow]]) -> UUID | None:
    """Return the id of the same failure; None if there is none any more."""
    alike = [(new_id, each) for new_id, each in failures if _cause(each) == _cause_of(row)]
    for attribute in ("created_at", "occurrence"):
        found = [new_id for new_id, each in alike if getattr(each, attribute) == row[attribute]]
        if found:
            return row["id"] if row["id"] in found else found[-1]
    return None


def _cause(failure: FailureRow) -> tuple[str, str, str]:
    stage = clean(failure.stage) if failure.stage else ""
    return (stage, failure.failure_type, failure.error_message)


def _cause_of(row: Row) -> tuple[str, str, str]:
    stage = clean(row["stage"]) if row["stage"] else ""
    return (stage, row["failure_type"], row["error_message"])
