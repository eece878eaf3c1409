"""How far one attempt is: its status and the state of each row.

Rules 7, 8 and 9 of docs/fold.md.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import TypeVar

from msgspec import Struct

from receiver.domain.fold.contexts import Context
from receiver.domain.fold.events import Fact, contexts_of
from receiver.domain.fold.stage_rows import StageRow, close_open, rows_of, unrecovered, verdict_of
from receiver.domain.model import UNCHANGED
from receiver.domain.stage_map import Mapped, clean, position

# Words of a job that waits: GitHub's for an approval (`waiting` for an environment's reviewers,
# `action_required` for a first contributor), GitLab's for a job that is played by hand or later:
# https://docs.github.com/en/rest/actions/workflow-runs, https://docs.gitlab.com/api/jobs/
APPROVAL = ("waiting", "action_required", "manual", "scheduled")
StateOf = Callable[[str, bool], Mapped | None]  # of a stage, and whether it is a forge's step


class RowState(Struct, frozen=True):
    """The state of a row: named by its sender or a map, estimated from its place, or carried on;
    `reached` is the highest one so far."""

    state: int
    named: bool
    estimated: bool
    reached: int


Places = Mapping[tuple[str, str], Mapping[str, int]]  # of a reporter, the estimate of each stage
Value = TypeVar("Value")
NOWHERE: Mapping[str, int] = {}


class Attempt(Struct, eq=False):
    """One attempt, folded. `told` are the contexts of its facts, the latest first; `states` holds
    the state of each row, `places` the estimates."""

    number: int
    facts: Sequence[Fact]
    told: Sequence[Context]
    rows: list[StageRow]
    status: str
    end: datetime | None
    verdict: Fact | None
    failed: list[StageRow]
    resumed_from: int | None
    states: list[RowState]
    places: Places

    @property
    def stopped(self) -> float:
        """Return the place in fold order after which nothing raises the state."""
        return min((row.closed for row in self.failed), default=math.inf)


def attempt_of(number: int, facts: Sequence[Fact], state_of: StateOf) -> Attempt:
    """Return the attempt of these facts, given in fold order."""
    rows = rows_of(facts)
    verdict = verdict_of(facts) or _manifest_verdict(facts, rows)
    told = contexts_of(reversed(facts))
    status, end = _judged(verdict, facts, told) if verdict else _unjudged(facts, rows)
    if verdict:
        close_open(rows, facts, verdict)
    resumed_from = first(each.run.resumed_from for each in told)
    mapped = map_rows(rows, state_of)
    places = {} if is_chosen(mapped) else _places(told)
    failed = unrecovered(rows)
    attempt = Attempt(
        number, facts, told, rows, status, end, verdict, failed, resumed_from, [], places
    )
    attempt.states = states_of_rows(attempt, mapped)
    return attempt


def first(values: Iterable[Value | None]) -> Value | None:
    """Return the first value that is not None."""
    return next((value for value in values if value is not None), None)


def current_state(attempt: Attempt) -> int:
    """Return the state: a failure never lowers it, and nothing after a failure raises it."""
    if attempt.status == "completed":
        return 100
    stopped = attempt.stopped
    pairs = zip(attempt.rows, attempt.states, strict=True)
    known = [(row, value) for row, value in pairs if value.named or value.estimated]
    reached = [value.state for row, value in known if _counts(row, stopped)]
    return max(reached, default=attempt.resumed_from or 0)


def is_estimated(attempt: Attempt) -> bool:
    """Return whether the state is only an estimate, of the place of a step among all steps."""
    return attempt.status != "completed" and any(value.estimated for value in attempt.states)


def is_waiting(attempt: Attempt) -> bool:
    """Return whether a job of an attempt waits for a person or a time, and nothing else runs.

    Of each job its last word counts: a forge says `waiting` or `manual` before a job begins.
    """
    if attempt.status not in ("pending", "running"):
        return False
    known = [fact for fact in attempt.facts if fact.event.kind != "context"]
    last = {fact.context.reporter: fact.event for fact in known}
    waits = any(each.status == "pending" and each.word in APPROVAL for each in last.values())
    runs = any(each.kind == "build" and each.status == "running" for each in last.values())
    is_open = any(row.end is None for row in attempt.rows)
    return waits and not runs and not is_open


def is_unchanged(attempt: Attempt) -> bool:
    """Return whether a completed attempt states that it had nothing to do, and made nothing."""
    verdicts = [fact.event for fact in attempt.facts if fact.is_verdict]
    stated = any(event.word == UNCHANGED for event in verdicts)
    return attempt.status == "completed" and stated and not any(map(_made, attempt.facts))


def _made(fact: Fact) -> bool:
    return bool(fact.event.artifact) or _has_current(fact)


def _has_current(fact: Fact) -> bool:
    return fact.has_artifacts and any(each.current for each in fact.event.artifacts)


def named_rows(attempt: Attempt) -> list[tuple[StageRow, int]]:
    """Return the rows whose states a sender or a map named, with these states."""
    pairs = zip(attempt.rows, attempt.states, strict=True)
    return [(row, value.state) for row, value in pairs if value.named]


def _judged(verdict: Fact, facts: Sequence[Fact], told: Sequence[Context]) -> tuple[str, datetime]:
    """Return status and end; several jobs of a pipeline are completed when the last one is."""
    status = (verdict.event.status if verdict.is_verdict else None) or "completed"
    if status != "completed" or not any(each.run.pipeline for each in told):
        return status, verdict.event.at
    ends = [fact.event.at for fact in facts if fact.is_verdict and fact.event.status == "completed"]
    return status, max([verdict.event.at, *ends])


def _manifest_verdict(facts: Sequence[Fact], rows: Sequence[StageRow]) -> Fact | None:
    """Return the manifest that completes an attempt; none does if a stage failed."""
    made = [fact for fact in facts if fact.has_artifacts and _has_current(fact)]
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


def map_rows(rows: Iterable[StageRow], state_of: StateOf) -> list[Mapped | None]:
    """Return what names the state of each row, if anything does."""
    return [_named(row, state_of) for row in rows]


def is_chosen(mapped: Iterable[Mapped | None]) -> bool:
    """Return whether a sender, a hook's stage or the project's map names a state, so that places in
    the list of steps do not count; a built-in name of a forge's step is a guess, too."""
    return any(each and each.chosen for each in mapped)


