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
from typing import Any

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
    of it came. `sources` are the images that its run starts from.
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
    names: dict[str, str] = {}
    alias: str | None = None
    received: datetime | None = None
    sources: tuple[SourceImage, ...] = ()

    @property
    def known_at(self) -> datetime:
        """The earlier of what was said and when it came: no clock is ahead of its news."""
        return min(self.event.at, self.received) if self.received else self.event.at

    @property
    def is_hook(self) -> bool:
        return self.source in HOOKS

    @property
    def is_start(self) -> bool:
        return self.event.kind in ("stage", "build") and self.event.status in ("started", "running")

    @property
    def is_verdict(self) -> bool:
        return is_verdict(self.event)


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


def never_ran(event: Event) -> bool:
    """Return whether an event ends a job that never began: skipped, or played by nobody."""
    return event.kind == "build" and event.status == "cancelled" and event.word in NEVER_RAN


def distinct_facts(rows: Iterable[StoredStatement]) -> list[Fact]:
    """Return one fact for each distinct event, with the earliest, then smallest context."""
    facts: dict[str, list[Fact]] = {}
    for row in rows:
        for fact in _facts(row) if row.facts is None else row.facts:
            facts.setdefault(fact.key, []).append(fact)
    return [_merge(same) for same in facts.values()]


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
    )


def _merge(same: list[Fact]) -> Fact:
    if len(same) == 1:
        return same[0]
    first = min(same, key=lambda fact: (fact.event.at, context_key(fact)))
    declared = max((fact.run.attempt or 0 for fact in same), default=0) or None
    order = max((fact.order for fact in same), key=lambda order: (len(order), order))
    received = min((fact.received for fact in same if fact.received), default=None)
    run = replace(first.run, attempt=declared)
    sources = tuple(dict.fromkeys(each for fact in same for each in fact.sources))
    return replace(first, run=run, order=order, received=received, sources=sources)


def context_key(fact: Fact) -> bytes:
    """Return what tells apart the contexts in which one event was stated, in a fixed order."""
    said = (fact.run, fact.said, fact.custom, fact.inferred, fact.created_by)
    return _ENCODER.encode((*said, fact.names, fact.alias or ""))
