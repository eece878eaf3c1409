"""How far one attempt is: its status and the state of each row.

Rules 7, 8 and 9 of docs/fold.md.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from receiver.domain.fold.events import Fact
from receiver.domain.fold.stage_rows import StageRow, close_open, rows_of, unrecovered, verdict_of
from receiver.domain.stage_map import Mapped, clean, position

StateOf = Callable[[str, bool], Mapped | None]  # of a stage, and whether it is a forge's step


class RowState(NamedTuple):
    """The state of a row: named by its sender or a map, estimated from its place, or carried on."""

    state: int
    named: bool
    estimated: bool


@dataclass(slots=True)
class Attempt:
    """One attempt, folded. `states` holds the state of each row."""

    number: int
    facts: Sequence[Fact]
    rows: list[StageRow]
    status: str
    end: datetime | None
    verdict: Fact | None
    failed: list[StageRow]
    resumed_from: int | None
    states: list[RowState]

    @property
    def stopped(self) -> float:
        """Return the place in fold order after which nothing raises the state."""
        return min((row.closed for row in self.failed), default=math.inf)


def attempt_of(number: int, facts: Sequence[Fact], state_of: StateOf) -> Attempt:
    """Return the attempt of these facts, given in fold order."""
    rows = rows_of(facts)
    verdict = verdict_of(facts) or _manifest_verdict(facts, rows)
    status, end = _judged(verdict, facts) if verdict else _unjudged(facts, rows)
    if verdict:
        close_open(rows, facts, verdict)
    resumed_from = latest(fact.run.resumed_from for fact in facts)
    attempt = Attempt(
        number, facts, rows, status, end, verdict, unrecovered(rows), resumed_from, []
    )
    attempt.states = _row_states(attempt, state_of)
    return attempt


def latest(values: Iterable[Any]) -> Any:
    """Return the last value that is not None."""
    last = None
    for value in values:
        last = last if value is None else value
    return last


def current_state(attempt: Attempt) -> int:
    """Return the state: a failure never lowers it, and nothing after a failure raises it."""
    if attempt.status == "completed":
        return 100
    stopped = attempt.stopped
    pairs = zip(attempt.rows, attempt.states, strict=True)
    known = ((row, value) for row, value in pairs if value.named or value.estimated)
    reached = [value.state for row, value in known if _counts(row, stopped)]
    return max(reached, default=attempt.resumed_from or 0)


def is_estimated(attempt: Attempt) -> bool:
    """Return whether the state is only an estimate, of the place of a step among all steps."""
    return attempt.status != "completed" and any(value.estimated for value in attempt.states)


def named_rows(attempt: Attempt) -> list[tuple[StageRow, int]]:
    """Return the rows whose states a sender or a map named, with these states."""
    pairs = zip(attempt.rows, attempt.states, strict=True)
    return [(row, value.state) for row, value in pairs if value.named]


def _judged(verdict: Fact, facts: Sequence[Fact]) -> tuple[str, datetime]:
    """Return status and end; several jobs of a pipeline are completed when the last one is."""
    status = (verdict.event.status if verdict.is_verdict else None) or "completed"
    if status != "completed" or not any(fact.run.pipeline for fact in facts):
        return status, verdict.event.at
    ends = [fact.event.at for fact in facts if fact.is_verdict and fact.event.status == "completed"]
    return status, max([verdict.event.at, *ends])


def _manifest_verdict(facts: Sequence[Fact], rows: Sequence[StageRow]) -> Fact | None:
    """Return the manifest that completes an attempt; none does if a stage failed."""
    made = [fact for fact in facts if any(each.current for each in fact.event.artifacts)]
    return made[-1] if made and not unrecovered(rows) else None


def _unjudged(facts: Sequence[Fact], rows: Sequence[StageRow]) -> tuple[str, datetime | None]:
    """Return the status without a verdict: failed if the latest closed stage failed and none began
    later."""
    ran = [row for row in rows if row.status != "skipped"]
    last = max((row for row in ran if row.end), key=lambda row: row.closed, default=None)
    if last and last.failed and all(row.opened <= last.closed for row in ran):
        return "failed", last.end
    events = [fact.event for fact in facts if fact.event.kind != "context"]
    if not rows and all(event.status == "pending" for event in events):
        return "pending", None
    return "running", None


def _row_states(attempt: Attempt, state_of: StateOf) -> list[RowState]:
    """Return the state of each row. Places in the list of steps count unless a sender, a hook's
    stage or the project's map names a state: a built-in name of a forge's step is a guess, too."""
    mapped = [_named(row, state_of) for row in attempt.rows]
    named = [each and each.state for each in mapped]
    places = {} if any(each and each.chosen for each in mapped) else _places(attempt.facts)
    value, stopped = attempt.resumed_from or 0, attempt.stopped
    broken_at = min((row.end for row in attempt.failed if row.end), default=None)
    result = []
    for row, state in zip(attempt.rows, named, strict=True):
        is_after = broken_at and row.start >= broken_at and not row.failed  # such as cleaning up
        estimate = None if is_after else places.get((row.fact.reporter, row.label))
        known = estimate if state is None else state
        if known is not None and _counts(row, stopped):
            value = max(value, known)
        estimated = state is None and estimate is not None
        shown = value if known is None else known
        result.append(RowState(shown, state is not None, estimated))
    return result


def _places(facts: Sequence[Fact]) -> dict[tuple[tuple[str, str], str], int]:
    """Return the estimated state of each listed stage, by the longest list of its reporter."""
    longest: dict[tuple[str, str], tuple[str, ...]] = {}
    for fact in facts:
        if fact.order:
            previous = longest.get(fact.reporter, ())
            longest[fact.reporter] = max(
                previous, fact.order, key=lambda order: (len(order), order)
            )
    return {
        (reporter, clean(name)): position(place, len(order))
        for reporter, order in longest.items()
        for place, name in reversed(list(enumerate(order, 1)))
    }


def _named(row: StageRow, state_of: StateOf) -> Mapped | None:
    """Return the sender's state, else the map's; 100 counts 99, since only a verdict completes."""
    if row.stated_state is not None:
        return Mapped(min(row.stated_state, 99), chosen=True)
    is_forge = not row.fact.is_hook and row.fact.source != "api"
    mapped = state_of(row.stage, is_forge) if row.stage else None
    return mapped and Mapped(min(mapped.state, 99), mapped.chosen or not is_forge)


def _counts(row: StageRow, stopped: float) -> bool:
    return row.status != "skipped" and row.opened <= stopped
