"""fold(statements): the rows of a build.

They are a function of the set of its events: any order of arrival and any duplicate gives the same
rows. The rules are those of docs/fold.md.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime

from msgspec.structs import replace

from receiver.domain.fold.artifacts import artifacts_of
from receiver.domain.fold.attempts import attempts
from receiver.domain.fold.checks import checks_of
from receiver.domain.fold.contexts import NOTHING, Context
from receiver.domain.fold.doubts import conflict_of, is_future, is_unstable, with_inferred
from receiver.domain.fold.events import (
    Fact,
    StoredStatement,
    context_of,
    contexts_of,
    distinct_facts,
    never_ran,
)
from receiver.domain.fold.progress import (
    Attempt,
    RowState,
    StateOf,
    attempt_of,
    current_state,
    first,
    is_estimated,
    is_unchanged,
    is_waiting,
)
from receiver.domain.fold.projection import (
    BuildRow,
    BuildRows,
    FailureRow,
    ResourceRow,
    StateRow,
)
from receiver.domain.fold.resume_point import resume_state
from receiver.domain.fold.sources import sources_of
from receiver.domain.fold.stage_rows import StageRow
from receiver.domain.model import DIMENSIONS, Failure, Identity, Resource
from receiver.domain.stage_map import clean

# Raise it with each change of the rules: a receiver leaves a build alone that a higher version has
# written, and `milepost refold` folds builds again that a lower one wrote.
FOLD_VERSION = 3
LONGEST = 2**31 - 1  # seconds, the limit of the column; a sender's clock may be centuries off
StatesOf = Callable[[str | None], StateOf]  # a project's name → its stage map


def fold(statements: Iterable[StoredStatement], states_of: StatesOf) -> BuildRows:
    """Return the rows of the build of these statements."""
    return fold_attempts(statements, states_of)[0]


def fold_attempts(
    statements: Iterable[StoredStatement], states_of: StatesOf
) -> tuple[BuildRows, list[Attempt]]:
    """Return the rows of the build of these statements, and its attempts, the newest last."""
    statements = list(statements)
    numbered = attempts(distinct_facts(statements))
    checks = checks_of(statements, numbered)
    if not numbered:
        return BuildRows(identity=_identity_of_checks(statements), checks=checks), []
    facts = [fact for _, each in numbered for fact in each]
    told = contexts_of(reversed(facts))
    identity, inferred = with_inferred(identity_of(told), told, facts)
    state_of = states_of(identity.project)
    folded = [attempt_of(number, each, state_of) for number, each in numbered]
    states = _state_rows(folded)
    rows = BuildRows(
        identity=identity,
        build=replace(_build_row(folded[-1], told, facts), inferred=inferred),
        states=tuple(row for group in states for row in group),
        failures=tuple(_failures(folded, states)),
        artifacts=artifacts_of(folded),
        resources=tuple(_resources(folded)),
        sources=sources_of(folded),
        checks=checks,
        events=sum(len(each.statement.events) for each in statements),
    )
    return rows, folded


def identity_of(told: Sequence[Context]) -> Identity:
    """Return the identity: said before signed custom_data before inferred, of each the latest one,
    which is the first here."""
    levels = [*(each.said for each in told), *(each.custom for each in told)]
    levels += [each.inferred for each in told]
    known = [each for each in levels if each != NOTHING]
    return Identity(*[first(getattr(each, name) for each in known) for name in DIMENSIONS])


def _identity_of_checks(statements: Sequence[StoredStatement]) -> Identity:
    """Return the identity of a build of which nothing but checks is known yet."""
    facts = [context_of(each) for each in statements if each.statement.is_of_checks]
    facts.sort(key=lambda fact: (fact.rank, fact.context.key))
    return identity_of(contexts_of(reversed(facts)))


def _build_row(newest: Attempt, told: Sequence[Context], facts: Sequence[Fact]) -> BuildRow:
    start = next((fact.event.at for fact in newest.facts if _has_begun(fact)), None)
    if newest.verdict and never_ran(newest.verdict.event):
        start = None  # Jenkins tells a start of a build that it then does not build
    end = max(start, newest.end) if start and newest.end else newest.end
    manifests = [fact for fact in facts if fact.event.kind == "manifest"]
    manifest = manifests[-1] if manifests else None
    runs = [each.run for each in newest.told]
    return BuildRow(
        status=newest.status,
        current_state=current_state(newest),
        attempt=newest.number,
        start_time=start,
        end_time=end,
        duration_seconds=_seconds(start, end),
        created_by=first(each.created_by for each in told),
        run_url=first(run.url for run in runs),
        commit=first(run.commit for run in runs),
        branch=first(run.branch for run in runs),
        resume_state=resume_state(newest),
        resumed_from=newest.resumed_from,
        manifest_from=manifest and manifest.row_id,
        manifest_sha256=manifest.event.manifest_sha256 if manifest else None,
        default_branch=first(run.default_branch for run in runs),
        pull_request=first(run.pull_request for run in runs),
        conflict=conflict_of(newest, told),
        unstable=is_unstable(newest),
        future=is_future(newest),
        estimated=is_estimated(newest),
        waiting=is_waiting(newest),
        unchanged=is_unchanged(newest),
    )


def _has_begun(fact: Fact) -> bool:
    """Return whether a fact tells that its build has begun: a forge tells a start beside the end of
    a job, so that what it cancelled without one never began."""
    event = fact.event
    is_end_alone = (
        event.kind == "build" and event.status == "cancelled" and not fact.context.is_hook
    )
    return event.status != "pending" and event.kind != "context" and not is_end_alone


def _state_rows(folded: Sequence[Attempt]) -> list[list[StateRow]]:
    """Return the rows of every attempt; a repeated stage of the same kind of source is a retry."""
    seen: Counter[tuple[str, str]] = Counter()
    return [state_rows(each.number, each.rows, each.states, seen) for each in folded]


def state_rows(
    attempt: int,
    rows: Sequence[StageRow],
    states: Sequence[RowState],
    seen: Counter[tuple[str, str]],
) -> list[StateRow]:
    """Return what is shown of rows of an attempt; `seen` counts the rows before, then these too."""
    shown = []
    for row, reached in zip(rows, states, strict=True):
        key = retried(row)
        count = seen.get(key, 0)
        shown.append(_state_row(attempt, row, reached, count))
        if row.status != "skipped":
            seen[key] = count + 1
    return shown


def retried(row: StageRow) -> tuple[str, str]:
    """Return what rows have in common of which a later one is a retry."""
    return row.label, row.fact.context.kind


def _state_row(attempt: int, row: StageRow, reached: RowState, retry_count: int) -> StateRow:
    message = row.failure.message if row.failure else row.warning
    return StateRow(
        reached.state,
        row.status,
        row.start,
        row.end,
        _seconds(row.start, row.end),
        message or None,
        retry_count,
        row.stage,
        attempt,
        reached.named,
        reached.estimated,
    )


def _failures(
    folded: Sequence[Attempt], groups: Sequence[Sequence[StateRow]]
) -> Iterator[FailureRow]:
    """Yield a failure for each failed row, and for the verdict if no stage carries it."""
    for attempt, rows in zip(folded, groups, strict=True):
        seen: Counter[str] = Counter()
        for row, shown in zip(attempt.rows, rows, strict=True):
            if row.failed:
                key = clean(row.stage) if row.stage else ""
                seen[key] += 1
                yield _failure(shown, row, seen[key])
        if attempt.status == "failed" and not attempt.failed and attempt.verdict:
            yield _verdict_failure(attempt, attempt.verdict)


def _failure(shown: StateRow, row: StageRow, occurrence: int) -> FailureRow:
    failure = row.failure or Failure()
    return FailureRow(
        attempt=shown.attempt,
        stage=shown.stage,
        occurrence=occurrence,
        state=shown.state,
        failure_type=failure.type,
        error_message=failure.message or f"{shown.stage or 'A stage'} failed",
        error_details=failure.details,
        component=failure.component,
        retry_attempt=shown.retry_count,
        created_at=row.end or row.start,
    )


def _verdict_failure(attempt: Attempt, verdict: Fact) -> FailureRow:
    failure = verdict.event.failure or Failure(type="build")
    return FailureRow(
        attempt=attempt.number,
        stage=None,
        occurrence=0,
        state=current_state(attempt),
        failure_type=failure.type,
        error_message=failure.message or "The build failed",
        error_details=failure.details,
        component=failure.component,
        retry_attempt=0,
        created_at=verdict.event.at,
    )


def _resources(folded: Sequence[Attempt]) -> Iterable[ResourceRow]:
    """Return every resource once, as its last event has it."""
    rows: dict[Resource, ResourceRow] = {}
    for attempt in folded:
        note_resources(rows, attempt.number, attempt.facts)
    return rows.values()


def note_resources(rows: dict[Resource, ResourceRow], attempt: int, facts: Iterable[Fact]) -> None:
    """Note what facts of an attempt tell of resources."""
    for event in [fact.event for fact in facts if fact.event.resource]:
        if resource := event.resource:
            is_removed = event.status == "removed"
            rows[resource] = ResourceRow(attempt, resource.type, resource.id, is_removed)


def _seconds(start: datetime | None, end: datetime | None) -> int | None:
    if not start or not end:
        return None
    return min(int((end - start).total_seconds()), LONGEST)
