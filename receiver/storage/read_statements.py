"""Statements of large builds, as they were read before: decoding is most of what a fold costs.

What an event says never changes; a replay writes another text. Each process keeps as many as two
builds of the most events need, those that were used last.
"""

import threading
from collections import OrderedDict
from uuid import UUID

from receiver.domain.fold.events import StoredStatement, with_facts

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
