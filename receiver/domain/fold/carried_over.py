"""Jobs that a re-run carried over: they belong to the try that ran them. Rule 2 of docs/fold.md.

After "Re-run failed jobs" GitHub reports a job that had passed once more, as a job of the new
attempt with its old times. Its facts are those of the job that ran; where a delivery about that
job was lost they take its place.
"""

from collections import defaultdict

from msgspec.structs import replace

from receiver.domain.fold.events import Fact, contexts_of
from receiver.domain.model import Event

MARK = "~"  # in a run key in the attempt's place: known to the parser of GitHub


def join_carried_over(groups: dict[str, list[Fact]]) -> None:
    """Move the facts of jobs that were carried over to the group of the run that ran them.

    `groups` are facts by run. A job that began when no run here reported stays alone. Each job is
    compared with what the runs told themselves, and not with another job that was carried over.
    """
    for group in [each for each in groups if each.endswith(f":{MARK}")]:
        jobs: dict[tuple[str, str], list[Fact]] = defaultdict(list)
        for fact in groups.pop(group):
            jobs[fact.context.reporter].append(fact)
        attempts = {key: [*own] for key, own in groups.items() if key.startswith(group[:-1])}
        for facts in jobs.values():
            original = _original(facts, attempts)
            if original is not None:
                groups[original[0]].extend(_missing(facts, attempts[original[0]], original[1]))
            else:
                groups.setdefault(_run_at(facts, attempts) or group, []).extend(facts)


def _original(
    facts: list[Fact], attempts: dict[str, list[Fact]]
) -> tuple[str, tuple[str, str]] | None:
    """Return group and reporter of the job that states most of the same events, if any does."""
    events = {_key(fact.event) for fact in facts}
    shared: dict[tuple[str, tuple[str, str]], int] = defaultdict(int)
    for group, others in attempts.items():
        for fact in others:
            if fact.context.source == "github" and _key(fact.event) in events:
                shared[group, fact.context.reporter] += 1
    return max(shared, key=lambda job: (shared[job], job), default=None)


def _run_at(facts: list[Fact], attempts: dict[str, list[Fact]]) -> str | None:
    """Return the first run that still reported when the job began: its webhook was lost."""
    began = min(fact.event.at for fact in facts)
    running = [
        (int(group.rpartition(":")[2]), group)
        for group, others in attempts.items()
        if group.rpartition(":")[2].isdecimal() and max(fact.event.at for fact in others) >= began
    ]
    return min(running, default=(0, None))[1]


def _missing(facts: list[Fact], others: list[Fact], reporter: tuple[str, str]) -> list[Fact]:
    """Return the facts that the job itself did not state, as its own."""
    known = {_key(fact.event) for fact in others if fact.context.reporter == reporter}
    missing = [fact for fact in facts if _key(fact.event) not in known]
    own = {each: replace(each, reporter=reporter) for each in contexts_of(missing)}
    return [replace(fact, context=own[fact.context]) for fact in missing]


def _key(event: Event) -> tuple[object, ...]:
    return (event.kind, event.status, event.stage, event.at)
