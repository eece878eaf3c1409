"""From stored statements to distinct facts in a fixed order. Rules 1 and 3 of docs/fold.md.

A fact is an event with the context in which it was stated. Two deliveries that state the same event
make one fact, so neither duplicates nor the order of arrival can change the rows.
"""

import dataclasses
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace

from receiver.domain.model import NEVER_RAN, Event, Identity, Run, SourceImage, Statement

RANKS = {
    "pending": 0,
    "started": 1,
    "running": 1,
    "completed": 2,
    "skipped": 3,
    "cancelled": 4,
    "failed": 5,
}
VERDICTS = ("completed", "cancelled", "failed")
HOOKS = ("milepost", "packer")

Value = TypeVar("Value")
_ENCODER = msgspec.json.Encoder(order="deterministic")


_DECODER = msgspec.json.Decoder(Statement)


@dataclass(frozen=True, slots=True)
class StoredStatement:
    """A statement of the events table; `id` names its row, `source` its format.

    `native`: a forge tells it of a job; `alias` is the second key of that job. `projects` are the
    names of those that its sender might write, None where it was every one. `received` is when it
    came, None where nobody knows. `facts` are those of its events, where with_facts() made them.
    """

    id: Any
    source: str
    statement: Statement
    native: bool = False
    alias: str | None = None
    projects: tuple[str, ...] | None = None
    received: datetime | None = None
    facts: tuple["Fact", ...] | None = field(default=None, compare=False, repr=False)


class Fact(msgspec.Struct, frozen=True, eq=False):
    """One event with its reporter and context; `row_id` names the stored statement.

    `reporter` is run key and source; Packer's wrapper is another one than its job. `rank` is time,
    rank of the status, state (none first), key: the order inside an attempt. `alias` is the second
    key of a forge's job; `names` are raw names of the image; `received` is when the first statement
    of it came. `sources` are the images that its run starts from. `known_at` is the earlier of what
    was said and when it came, since no clock is ahead of its news.
    """

    key: str
    source: str
    event: Event
    run: Run
    said: Identity
    custom: Identity
    inferred: Identity
    created_by: str | None
    row_id: Any
    order: tuple[str, ...]
    reporter: tuple[str, str]
    rank: tuple[datetime, int, int, str]
    names: dict[str, str]
    alias: str | None
    received: datetime | None
    sources: tuple[SourceImage, ...]
    known_at: datetime
    is_hook: bool
    is_start: bool
    is_verdict: bool


@lru_cache(maxsize=1024)  # each fact of a job has the same
def run_group(run_key: str) -> str:
    """Return the run of a key: GitHub's jobs of one repository, run and attempt are one run.

    >>> run_group("github:acme/images:500:2:84211")
    'github:acme/images:500:2'
    """
    if run_key.startswith("github:"):
        return ":".join(run_key.split(":")[:4])
    return run_key


def event_key(source: str, run_key: str, event: Event) -> str:
    """Return the SHA-256 of source, run key and event; without the time if no sender stated it."""
    at = event.at if event.dated else None
    if event.artifacts or at is None:  # the manifest's digest stands for what it lists
        event = replace(event, at=at, artifacts=())
    return hashlib.sha256(_ENCODER.encode((source, run_key, event))).hexdigest()


def dump(statement: Statement) -> bytes:
    """Return the JSON of a statement without build number and manifest, which have columns."""
    return msgspec.json.encode(replace(statement, build_number="", manifest=None))


def load(text: str | bytes) -> Statement:
    """Return the statement that dump() wrote."""
    return _DECODER.decode(text)


def verdicts_of_others(
    own: Iterable[StoredStatement], others: Iterable[StoredStatement]
) -> list[StoredStatement]:
    """Return the part of others' statements that counts for a build: of a job that several builds
    share, and of a whole run, the context; and the verdict where the build has none of that run."""
    judged = {
        run_group(row.statement.run.key)
        for row in own
        if any(is_verdict(event) and not never_ran(event) for event in row.statement.events)
    }
    return [_context_or_verdict(row, judged) for row in others if not row.statement.is_of_checks]


def is_verdict(event: Event) -> bool:
    """Return whether an event ends its build."""
    return event.kind == "build" and event.status in VERDICTS


def is_start(event: Event) -> bool:
    """Return whether an event begins a stage or its build."""
    return event.kind in ("stage", "build") and event.status in ("started", "running")


def once(values: Iterable[Value]) -> list[Value]:
    """Return each object once, at its first place: facts of one statement share their context."""
    known = list(values)
    return list(dict(zip(map(id, known), known, strict=True)).values())


