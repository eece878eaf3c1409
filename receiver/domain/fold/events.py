"""From stored statements to distinct facts in a fixed order. Rules 1 and 3 of docs/fold.md.

A fact is an event with the context in which it was stated. Two deliveries that state the same event
make one fact, so neither duplicates nor the order of arrival can change the rows.
"""

import dataclasses
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from operator import attrgetter
from typing import Any

import msgspec
from msgspec.structs import replace

from receiver.domain.fold.contexts import Context, with_key
from receiver.domain.fold.contexts import merged as merged_context
from receiver.domain.model import NEVER_RAN, Event, Statement
from receiver.domain.stage_map import clean

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

AHEAD = timedelta(minutes=5)  # as much as signatures allow a sender's clock
NEVER = datetime.max.replace(tzinfo=UTC)
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
    """One event with its context; `row_id` names the stored statement.

    `rank` is time, rank of the status, state (none first), key: the order inside an attempt.
    `received` is when the first statement of it came; `known_at` is the earlier of that and what
    was said, since no clock is ahead of its news. `label` is equal for events of the same stage.
    `is_early` tells whether it came before its own time, by more than a clock may be wrong.
    """

    key: str
    event: Event
    context: Context
    row_id: Any
    received: datetime | None
    known_at: datetime
    rank: tuple[datetime, int, int, str]
    label: str
    is_start: bool
    is_verdict: bool
    is_early: bool
    has_artifacts: bool


RANK, KNOWN_AT, CONTEXT = attrgetter("rank"), attrgetter("known_at"), attrgetter("context")


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
    others = [row for row in others if not row.statement.is_of_checks]
    if not others:
        return []
    judged = {
        run_group(row.statement.run.key)
        for row in own
        if any(is_verdict(event) and not never_ran(event) for event in row.statement.events)
    }
    return [_context_or_verdict(row, judged) for row in others]


def is_verdict(event: Event) -> bool:
    """Return whether an event ends its build."""
    return event.kind == "build" and event.status in VERDICTS


def is_start(event: Event) -> bool:
    """Return whether an event begins a stage or its build."""
    return event.kind in ("stage", "build") and event.status in ("started", "running")


def contexts_of(facts: Iterable[Fact]) -> list[Context]:
    """Return each context once, at its first place: the facts of a statement share one."""
    return list(dict.fromkeys(map(CONTEXT, facts)))


def never_ran(event: Event) -> bool:
    """Return whether an event ends a job that never began: skipped, or played by nobody."""
    return event.kind == "build" and event.status == "cancelled" and event.word in NEVER_RAN


def distinct_facts(rows: Iterable[StoredStatement]) -> list[Fact]:
    """Return one fact for each distinct event, with the earliest, then smallest context."""
    facts: dict[str, Fact] = {}
    others: dict[str, list[Fact]] = {}
    for row in rows:
        for fact in _facts(row) if row.facts is None else row.facts:
            known = facts.setdefault(fact.key, fact)
            if known is fact:
                continue
            if fact.context.key != known.context.key or fact.event.at != known.event.at:
                others.setdefault(fact.key, []).append(fact)
            elif _received(fact) < _received(known):  # they differ in nothing else
                facts[fact.key] = fact
    contexts: dict[tuple[Context, ...], Context] = {}
    for key, more in others.items():
        facts[key] = _merge([facts[key], *more], contexts)
    return list(facts.values())


def with_facts(row: StoredStatement) -> StoredStatement:
    """Return the statement with its facts, for whoever folds it again."""
    return dataclasses.replace(row, facts=_facts(row))


def _facts(row: StoredStatement) -> tuple[Fact, ...]:
    context = _context(row)
    events = row.statement.events
    return tuple([_fact(row, context, each) for each in events if each.kind != "heartbeat"])


def context_of(row: StoredStatement) -> Fact:
    """Return who a statement of checks alone is about, as a fact of no event."""
    event = Event("context", max(check.at for check in row.statement.checks))
    return _fact(row, _context(row), event)


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


def _context(row: StoredStatement) -> Context:
    said = row.statement
    run, is_hook = said.run, row.source in HOOKS
    context = Context(
        row.source,
        run,
        said.said,
        said.custom,
        said.inferred,
        said.created_by,
        said.order,
        said.names,
        row.alias,
        said.sources,
        (run.key, row.source if run.number is None else f"{row.source} packer"),
        run_group(run.key),
        "hook" if is_hook else "api" if row.source == "api" else "forge",
        is_hook,
    )
    return with_key(context)


def _fact(row: StoredStatement, context: Context, event: Event) -> Fact:
    key = event_key(row.source, context.run.key, event)
    state = -1 if event.state is None else event.state
    known_at = _known_at(event, row.received)
    return Fact(
        key,
        event,
        context,
        row.id,
        row.received,
        known_at,
        (event.at, RANKS.get(event.status or "completed", 2), state, key),
        label(event.stage, event.state),
        is_start(event),
        is_verdict(event),
        event.at - known_at > AHEAD,
        bool(event.artifact or event.artifacts),
    )


def label(stage: str | None, state: int | None) -> str:
    """Return what is equal for the same stage: its cleaned name, or its number without one."""
    return clean(stage) if stage else f"state {state}"


def _known_at(event: Event, received: datetime | None) -> datetime:
    return event.at if received is None or event.at <= received else received


def _received(fact: Fact) -> datetime:
    return fact.received or NEVER


def _merge(same: Sequence[Fact], merged: dict[tuple[Context, ...], Context]) -> Fact:
    """Return one fact of those that state the same event: the earliest, of the smallest context,
    with what the others add. `merged` keeps one context for the facts of the same statements."""
    first = min(same, key=lambda fact: (fact.event.at, fact.context.key, _received(fact)))
    contexts = (first.context, *contexts_of(same))
    if contexts not in merged:
        merged[contexts] = merged_context(contexts)
    received = min((fact.received for fact in same if fact.received), default=None)
    known_at = _known_at(first.event, received)
    return replace(
        first,
        context=merged[contexts],
        received=received,
        known_at=known_at,
        is_early=first.event.at - known_at > AHEAD,
    )
