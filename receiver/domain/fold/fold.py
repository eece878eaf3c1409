"""fold(statements) → the rows of a build; pure.

The result is a function of the set of events: any order of arrival and any duplicate gives the
same rows. The rules are those of docs/fold.md.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

import msgspec

from receiver.domain.fold.attempts import attempts
from receiver.domain.fold.events import HOOKS, Fact, Kept, distinct
from receiver.domain.fold.progress import (
    Attempt,
    StateOf,
    Value,
    attempt_of,
    covered,
    current_state,
    latest,
    resume_state,
)
from receiver.domain.fold.projection import (
    ArtifactRow,
    BuildRow,
    FailureRow,
    Folded,
    ResourceRow,
    StateRow,
)
from receiver.domain.fold.stage_rows import Row
from receiver.domain.model import DIMENSIONS, Artifact, Event, Failure, Identity, Resource
from receiver.domain.stages import clean

LONGEST = 2**31 - 1  # what the column holds, should a sender's clock be centuries off
Told = list[tuple[int, list[Fact]]]


def told(kept: Iterable[Kept]) -> Told:
    """What was stated about one build, as attempts with their facts in fold order."""
    return attempts(distinct(kept))


def identity(numbered: Told) -> Identity:
    """What the build is of: said before signed custom_data before inferred, the latest of each."""
    facts = _in_order(numbered)
    levels = [
        [getattr(fact, level) for fact in reversed(facts)]
        for level in ("said", "custom", "inferred")
    ]
    return Identity(**{name: _first(levels, name) for name in DIMENSIONS})


def _first(levels: Sequence[Sequence[Identity]], name: str) -> str | None:
    told = (getattr(each, name) for level in levels for each in level)
    return next((value for value in told if value is not None), None)


def fold(numbered: Told, state_of: StateOf) -> Folded:
    """The rows of one build from all that was told; state_of maps a stage's name to a state."""
    if not numbered:
        return Folded()
    folded = [attempt_of(number, facts, state_of) for number, facts in numbered]
    rows = _state_rows(folded)
    return Folded(
        build=_build(folded[-1], _in_order(numbered)),
        states=tuple(row for group in rows for row in group),
        failures=tuple(_failures(folded, rows)),
        artifacts=tuple(_artifacts(folded)),
        resources=tuple(_resources(folded)),
    )


def _in_order(numbered: Told) -> list[Fact]:
    return [fact for _, facts in numbered for fact in facts]


def _build(newest: Attempt, facts: Sequence[Fact]) -> BuildRow:
    begun = [
        fact.event.at
        for fact in newest.facts
        if fact.event.status != "pending" and fact.event.kind != "context"
    ]
    start = min(begun, default=None)
    end = max(start, newest.end) if start and newest.end else newest.end
    manifest = latest(fact if fact.event.kind == "manifest" else None for fact in facts)
    runs = [fact.run for fact in newest.facts]
    return BuildRow(
        status=newest.status,
        current_state=current_state(newest),
        attempt=newest.number,
        start_time=start,
        end_time=end,
        duration_seconds=_seconds(start, end),
        created_by=latest(fact.created_by for fact in facts),
        run_url=latest(run.url for run in runs),
        commit=latest(run.commit for run in runs),
        branch=latest(run.branch for run in runs),
        resume_state=resume_state(newest),
        resumed_from=newest.resumed_from,
        manifest_from=manifest and manifest.kept,
        manifest_sha256=manifest and manifest.event.manifest_sha256,
    )


def _state_rows(folded: Sequence[Attempt]) -> list[list[StateRow]]:
    """The rows of every attempt; a stage seen before, in the same kind of source, is a retry."""
    seen: Counter[tuple[str, str]] = Counter()
    groups = []
    for attempt in folded:
        rows = []
        for row, value in zip(attempt.rows, attempt.values, strict=True):
            key = (row.label, _source_kind(row))
            rows.append(_state_row(attempt.number, row, value, seen[key]))
            seen[key] += row.status != "skipped"
        groups.append(rows)
    return groups


def _source_kind(row: Row) -> str:
    if row.fact.source in HOOKS:
        return "hook"
    return "api" if row.fact.source == "api" else "forge"


