"""The audit trail: each change is noted in the transaction that makes it.

Every administrator may read the trail: never note a secret, a token or a digest.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from receiver.storage.db import Connection, Database, as_json, query
from receiver.storage.paging import Page, page_of, page_parameters

LOCK = 0x61756469  # "audi": any number that nobody else uses
Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Actor:
    """A token's or user's name, and its way: token, page, proxy or command."""

    name: str
    via: str


@dataclass(frozen=True, slots=True)
class Target:
    """The object of a change: its kind (build, failure, token, …), and its name or id."""

    kind: str
    name: str | None = None
    id: UUID | None = None


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Conditions on changes; None fits all."""

    target_kind: str | None = None
    target_name: str | None = None
    who: str | None = None


def note_change(
    connection: Connection,
    actor: Actor,
    action: str,
    target: Target,
    before: Values | None = None,
    after: Values | None = None,
) -> None:
    """Note a change; the note stays if and only if the caller's transaction commits. Until then no
    other transaction notes one, so that this is best done last: each note follows the one before.

    `before` and `after` hold the changed fields; None where the target does not exist.
    """
    row = {
        "id": uuid7(),
        "who": actor.name,
        "via": actor.via,
        "action": action,
        "target_kind": target.kind,
        "target_id": target.id,
        "target_name": target.name,
        "before": None if before is None else as_json(dict(before)),
        "after": None if after is None else as_json(dict(after)),
    }
    connection.execute(query("audit/lock_chain"), {"key": LOCK})
    connection.execute(query("audit/insert_audit"), row)


def list_changes(
    database: Database, conditions: AuditFilter, limit: int, after: str | None = None
) -> Page:
    """Return one page of changes, newest first."""
    row = asdict(conditions) | page_parameters(limit, after)
    with database.transaction() as connection:
        # Planned anew for each set of filters: one plan for all of them would read the whole table.
        rows = connection.execute(query("audit/list_audit"), row, prepare=False).fetchall()
    return page_of(rows, limit, "at")