def never_ran(event: Event) -> bool:
    """Return whether an event ends a job that never began: skipped, or played by nobody."""
    return event.kind == "build" and event.status == "cancelled" and event.word in NEVER_RAN


def distinct_facts(rows: Iterable[StoredStatement]) -> list[Fact]:
    """Return one fact for each distinct event, with the earliest, then smallest context."""
    facts: dict[str, list[Fact]] = {}
    for row in rows:
        for fact in _facts(row) if row.facts is None else row.facts:
            facts.setdefault(fact.key, []).append(fact)
    return [same[0] if len(same) == 1 else _merge(same) for same in facts.values()]


def with_facts(row: StoredStatement) -> StoredStatement:
    """Return the statement with its facts, for whoever folds it again."""
    return dataclasses.replace(row, facts=_facts(row))


def _facts(row: StoredStatement) -> tuple[Fact, ...]:
    return tuple(_fact(row, event) for event in row.statement.events if event.kind != "heartbeat")


def context_of(row: StoredStatement) -> Fact:
    """Return who a statement of checks alone is about, as a fact of no event."""
    return _fact(row, Event("context", max(check.at for check in row.statement.checks)))


def _context_or_verdict(row: StoredStatement, judged: set[str]) -> StoredStatement:
    has_verdict = run_group(row.statement.run.key) in judged
    events = tuple(
        event
        for event in row.statement.events
        if event.kind == "context" or (is_verdict(event) and not has_verdict)
    )
    # What one image starts from, or was scanned for, says nothing of the others.
    statement = replace(row.statement, events=events, sources=(), checks=())
    return dataclasses.replace(row, statement=statement, facts=None)


def _fact(row: StoredStatement, event: Event) -> Fact:
    statement = row.statement
    run_key = statement.run.key
    key = event_key(row.source, run_key, event)
    state = -1 if event.state is None else event.state
    reporter = (run_key, row.source if statement.run.number is None else f"{row.source} packer")
    return Fact(
        key,
        row.source,
        event,
        statement.run,
        statement.said,
        statement.custom,
        statement.inferred,
        statement.created_by,
        row.id,
        statement.order,
        reporter,
        (event.at, RANKS.get(event.status or "completed", 2), state, key),
        statement.names,
        row.alias,
        row.received,
        statement.sources,
        _known_at(event, row.received),
        row.source in HOOKS,
        is_start(event),
        is_verdict(event),
    )


def _known_at(event: Event, received: datetime | None) -> datetime:
    return min(event.at, received) if received else event.at


def _merge(same: list[Fact]) -> Fact:
    """Return one fact of those that state the same event."""
    first = same[0]
    for fact in same[1:]:
        if _is_before(fact, first):
            first = fact
    if all(fact is first or _adds_nothing(fact, first) for fact in same):
        return first
    declared = max((fact.run.attempt or 0 for fact in same), default=0) or None
    order = max((fact.order for fact in same), key=lambda order: (len(order), order))
    received = min((fact.received for fact in same if fact.received), default=None)
    run = replace(first.run, attempt=declared)
    sources = tuple(dict.fromkeys(each for fact in same for each in fact.sources))
    known_at = _known_at(first.event, received)
    return replace(
        first, run=run, order=order, received=received, sources=sources, known_at=known_at
    )


def _is_before(fact: Fact, other: Fact) -> bool:
    """Return whether a fact of the same event is the earlier one, or of the smaller context; of
    equal ones it is the one that came first."""
    if fact.event.at != other.event.at:
        return fact.event.at < other.event.at
    if _context(fact) != _context(other):
        return context_key(fact) < context_key(other)
    return bool(fact.received and (other.received is None or fact.received < other.received))


def _adds_nothing(fact: Fact, first: Fact) -> bool:
    """Return whether the first of the same facts has all that this one says."""
    return (
        fact.run.attempt == first.run.attempt
        and fact.order == first.order
        and fact.sources == first.sources
        and (fact.received is None or first.received is not None)
        and (first.received is None or fact.received is None or first.received <= fact.received)
    )


def _context(fact: Fact) -> tuple[object, ...]:
    said = (fact.run, fact.said, fact.custom, fact.inferred, fact.created_by)
    return (*said, fact.names, fact.alias or "")


def context_key(fact: Fact) -> bytes:
    """Return what tells apart the contexts in which one event was stated, in a fixed order."""
    return _ENCODER.encode(_context(fact))
