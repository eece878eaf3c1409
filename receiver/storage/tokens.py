"""Tokens for pages and API: shown once, kept as a digest.

A token is 256 random bits, so a plain SHA-256 hides it; there is nothing to guess.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime

from receiver.domain.model import SCOPES
from receiver.errors import MilepostError
from receiver.storage.db import Connection, Row, query

PREFIX = "mp_"


@dataclass(frozen=True, slots=True)
class Grant:
    """Who calls, and what they may do; `project` None is every project.

    `is_user` is one whom a proxy signed in: not a token of ours.
    """

    name: str
    scope: str
    project: str | None = None
    is_user: bool = False

    def allows(self, scope: str) -> bool:
        """Whether this scope is within the one that was granted."""
        return SCOPES.index(scope) <= SCOPES.index(self.scope)


def generate() -> str:
    """A new token."""
    return PREFIX + secrets.token_urlsafe(32)


def keep(
    connection: Connection, token: str, grant: Grant, expires_at: datetime | None = None
) -> None:
    """Let a token in; MilepostError where a living one has its name."""
    row = {
        "name": grant.name,
        "scope": grant.scope,
        "project": grant.project,
        "digest": _digest(token),
        "expires_at": expires_at,
    }
    if connection.execute(query("tokens/insert_token"), row).fetchone() is None:
        raise MilepostError(f"There is a token called {grant.name}: revoke it, or choose a name.")


def find(connection: Connection, token: str) -> Grant | None:
    """What a token grants; None for one that is unknown, expired or revoked."""
    found = connection.execute(query("tokens/find_token"), {"digest": _digest(token)}).fetchone()
    return Grant(**found) if found else None


def everyone(connection: Connection) -> list[Row]:
    """Every token without its digest."""
    return connection.execute(query("tokens/list_tokens")).fetchall()


def revoke(connection: Connection, name: str) -> Row:
    """End a token at once; gives its scope, project, expires_at and revoked_at.

    MilepostError where no living one has the name.
    """
    ended = connection.execute(query("tokens/revoke_token"), {"name": name}).fetchone()
    if ended is None:
        raise MilepostError(f"There is no living token called {name}.")
    return ended


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