def states_of_rows(
    attempt: Attempt, mapped: Sequence[Mapped | None], first: int = 0
) -> list[RowState]:
    """Return the states of the attempt's rows from the first on, of which `mapped` are the names;
    `attempt.states` are those of the rows before."""
    value = attempt.states[first - 1].reached if first else attempt.resumed_from or 0
    stopped = attempt.stopped
    broken_at = min((row.end for row in attempt.failed if row.end), default=None)
    result = []
    for row, named in zip(attempt.rows[first:], mapped, strict=True):
        is_after = broken_at and row.start >= broken_at and not row.failed  # such as cleaning up
        places = attempt.places.get(row.fact.context.reporter, NOWHERE)
        estimate = None if is_after else places.get(row.label)
        known = named.state if named else estimate
        if known is not None and _counts(row, stopped):
            value = max(value, known)
        shown = value if known is None else known
        is_estimate = not named and estimate is not None
        result.append(RowState(shown, named is not None, is_estimate, value))
    return result


def _places(told: Sequence[Context]) -> Places:
    """Return the estimated state of each listed stage, by the longest list of its reporter."""
    longest: dict[tuple[str, str], tuple[str, ...]] = {}
    for context in told:
        if context.order:
            previous = longest.get(context.reporter, ())
            longest[context.reporter] = max(
                previous, context.order, key=lambda order: (len(order), order)
            )
    return {reporter: _positions(order) for reporter, order in longest.items()}


@lru_cache(maxsize=256)  # each delivery of a job lists its steps
def _positions(order: tuple[str, ...]) -> Mapping[str, int]:
    """Return the estimated state of each listed stage; of equal ones the first counts."""
    listed = reversed(list(enumerate(order, 1)))
    return {clean(name): position(place, len(order)) for place, name in listed}


def _named(row: StageRow, state_of: StateOf) -> Mapped | None:
    """Return the sender's state, else the map's; 100 counts 99, since only a verdict completes."""
    if row.stated_state is not None:
        return Mapped(min(row.stated_state, 99), chosen=True)
    is_forge = row.fact.context.kind == "forge"
    mapped = state_of(row.stage, is_forge) if row.stage else None
    if mapped is None or (mapped.state < 100 and (is_forge or mapped.chosen)):
        return mapped
    return Mapped(min(mapped.state, 99), mapped.chosen or not is_forge)


def _counts(row: StageRow, stopped: float) -> bool:
    return row.status != "skipped" and row.opened <= stopped
