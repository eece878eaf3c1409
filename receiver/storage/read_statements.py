"""From rows of events to statements; those of large builds, and those of many events, are kept,
since decoding is costly, and each delivery about a build reads all that was said of it.

What an event says never changes; a replay writes another text. Each process keeps as many as two
builds of the most events need, those that were used last. One event may list the artifacts of a
manifest, and a statement of checks has none: a long text counts as the events that would fill it.
"""

import threading
from collections import OrderedDict
from datetime import UTC, datetime
from uuid import UUID

from receiver.domain.fold.events import StoredStatement, load, with_facts
from receiver.storage.db import Row

MOST_EVENTS = 10_000  # kept a process, at about 1 kB
LONG = 2**11  # characters of a statement, as about ten events have
OF_AN_EVENT = 2**8  # characters, which take about 1 kB once they are read

Place = tuple[int, int]  # delivery, place
Said = tuple[str, object]  # the stored text, what else the row has


class ReadStatements:
    """A cache of statements with their facts, bounded by their events and their texts."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[Place, tuple[Said, StoredStatement]] = OrderedDict()
        self._events = 0

    def find(self, place: Place, said: Said) -> StoredStatement | None:
        """Return a statement that was kept, as the one that was used last."""
        with self._lock:
            known = self._known.get(place)
            if known is None or known[0] != said:
                return None
            self._known.move_to_end(place)
            return known[1]

    def keep(self, place: Place, said: Said, read: StoredStatement) -> StoredStatement:
        """Keep a statement, and return it with its facts; the oldest ones make room."""
        read = with_facts(read)
        with self._lock:
            if before := self._known.pop(place, None):
                self._events -= _weight(*before)
            self._known[place] = (said, read)
            self._events += _weight(said, read)
            while self._events > MOST_EVENTS:
                _, oldest = self._known.popitem(last=False)
                self._events -= _weight(*oldest)
        return read


def _weight(said: Said, read: StoredStatement) -> int:
    """Return as how many events a statement counts."""
    return max(len(read.statement.events), len(said[0]) // OF_AN_EVENT)


KNOWN = ReadStatements()


def read(row: Row, *, is_large: bool) -> StoredStatement:
    """Return the statement of a row of a build, which may be a large one."""
    is_costly = is_large or len(row["statement"]) > LONG
    return read_before(row) if is_costly else read_anew(row)


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
    place, said = (row["delivery_id"].int, row["place"]), (row["statement"], context)
    return KNOWN.find(place, said) or KNOWN.keep(place, said, read_anew(row))


def _received(delivery_id: UUID) -> datetime | None:
    """Return when a delivery came: its id is a UUIDv7, which begins with the milliseconds of Unix
    time (RFC 9562, 5.7)."""
    if delivery_id.version != 7:
        return None
    return datetime.fromtimestamp((delivery_id.int >> 80) / 1000, UTC)
