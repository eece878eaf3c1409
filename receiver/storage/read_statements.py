"""From rows of events to statements; those of large builds are kept, since decoding is costly.

What an event says never changes; a replay writes another text. Each process keeps as many as two
builds of the most events need, those that were used last.
"""

import threading
from collections import OrderedDict
from datetime import UTC, datetime
from uuid import UUID

from receiver.domain.fold.events import StoredStatement, load, with_facts
from receiver.storage.db import Row

MOST_EVENTS = 10_000  # kept a process, at about 1 kB

Key = tuple[UUID, int, str, object]  # delivery, place, the stored text, what else the row has


class ReadStatements:
    """A cache of statements with their facts, bounded by their events."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[Key, StoredStatement] = OrderedDict()
        self._events = 0

    def find(self, key: Key) -> StoredStatement | None:
        """Return a statement that was kept, as the one that was used last."""
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
            return self._known.get(key)

    def keep(self, key: Key, read: StoredStatement) -> StoredStatement:
        """Keep a statement, and return it with its facts; the oldest ones make room."""
        read = with_facts(read)
        with self._lock:
            if key not in self._known:
                self._known[key] = read
                self._events += len(read.statement.events)
            while self._events > MOST_EVENTS:
                _, oldest = self._known.popitem(last=False)
                self._events -= len(oldest.statement.events)
        return read


KNOWN = ReadStatements()


def read_anew(row: Row) -> StoredStatement:
    """Return the statement of a row: delivery_id, place, source, statement, native, alias_key,
    projects."""
    row_id = (row["delivery_id"], row["place"])
    projects = tuple(row["projects"]) if row["projects"] is not None else None
    statement = load(row["statement"])
    received = _received(row["delivery_id"])
    return StoredStatement(
        row_id, row["source"], statement, row["native"], row["alias_key"], projects, received
    )


def read_before(row: Row) -> StoredStatement:
    """Return a statement of many, which this process may have read before."""
    context = (
        row["source"],
        row["native"],
        row["alias_key"],
        row["projects"] and tuple(row["projects"]),
    )
    key = (row["delivery_id"], row["place"], row["statement"], context)
    return KNOWN.find(key) or KNOWN.keep(key, read_anew(row))


def _received(delivery_id: UUID) -> datetime | None:
    """Return when a delivery came: its id is a UUIDv7, which begins with the milliseconds of Unix
    time (RFC 9562, 5.7)."""
    if delivery_id.version != 7:
        return None
    return datetime.fromtimestamp((delivery_id.int >> 80) / 1000, UTC)
