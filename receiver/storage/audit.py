"""The audit trail: who changed what, noted in the transaction that changes it.

What is noted is for every administrator to read: never a secret, a token or a digest.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from receiver.storage.db import Connection, as_json, query

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Who:
    """Who changes something: a token's or user's name, and the way: token, page, proxy, command."""

    name: str
    via: str


@dataclass(frozen=True, slots=True)
class Target:
    """What is changed: its kind (build, failure, token, …), and its name or id."""

    kind: str
    name: str | None = None
    id: UUID | None = None


def note(
    connection: Connection,
    who: Who,
    action: str,
    target: Target,
    before: Values | None = None,
    after: Values | None = None,
) -> None:
    """Note a change; it is in the trail if and only if the caller's transaction commits.

    `before` and `after` are what changed of the target; None where it was not, or is not, there.
    """
    row = {
        "id": uuid7(),
        "who": who.name,
        "via": who.via,
        "action": action,
        "target_kind": target.kind,
        "target_id": target.id,
        "target_name": target.name,
        "before": None if before is None else as_json(dict(before)),
        "after": None if after is None else as_json(dict(after)),
    }
    connection.execute(query("audit/insert_audit"), row)
