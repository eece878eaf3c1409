"""Tokens for pages and API: shown once, stored as a digest.

A token is 256 random bits, which nobody can guess, so a plain SHA-256 hides it.
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
    """The name and the rights of a caller; `project` None is every project.

    `is_user` is a user whom a proxy signed in, without a token of ours.
    """

    name: str
    scope: str
    project: str | None = None
    is_user: bool = False

    def allows(self, scope: str) -> bool:
        """Return whether the granted scope includes this one."""
        return SCOPES.index(scope) <= SCOPES.index(self.scope)


def generate_token() -> str:
    """Return a new token."""
    return PREFIX + secrets.token_urlsafe(32)


def insert_token(
    connection: Connection, token: str, grant: Grant, expires_at: datetime | None = None
) -> None:
    """Store a token's digest. Raises MilepostError where a valid token has its name."""
    row = {
        "name": grant.name,
        "scope": grant.scope,
        "project": grant.project,
        "digest": _digest(token),
        "expires_at": expires_at,
    }
    if connection.execute(query("tokens/insert_token"), row).fetchone() is None:
        raise MilepostError(f"There is a token called {grant.name}: revoke it, or choose a name.")


def find_grant(connection: Connection, token: str) -> Grant | None:
    """Return the grant of a token, or None if it is unknown, expired or revoked."""
    row = connection.execute(query("tokens/find_token"), {"digest": _digest(token)}).fetchone()
    return Grant(**row) if row else None


def list_tokens(connection: Connection) -> list[Row]:
    """Return every token without its digest."""
    return connection.execute(query("tokens/list_tokens")).fetchall()


def revoke_token(connection: Connection, name: str) -> Row:
    """Revoke a token. Return its scope, project, expires_at and revoked_at.

    Raises MilepostError where no valid token has the name.
    """
    row = connection.execute(query("tokens/revoke_token"), {"name": name}).fetchone()
    if row is None:
        raise MilepostError(f"There is no valid token called {name}.")
    return row


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