def _state_row(attempt: int, row: Row, value: Value, retry_count: int) -> StateRow:
    message = row.failure.message if row.failure else row.warning
    return StateRow(
        state=value.state,
        status=row.status,
        start_time=row.start,
        end_time=row.end,
        duration_seconds=_seconds(row.start, row.end),
        error_message=message or None,
        retry_count=retry_count,
        stage=row.stage,
        attempt=attempt,
        mapped=value.named,
        estimated=value.estimated,
    )


def _failures(
    folded: Sequence[Attempt], groups: Sequence[Sequence[StateRow]]
) -> Iterator[FailureRow]:
    """One for each failed row; the verdict's own only where no stage carries it."""
    for attempt, rows in zip(folded, groups, strict=True):
        seen: Counter[str] = Counter()
        for row, shown in zip(attempt.rows, rows, strict=True):
            if row.failed:
                key = clean(row.stage) if row.stage else ""
                seen[key] += 1
                yield _failure(shown, row, seen[key])
        if attempt.status == "failed" and not attempt.failed and attempt.verdict:
            yield _verdict_failure(attempt, attempt.verdict)


def _failure(shown: StateRow, row: Row, occurrence: int) -> FailureRow:
    said = row.failure or Failure()
    return FailureRow(
        attempt=shown.attempt,
        stage=shown.stage,
        occurrence=occurrence,
        state=shown.state,
        failure_type=said.type,
        error_message=said.message or f"{shown.stage or 'A stage'} failed",
        error_details=said.details,
        component=said.component,
        retry_attempt=shown.retry_count,
        created_at=row.end or row.start,
    )


def _verdict_failure(attempt: Attempt, verdict: Fact) -> FailureRow:
    said = verdict.event.failure or Failure(type="build")
    return FailureRow(
        attempt=attempt.number,
        stage=None,
        occurrence=0,
        state=current_state(attempt),
        failure_type=said.type,
        error_message=said.message or "The build failed",
        error_details=said.details,
        component=said.component,
        retry_attempt=0,
        created_at=verdict.event.at,
    )


def _artifacts(folded: Sequence[Attempt]) -> Iterable[ArtifactRow]:
    """Every artifact of a current run once, with the attempt that made it and what it holds."""
    found: dict[bytes, ArtifactRow] = {}
    for attempt in folded:
        for place, fact in enumerate(attempt.facts):
            for artifact in _of(fact.event):
                likeness = msgspec.json.encode(artifact)
                if likeness not in found:
                    found[likeness] = _artifact(attempt, place, artifact)
    return found.values()


def _artifact(attempt: Attempt, place: int, artifact: Artifact) -> ArtifactRow:
    return ArtifactRow(
        attempt=attempt.number,
        artifact_id=artifact.artifact_id,
        region=artifact.region,
        builder_type=artifact.builder_type,
        name=artifact.name,
        packer_run_uuid=artifact.packer_run_uuid,
        build_time=artifact.build_time,
        files=artifact.files,
        custom_data=artifact.custom_data,
        checksum=artifact.checksum,
        state=covered(attempt, place),
        storage=artifact.storage,
        path=artifact.path,
        size_bytes=artifact.size_bytes,
        kind=artifact.kind,
        expires_at=artifact.expires_at,
    )


def _resources(folded: Sequence[Attempt]) -> Iterable[ResourceRow]:
    """Every resource once, as the last that was said of it has it."""
    found: dict[Resource, ResourceRow] = {}
    for attempt in folded:
        for event in (fact.event for fact in attempt.facts):
            if event.resource:
                said = event.resource
                is_gone = event.status == "removed"
                found[said] = ResourceRow(attempt.number, said.type, said.id, is_gone)
    return found.values()


def _of(event: Event) -> tuple[Artifact, ...]:
    if event.artifact:
        return (event.artifact,)
    return tuple(artifact for artifact in event.artifacts if artifact.current)


def _seconds(start: datetime | None, end: datetime | None) -> int | None:
    if not start or not end:
        return None
    return min(int((end - start).total_seconds()), LONGEST)
