"""The stage rows of one attempt, opened and closed by its facts. Rules 4, 5, 7 of docs/fold.md."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from receiver.domain.fold.events import RANK, RANKS, Fact, label, never_ran
from receiver.domain.model import Failure


class StageRow(Struct, eq=False):
    """A row of a stage while it is folded. `opened` and `closed` are places in fold order."""

    fact: Fact
    opened: int
    start: datetime
    stage: str | None
    stated_state: int | None
    label: str  # equal for rows of the same stage
    status: str = "started"
    end: datetime | None = None
    closed: int = -1
    failure: Failure | None = None
    warning: str | None = None
    by_next: bool = False  # no end is known but the start of the next stage

    @property
    def failed(self) -> bool:
        return self.status == "failed"


def verdict_of(facts: Sequence[Fact]) -> Fact | None:
    """Return the deciding build event: failed before cancelled before completed, then the first.

    That a job never ran ranks below all of them, and counts only until something starts.
    """
    verdicts = [fact for fact in facts if fact.is_verdict]
    if any(never_ran(fact.event) for fact in verdicts):
        starts = [fact for fact in facts if fact.is_start]
        last = max(map(RANK, starts), default=None)
        verdicts = [
            fact for fact in verdicts if not (never_ran(fact.event) and last and last > fact.rank)
        ]
    return max(verdicts, key=_weight, default=None)


def _weight(fact: Fact) -> int:
    return -1 if never_ran(fact.event) else RANKS[fact.event.status or ""]


def rows_of(facts: Sequence[Fact]) -> list[StageRow]:
    """Return the rows of an attempt's facts, given in fold order; opened and closed by reporter."""
    rows: list[StageRow] = []
    add_rows(rows, defaultdict(list), facts)
    return rows


def add_rows(
    rows: list[StageRow],
    open_rows: dict[tuple[str, str], list[StageRow]],
    facts: Sequence[Fact],
    first: int = 0,
) -> None:
    """Add the rows of facts to those of the facts before them, as many as `first`; `open_rows` are
    the rows that are open, by reporter."""
    for place, fact in enumerate(facts, first):
        if fact.event.kind != "stage":
            continue
        mine = open_rows[fact.context.reporter]
        if fact.event.status == "started":
            if fact.context.is_hook:
                _close_all(mine, "completed", fact.event.at, place, by_next=True)
                mine.clear()
            rows.append(_open(fact, place))
            mine.append(rows[-1])
            continue
        row = _newest_open(mine, fact)
        if row is not None:
            mine.remove(row)
        else:
            row = just_ended(rows, fact)
        if row is None:
            row = _open(fact, place)
            rows.append(row)
        _end(row, fact, place)


def just_ended(rows: Sequence[StageRow], fact: Fact) -> StageRow | None:
    """Return the row of a stage whose own end has the same time as the start of the next one, by
    which it has ended already; None for any other fact."""
    if not fact.context.is_hook or fact.event.stage is None or fact.event.status == "started":
        return None
    at = fact.event.at
    for row in reversed(rows):
        if row.fact.context.reporter != fact.context.reporter:
            continue
        if row.by_next and row.end == at and row.label == fact.label:
            return row
        if row.start < at:
            return None
    return None


def close_open(rows: Sequence[StageRow], facts: Sequence[Fact], verdict: Fact) -> None:
    """End the open rows of an attempt: each with its own reporter's verdict, else with that of its
    job, by run key or alias; else the attempt's verdict leaves it cancelled. A person's verdict
    cancels all of them.
    """
    verdicts = [fact for fact in facts if fact.is_verdict]
    for row in rows:
        if row.end is None:
            mine = (
                verdict if verdict.context.source == "api" else _verdict_on(row, verdicts, verdict)
            )
            end = mine or verdict
            status = _status_of(end) if mine else "cancelled"
            _close_all([row], status, end.event.at, len(facts))
            row.failure = end.event.failure if mine else None


def _verdict_on(row: StageRow, verdicts: Sequence[Fact], verdict: Fact) -> Fact | None:
    """Return the verdict of the row's reporter, else of its job; None if neither gave one."""
    job = row.fact.context
    own = verdict_of([fact for fact in verdicts if fact.context.reporter == job.reporter])
    if own is None and verdict.context.reporter == job.reporter:
        own = verdict  # a manifest
    key, keys = job.run.key, {job.run.key, job.alias}
    return own or verdict_of(
        [
            fact
            for fact in verdicts
            if fact.context.run.key in keys
            or (fact.context.alias == key and fact.event.at >= row.start)
        ]
    )


def _status_of(verdict: Fact) -> str:
    return (verdict.event.status if verdict.is_verdict else None) or "completed"


def unrecovered(rows: Sequence[StageRow]) -> list[StageRow]:
    """Return the failed rows without a later completed row of their stage, in fold order."""
    failed = [row for row in rows if row.status == "failed"]
    done: dict[str, int] = {}
    for row in rows if failed else ():
        if row.status == "completed":
            done[row.label] = max(row.closed, done.get(row.label, -1))
    return [row for row in failed if done.get(row.label, -1) <= row.closed]


def _open(fact: Fact, place: int) -> StageRow:
    event = fact.event
    return StageRow(fact, place, event.at, event.stage, event.state, fact.label)


def _newest_open(mine: Sequence[StageRow], fact: Fact) -> StageRow | None:
    if fact.event.stage is None:
        return mine[-1] if mine else None
    for row in reversed(mine):
        if row.label == fact.label:
            return row
    return None


def _end(row: StageRow, fact: Fact, place: int) -> None:
    event = fact.event
    row.by_next = False
    row.status = event.status or "completed"
    row.end, row.closed = event.at if event.at >= row.start else row.start, place
    if event.state is not None:
        row.stated_state = event.state
        row.label = label(row.stage, event.state)
    row.failure = event.failure
    if event.allowed and row.failed:
        row.status = "completed"
    if row.status == "completed" and event.failure:
        row.warning, row.failure = event.failure.message, None


def _close_all(
    rows: Sequence[StageRow], status: str, at: datetime, place: int, *, by_next: bool = False
) -> None:
    for row in rows:
        row.status, row.end, row.closed = status, max(row.start, at), place
        row.by_next = by_next
