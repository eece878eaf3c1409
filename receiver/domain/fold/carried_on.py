"""Carry a fold on: add stages and resources to the newest attempt without folding all of it again.

The rows are those that fold() gives for all statements together. Where that is not certain, there
is no result, and the whole has to be folded: so is it wherever more than the end of the newest
attempt may change.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from receiver.domain.fold import fold
from receiver.domain.fold.carried_over import MARK
from receiver.domain.fold.events import (
    KNOWN_AT,
    RANK,
    Fact,
    StoredStatement,
    contexts_of,
    distinct_facts,
)
from receiver.domain.fold.progress import (
    APPROVAL,
    Attempt,
    StateOf,
    current_state,
    is_chosen,
    is_estimated,
    map_rows,
    states_of_rows,
)
from receiver.domain.fold.projection import BuildRows
from receiver.domain.fold.resume_point import resume_state
from receiver.domain.fold.stage_rows import add_rows, just_ended
from receiver.domain.model import Resource


class Folded(Struct, frozen=True):
    """The rows of a build, with what is needed to carry them on.

    `keys` are those of all facts. `began` is the beginning of the newest attempt, and `made` the
    place of its last artifact, -1 if it has none. `seen` counts the rows of each stage.
    """

    rows: BuildRows
    newest: Attempt
    keys: frozenset[str]
    began: datetime
    made: int
    seen: Counter[tuple[str, str]]


def start(
    statements: Iterable[StoredStatement], rows: BuildRows, attempts: Sequence[Attempt]
) -> Folded | None:
    """Return a fold of these statements that can be carried on, None if it cannot."""
    facts = [fact for each in attempts for fact in each.facts]
    if not attempts or not _can_go_on(rows, attempts[-1], facts):
        return None
    if any(each.native and each.projects is not None for each in statements):
        return None  # whose word counts depends on all that is said
    if any(each.statement.checks for each in statements):
        return None  # the attempt that a check is about may be another one
    newest = attempts[-1]
    seen = Counter(
        fold.retried(row) for each in attempts for row in each.rows if row.status != "skipped"
    )
    return Folded(
        rows,
        newest,
        frozenset(fact.key for fact in facts),
        min(map(KNOWN_AT, newest.facts)),
        max((place for place, fact in enumerate(newest.facts) if fact.has_artifacts), default=-1),
        seen,
    )


def carry_on(
    folded: Folded, statements: Sequence[StoredStatement], state_of: StateOf
) -> Folded | None:
    """Return the fold with more statements, None where the whole has to be folded."""
    facts = sorted(distinct_facts(statements), key=RANK)
    if any(each.native or each.statement.checks for each in statements):
        return None
    if not _are_the_end(folded, facts):
        return None
    newest = folded.newest
    if any(just_ended(newest.rows, fact) for fact in facts):
        return None
    attempt = replace(
        newest, facts=[*newest.facts, *facts], rows=list(newest.rows), states=list(newest.states)
    )
    first = _add(attempt, facts)
    before = newest.rows[first:]
    if before and (before[0].opened <= folded.made or any(row.failed for row in before)):
        return None
    mapped = map_rows(attempt.rows[first:], state_of)
    if attempt.places and is_chosen(mapped):
        return None  # the estimates no longer count
    attempt.states[first:] = states_of_rows(attempt, mapped, first)
    seen = folded.seen.copy()
    seen.subtract(fold.retried(row) for row in before if row.status != "skipped")
    shown = fold.state_rows(attempt.number, attempt.rows[first:], attempt.states[first:], seen)
    return replace(
        folded,
        rows=_rows(folded.rows, attempt, facts, len(before), shown, statements),
        newest=attempt,
        keys=folded.keys.union(fact.key for fact in facts),
        seen=seen,
    )


def _can_go_on(rows: BuildRows, newest: Attempt, facts: Sequence[Fact]) -> bool:
    """Return whether nothing but the end of the newest attempt changes with its next stage: it is
    running, nothing in it has failed, and its last fact is a hook's and the last of all."""
    last = newest.facts[-1]
    contexts = contexts_of(facts)
    runs = {each.run.key for each in contexts}
    judged = facts if any(each.run.pipeline for each in contexts) else newest.facts
    return (
        rows.build.status == "running"
        and rows.build.start_time is not None
        and not newest.verdict
        and not newest.failed
        and not any(fact.is_verdict for fact in judged)
        and not any(fact.event.word in APPROVAL for fact in newest.facts)
        and last.context.is_hook
        and last.rank == max(map(RANK, facts))
        and not any(each.source == "api" for each in contexts)
        and not any(each.group.endswith(f":{MARK}") for each in contexts)
        and (len(runs) == 1 or judged is newest.facts)
    )


def _are_the_end(folded: Folded, facts: Sequence[Fact]) -> bool:
    """Return whether these are stages and resources that come after all others, told by the sender
    of the last one in the same context, and none fails."""
    last = folded.newest.facts[-1]
    return all(
        fact.event.kind in ("stage", "resource")
        and not (fact.event.status == "failed" and not fact.event.allowed)
        and fact.rank > last.rank
        and fact.known_at >= folded.began
        and fact.key not in folded.keys
        and fact.context.key == last.context.key
        for fact in facts
    )


def _add(attempt: Attempt, facts: Sequence[Fact]) -> int:
    """Add the rows of facts to a copied attempt. Return the place of the first that changed."""
    reporter = attempt.facts[-1].context.reporter
    rows, is_mine = attempt.rows, (row.fact.context.reporter == reporter for row in attempt.rows)
    still_open = [place for place, mine in enumerate(is_mine) if mine and rows[place].end is None]
    for place in still_open:
        rows[place] = replace(rows[place])
    mine = [rows[place] for place in still_open]
    count = len(rows)
    open_rows = defaultdict(list, {reporter: list(mine)})
    add_rows(rows, open_rows, facts, len(attempt.facts) - len(facts))
    closed = [place for place in still_open if rows[place].end is not None]
    return min(closed, default=count)


def _rows(
    before: BuildRows,
    attempt: Attempt,
    facts: Sequence[Fact],
    changed: int,
    shown: Sequence[object],
    statements: Sequence[StoredStatement],
) -> BuildRows:
    """Return the rows with what is shown of the attempt's last rows, of which some `changed`."""
    resources = {Resource(row.type, row.resource_id): row for row in before.resources}
    fold.note_resources(resources, attempt.number, facts)
    build = replace(
        before.build,
        current_state=current_state(attempt),
        resume_state=resume_state(attempt),
        future=before.build.future or any(fact.is_early for fact in facts),
        estimated=is_estimated(attempt),
    )
    kept = len(before.states) - changed
    return replace(
        before,
        build=build,
        states=(*before.states[:kept], *shown),
        resources=tuple(resources.values()),
        events=before.events + sum(len(each.statement.events) for each in statements),
    )
