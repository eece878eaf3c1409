"""Folds of large builds that this process has made, to be carried on by the next delivery.

A build of thousands of events costs a next one what it costs a small one: only the news is read and
folded. What was kept counts only while the sum over all events of the build is that of the events
it was made of; whatever changed them otherwise, another process or a replay, the whole is folded.
"""

import threading
from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from receiver.domain.fold.carried_on import Folded, carry_on, start
from receiver.domain.fold.events import StoredStatement
from receiver.domain.fold.progress import Attempt, StateOf
from receiver.domain.fold.projection import BuildRows
from receiver.domain.stage_map import StageMap
from receiver.storage.db import Connection, Row, query
from receiver.storage.read_statements import read_anew, read_before

MOST_EVENTS = 10_000  # kept a process, at about 1 kB
MAX_DEPTH = 32  # projects above one another
LATE = 5_000 << 80  # of a UUIDv7: by so many milliseconds a delivery may be committed after others

Projects = tuple[str, ...] | None


class StageNames(NamedTuple):
    """The map of stages, and the parent of each project where the map tells projects apart."""

    stages: StageMap
    parents: Mapping[str, str | None]

    def states_of(self, project: str | None) -> StateOf:
        """Return the states of the stages of a project."""
        chain = self._chain(project)
        return lambda name, is_forge: self.stages.mapped(name, chain, is_forge=is_forge)

    def _chain(self, project: str | None) -> list[str]:
        """Return a project and those above it, nearest first."""
        chain: list[str] = []
        while project is not None and project in self.parents and len(chain) < MAX_DEPTH:
            chain.append(project)
            project = self.parents[project]
        return chain


@dataclass(slots=True)
class Said:
    """What was said of one build: all statements that count, those of shared jobs and whole runs
    among them; the sum of the fingerprints of its own events, and which of these are the last."""

    statements: list[StoredStatement] = field(default_factory=list)
    shared: list[StoredStatement] = field(default_factory=list)
    runs: frozenset[str] = frozenset()
    of_runs: list[StoredStatement] = field(default_factory=list)
    total: int = 0
    seen: list[tuple[UUID, int]] = field(default_factory=list)
    senders: set[Projects] = field(default_factory=set)
    is_large: bool = False

    def add(self, row: Row, statement: StoredStatement) -> None:
        """Add a row of read_events.sql or read_news.sql."""
        if row.get("shared"):
            self.shared.append(statement)
            return
        self.statements.append(statement)
        self.total += row["fingerprint"]
        self.seen.append(statement.id)
        self.senders.add(statement.projects)


class _Kept(NamedTuple):
    """A fold, and what it was made of. `seen` are the events of the last deliveries."""

    folded: Folded
    total: int
    since: UUID
    seen: frozenset[tuple[UUID, int]]
    senders: frozenset[Projects]
    runs: frozenset[str]
    of_runs: list[StoredStatement]
    names: StageNames


class _KeptFolds:
    """A cache of folds by build, bounded by their events."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[UUID, _Kept] = OrderedDict()

    def take(self, build_id: UUID) -> _Kept | None:
        """Return what was kept of a build, and keep it no longer."""
        with self._lock:
            return self._kept.pop(build_id, None)

    def put(self, build_id: UUID, kept: _Kept) -> None:
        """Keep the fold of a build; those that were used longest ago make room."""
        with self._lock:
            self._kept[build_id] = kept
            while sum(each.folded.rows.events for each in self._kept.values()) > MOST_EVENTS:
                self._kept.popitem(last=False)


KEPT = _KeptFolds()


def keep(
    build_id: UUID, said: Said, rows: BuildRows, attempts: Sequence[Attempt], names: StageNames
) -> None:
    """Keep the fold of a large build, if it can be carried on."""
    if not said.is_large or said.shared or len(said.senders) > 1:
        return
    folded = start(said.statements, rows, attempts)
    if folded:
        senders = frozenset(said.senders)
        last = _last(said.seen)
        KEPT.put(
            build_id,
            _Kept(folded, said.total, *last, senders, said.runs, said.of_runs, names),
        )


def carried(
    connection: Connection, build_ids: Iterable[UUID], names: StageNames
) -> dict[UUID, BuildRows]:
    """Return the rows of those locked builds whose kept fold can be carried on."""
    found = {}
    for build_id in build_ids:
        kept = KEPT.take(build_id)
        if kept and kept.names == names:
            after = _carried(connection, build_id, kept)
            if after:
                KEPT.put(build_id, after)
                found[build_id] = after.folded.rows
    return found


def statements_of_runs(
    connection: Connection, run_keys: Iterable[str]
) -> Mapping[str, Sequence[StoredStatement]]:
    """Return what a forge states of whole runs, by run key."""
    found = defaultdict[str, list[StoredStatement]](list)
    if keys := sorted(run_keys):
        parameters = {"run_groups": keys}
        for row in connection.execute(query("refold/read_run_events"), parameters).fetchall():
            found[row["run_key"]].append(read_anew(row))
    return found


def _carried(connection: Connection, build_id: UUID, kept: _Kept) -> _Kept | None:
    """Return the fold with the news, None where not exactly the known events and these are left."""
    parameters = {"build_id": build_id, "since": kept.since}
    summed = connection.execute(query("refold/sum_events"), parameters)
    news = connection.execute(query("refold/read_news"), parameters)
    of_runs = statements_of_runs(connection, kept.runs)
    if [one for key in sorted(kept.runs) for one in of_runs.get(key, ())] != kept.of_runs:
        return None
    said = Said()
    for row in news.fetchall():
        if (row["delivery_id"], row["place"]) not in kept.seen:
            said.add(row, read_before(row))
    now = summed.fetchone()
    total = kept.total + said.total
    if now is None or now["shared"] or now["total"] != total or said.senders - kept.senders:
        return None
    state_of = kept.names.states_of(kept.folded.rows.identity.project)
    folded = carry_on(kept.folded, said.statements, state_of)
    if folded is None:
        return None
    since, seen = _last([*kept.seen, *said.seen])
    return kept._replace(folded=folded, total=total, since=since, seen=seen)


def _last(seen: Sequence[tuple[UUID, int]]) -> tuple[UUID, frozenset[tuple[UUID, int]]]:
    """Return the id from which on deliveries may still come, and the events of those that have."""
    newest = max(delivery_id for delivery_id, _ in seen)
    since = UUID(int=max(newest.int - LATE, 0))
    return since, frozenset(each for each in seen if each[0] >= since)
