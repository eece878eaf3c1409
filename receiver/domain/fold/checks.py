"""The checks of a build's images, each with the attempt that it is about. Rule 14 of docs/fold.md.

A check is no event: a job that scans an image is no attempt of its build, and no sign of its life.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from operator import itemgetter

import msgspec
from msgspec import Struct
from msgspec.structs import asdict

from receiver.domain.fold.events import KNOWN_AT, Fact, StoredStatement, contexts_of, run_group
from receiver.domain.fold.projection import CheckRow
from receiver.domain.model import Check

Numbered = Sequence[tuple[int, Sequence[Fact]]]  # the facts of each attempt
FIRST = 1  # the attempt where no other is known


class _Told(Struct):
    """A check, the runs that told it, and when its first statement came."""

    check: Check
    runs: set[str]
    received: list[datetime]

    @property
    def known_at(self) -> datetime:
        return min([self.check.at, *self.received])


def checks_of(statements: Iterable[StoredStatement], numbered: Numbered) -> tuple[CheckRow, ...]:
    """Return the distinct checks, by attempt and time: the last one of a name counts."""
    told: dict[bytes, _Told] = {}
    for row in statements:
        for check in row.statement.checks:
            each = told.setdefault(_key(check), _Told(check, set(), []))
            each.runs.add(run_group(row.statement.run.key))
            each.received += [row.received] if row.received else []
    rows = [(_attempt(each, numbered), each.known_at, key) for key, each in told.items()]
    return tuple(_row(*row[:2], told[row[2]].check) for row in sorted(rows))


def _key(check: Check) -> bytes:
    return msgspec.json.encode(check, order="deterministic")


def _attempt(told: _Told, numbered: Numbered) -> int:
    """Return the attempt of the check's own run, else of any that ran at its time, else the last
    that began before it."""
    own = [each for each in numbered if told.runs & {one.group for one in contexts_of(each[1])}]
    spans = [(number, *_span(facts)) for number, facts in own or numbered]
    begun = [each for each in spans if each[1] <= told.known_at]
    running = [each for each in begun if told.known_at <= each[2]]
    return max(running or begun or spans[:1], key=itemgetter(0), default=(FIRST,))[0]


def _span(facts: Sequence[Fact]) -> tuple[datetime, datetime]:
    return min(map(KNOWN_AT, facts)), max(map(KNOWN_AT, facts))


def _row(attempt: int, known_at: datetime, check: Check) -> CheckRow:
    return CheckRow(attempt=attempt, **(asdict(check) | {"at": known_at}))
