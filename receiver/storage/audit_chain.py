"""The chain of the audit trail: each entry holds a digest of itself and of the digest before it.

Who changes the database can make a whole new chain. The exported lines, or those that went to a
log, tell that: their digests are others.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from receiver.storage.db import Connection, Row, query

BATCH = 1_000
ENTRY = (
    *("seq", "id", "at", "who", "via", "action", "target_kind", "target_id", "target_name"),
    *("before", "after", "previous", "digest"),
)
FIRST: Row = {"at": datetime.min.replace(tzinfo=UTC), "id": UUID(int=0)}


@dataclass(slots=True)
class Chain:
    """What verify() found: how many entries the chain has and its last digest, what is wrong, in
    sentences, and how many entries are of no chain: `before` it began, and `since`."""

    entries: int = 0
    digest: str | None = None
    problems: list[str] = field(default_factory=list)
    before: int = 0
    since: int = 0


def verify(connection: Connection, known: Mapping[int, str]) -> Chain:
    """Return what is wrong with the chain. `known` are digests by place, of exported lines."""
    connection.execute("SET LOCAL statement_timeout = '5min'")
    chain = Chain()
    for row in _chained(connection):
        chain.problems += _problems(row, chain, known)
        chain.entries, chain.digest = chain.entries + 1, row["digest"]
        chain_end = row["seq"]
    last = chain_end if chain.entries else 0
    missing = sorted(place for place in known if place > last)
    chain.problems += [f"Entry {place} is missing at the end." for place in missing[:10]]
    unchained = connection.execute(query("audit/count_unchained")).fetchone() or {}
    chain.before, chain.since = unchained["before"], unchained["since"]
    return chain


def export(connection: Connection) -> Iterator[Row]:
    """Yield every entry, those of no chain first, oldest first."""
    connection.execute("SET LOCAL statement_timeout = '5min'")
    position = FIRST
    while True:
        parameters = position | {"limit": BATCH}
        rows = connection.execute(query("audit/list_unchained"), parameters).fetchall()
        yield from (shown(row) for row in rows)
        if len(rows) < BATCH:
            break
        position = {"at": rows[-1]["at"], "id": rows[-1]["id"]}
    yield from (shown(row) for row in _chained(connection))


def shown(row: Row) -> Row:
    """Return an entry as a line has it."""
    return {name: row.get(name) for name in ENTRY}


def unsent(connection: Connection, log: str, limit: int) -> list[Row]:
    """Return the next entries for a log; none where another process writes to it.

    The caller's transaction lets nobody else go on; note_sent() ends with it.
    """
    sent = connection.execute(query("audit/sent_until"), {"log": log}).fetchone()
    return list(_page(connection, sent["seq"], limit)) if sent else []


def note_sent(connection: Connection, log: str, seq: int) -> None:
    """Note that a log has all entries up to this one."""
    connection.execute(query("audit/note_sent"), {"log": log, "seq": seq})


def _chained(connection: Connection) -> Iterator[Row]:
    after = 0
    while rows := _page(connection, after, BATCH):
        yield from rows
        after = rows[-1]["seq"]


def _page(connection: Connection, after: int, limit: int) -> list[Row]:
    parameters = {"after": after, "limit": limit}
    return connection.execute(query("audit/list_chain"), parameters).fetchall()


def _problems(row: Row, chain: Chain, known: Mapping[int, str]) -> Iterator[str]:
    place = row["seq"]
    if place != chain.entries + 1 and not chain.problems:
        yield f"Entries are missing before {place}."
    if hashlib.sha256(row["text"].encode()).hexdigest() != row["digest"]:
        yield f"Entry {place} of {row['at']:%Y-%m-%d %H:%M} was changed, or the one before it."
    if known.get(place, row["digest"]) != row["digest"]:
        yield f"Entry {place} is another one than the line that was exported."
