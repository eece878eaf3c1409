"""Statements → distinct facts in a fixed order; pure. Rules 1 and 3 of the fold.

A fact is an event with the context it was said in. Two deliveries that state the same event
give one fact, so neither duplicates nor the order of arrival can change what the fold makes.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec
from msgspec.structs import replace

from receiver.domain.model import Event, Identity, Run, Statement

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


@dataclass(frozen=True, slots=True)
class Kept:
    """A statement as the events table keeps it; `id` names its row, `source` its format."""

    id: Any
    source: str
    statement: Statement


class Fact(msgspec.Struct, frozen=True, eq=False):
    """One event, with who said it and in which context; `kept` names the row it came from.

    `rank` is time, rank, state (none first), key: the order inside an attempt.
    """

    key: str
    source: str
    event: Event
    run: Run
    said: Identity
    custom: Identity
    inferred: Identity
    created_by: str | None
    kept: Any
    order: tuple[str, ...]
    reporter: tuple[str, str]
    rank: tuple[datetime, int, int, str]

    @property
    def is_hook(self) -> bool:
        return self.source in HOOKS

    @property
    def is_start(self) -> bool:
        return self.event.kind in ("stage", "build") and self.event.status in ("started", "running")

    @property
    def is_verdict(self) -> bool:
        return self.event.kind == "build" and self.event.status in VERDICTS


@lru_cache(maxsize=1024)  # each fact of a job asks for the same
def run_group(run_key: str) -> str:
    """The run that a key belongs to: GitHub's jobs of one repository, run and attempt are one.

    >>> run_group("github:acme/images:500:2:84211")
    'github:acme/images:500:2'
    """
    if run_key.startswith("github:"):
        return ":".join(run_key.split(":")[:4])
    return run_key


def event_key(source: str, run_key: str, event: Event) -> str:
    """SHA-256 over the run key and what the sender said; a time that was not said is left out."""
    at = event.at if event.dated else None
    if event.artifacts or at is None:  # the manifest's digest stands for what it lists
        event = replace(event, at=at, artifacts=())
    return hashlib.sha256(_ENCODER.encode((source, run_key, event))).hexdigest()


def distinct(kept: Iterable[Kept]) -> list[Fact]:
    """Collapse duplicates; of equal events the earliest and then the smallest context stays."""
    facts: dict[str, list[Fact]] = {}
    for row in kept:
        for event in row.statement.events:
            if event.kind == "heartbeat":
                continue
            fact = _fact(row, event)
            facts.setdefault(fact.key, []).append(fact)
    return [_merge(same) for same in facts.values()]


def _fact(row: Kept, event: Event) -> Fact:
    statement = row.statement
    run_key = statement.run.key
    key = event_key(row.source, run_key, event)
    state = -1 if event.state is None else event.state
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
        (run_key, row.source),
        (event.at, RANKS.get(event.status or "completed", 2), state, key),
    )


def _merge(same: list[Fact]) -> Fact:
    if len(same) == 1:
        return same[0]
    first = min(same, key=lambda fact: (fact.event.at, _context(fact)))
    declared = max((fact.run.attempt or 0 for fact in same), default=0) or None
    order = max((fact.order for fact in same), key=lambda order: (len(order), order))
    return replace(first, run=replace(first.run, attempt=declared), order=order)


def _context(fact: Fact) -> bytes:
    return _ENCODER.encode((fact.run, fact.said, fact.custom, fact.inferred, fact.created_by))
