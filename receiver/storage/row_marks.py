"""What a build keeps of the rows that were last written of it (builds.written): for each table, a
mark of each row, which is its place and a digest of it.

The place of a state follows from its time, so that a stage that comes between others moves none of
them: jobs of one build that run side by side would else write all its rows again and again.
"""

import struct
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from operator import is_
from uuid import UUID

import msgspec
from msgspec import Struct

from receiver.domain.fold.projection import StateRow

DIGEST_BYTES = 6
MARK = struct.Struct(f">I{DIGEST_BYTES}s")
FORM = b"places"  # the release before takes a list that is longer than its own for none
MANY, MOST_KNOWN = 200, 64  # rows of a table; tables whose marks a process keeps
PLACES_A_SECOND = 16
LAST = 2**31 - 2**24  # the place of a time so late that the column cannot hold it

Marks = list[bytes]  # for each table, the marks of its rows one after the other


def encode(marks: Sequence[bytes]) -> str:
    """Return the marks of all tables as the column has them, in hex."""
    return msgspec.msgpack.encode([*marks, FORM]).hex()


def decode(written: bytes | None, tables: int) -> Marks | None:
    """Return the marks of the last write; None where it was of another release, or of none."""
    marks = msgspec.msgpack.decode(written, type=Marks) if written else []
    return marks[:-1] if len(marks) == tables + 1 and marks[-1] == FORM else None


def read(marks: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the place and the digest of each row."""
    return MARK.iter_unpack(marks)


def first_difference(now: bytes, before: bytes) -> int:
    """Return the number of the first row that differs; most of a large build's are as before."""
    same, differs = 0, len(now) // MARK.size
    while same < differs:
        middle = (same + differs) // 2
        span = slice(same * MARK.size, (middle + 1) * MARK.size)
        if now[span] == before[span]:
            same = middle + 1
        else:
            differs = middle
    return same


class _KnownMarks:
    """The marks of the rows of large builds: a row that is the same object has the same one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[UUID, str], tuple[Sequence[Struct], bytes]] = OrderedDict()

    def of(self, build_id: UUID, table: str, rows: Sequence[Struct]) -> bytes:
        """Return the marks of rows, one after the other."""
        if len(rows) < MANY:
            return _marks(rows)
        with self._lock:
            before, marks = self._known.pop((build_id, table), ((), b""))
        marks = _marks(rows, marks[: _count_same(before, rows) * MARK.size])
        with self._lock:
            self._known[build_id, table] = (rows, marks)
            if len(self._known) > MOST_KNOWN:
                self._known.popitem(last=False)
        return marks


MARKS = _KnownMarks()


def _count_same(before: Sequence[Struct], rows: Sequence[Struct]) -> int:
    """Return how many rows at the beginning are the same objects as before."""
    pairs = enumerate(map(is_, before, rows))
    return next((number for number, same in pairs if not same), min(len(before), len(rows)))


def _marks(rows: Sequence[Struct], known: bytes = b"") -> bytes:
    """Return the marks of rows; `known` are those of the first of them."""
    rest = rows[len(known) // MARK.size :]
    places = _places(rows, known)
    return known + b"".join(
        MARK.pack(*each) for each in zip(places, map(_digest, rest), strict=True)
    )


def _places(rows: Sequence[Struct], known: bytes) -> Iterator[int]:
    """Yield the places of the rows behind those of the known marks, each above the one before."""
    place = MARK.unpack(known[-MARK.size :])[0] if known else -1
    for row in rows[len(known) // MARK.size :]:
        place = max(place + 1, _place_of_time(row, rows[0]))
        yield place


def _place_of_time(row: Struct, first: Struct) -> int:
    if not (isinstance(row, StateRow) and isinstance(first, StateRow)):
        return 0
    seconds = (row.start_time - first.start_time).total_seconds()
    return min(int(seconds * PLACES_A_SECOND), LAST)


def _digest(row: Struct) -> bytes:
    return blake2b(msgspec.json.encode(row), digest_size=DIGEST_BYTES).digest()
