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
from receiver.storage.dimensions import Own

PREFIX = "mp_"


@dataclass(frozen=True, slots=True)
class Right:
    """A scope over one project and those below it, or over every project (None)."""

    scope: str
    project: str | None = None
    override: bool = False


@dataclass(frozen=True, slots=True)
class Grant:
    """The name and the rights of a caller; `project` None is every project.

    `is_user` is a user whom a proxy signed in, without a token of ours; `rights` are all that their
    groups have. `override` is the right to pass over a check that a channel requires: no scope
    includes it.
    """

    name: str
    scope: str
    project: Own = None
    is_user: bool = False
    override: bool = False
    rights: tuple[Right, ...] = ()

    def reach(self, scope: str) -> Own:
        """Return the projects over which the caller has a scope; None is every one, () is none."""
        least = SCOPES.index(scope)
        if not self.rights:
            return self.project if SCOPES.index(self.scope) >= least else ()
        having = [each.project for each in self.rights if SCOPES.index(each.scope) >= least]
        if None in having:
            return None
        projects = tuple(sorted({each for each in having if each}))
        return projects[0] if len(projects) == 1 else projects

    def allows(self, scope: str) -> bool:
        """Return whether the caller has this scope, at least over one project."""
        return self.reach(scope) != ()

    @property
    def reveals(self) -> bool:
        """Whether the caller is an administrator of all that they may read."""
        return self.allows("admin") and self.reach("admin") == self.reach("read")


def generate_token() -> str:
    """Return a new token."""
    return PREFIX + secrets.token_urlsafe(32)


def insert_token(
    connection: Connection, token: str, grant: Grant, expires_at: datetime | None = None
) -> None:
    """Store a token's digest. Raises MilepostError where a valid token has its name."""
    row = {
        "name": grant.name,
        # The release before knows no other scopes, and takes it for one of scope write.
        "scope": "write" if grant.scope == "promote" else grant.scope,
        "rights": [
            *(["promote"] if grant.scope == "promote" else []),
            *(["override"] if grant.override else []),
        ],
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
