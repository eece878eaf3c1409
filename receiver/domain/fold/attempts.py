"""From facts to numbered attempts. Rule 2 of docs/fold.md.

A try holds the facts of one run, cut before a reporter's first start after its own verdict, where
that reporter is a hook, or Jenkins: a job that was made again counts its builds from 1 again. Jobs
that name one pipeline continue each other's try: see pipelines.py.
Tries are numbered by their earliest time; a declared number can only raise that.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from receiver.domain.fold.carried_over import join_carried_over
from receiver.domain.fold.contexts import Context
from receiver.domain.fold.events import KNOWN_AT, RANK, Fact, contexts_of
from receiver.domain.fold.pipelines import Try, tries_of_pipeline

Span = tuple[datetime, datetime]
NO_RUN = "local"  # the key of hooks outside of a CI: Packer's wrapper has one for each run


def attempts(facts: Iterable[Fact]) -> list[tuple[int, list[Fact]]]:
    """Return (attempt, its facts in fold order), by attempt."""
    known = list(facts)
    contexts = contexts_of(known)
    has_wrapper = any(each.run.number for each in contexts)
    names = {each: "" if _is_loose(each, has_wrapper) else each.group for each in contexts}
    groups: dict[str, list[Fact]] = defaultdict(list)
    for fact in known:
        groups[names[fact.context]].append(fact)
    manual = groups.pop("", [])
    join_carried_over(groups)
    tries = _tries(groups)
    _join(tries, manual)
    ordered = [sorted(facts, key=RANK) for _, facts in tries]
    return list(zip(_numbers(tries), ordered, strict=True))


def _is_loose(context: Context, has_wrapper: bool) -> bool:
    return context.source == "api" or (has_wrapper and context.run.key == NO_RUN)


def _tries(groups: dict[str, list[Fact]]) -> list[Try]:
    """Return each try as (declared number, facts), by earliest time and then key of the run."""
    pipelines: dict[str, dict[str, list[Fact]]] = defaultdict(dict)
    tries: list[tuple[datetime, str, int, Try]] = []
    for group, facts in groups.items():
        runs = [each.run for each in contexts_of(facts)]
        if pipeline := max((run.pipeline or "" for run in runs), default=""):
            pipelines[pipeline][group] = facts
            continue
        declared = max(run.attempt or 0 for run in runs)
        for place, piece in enumerate(_cut(facts)):
            earliest = min(map(KNOWN_AT, piece))
            tries.append((earliest, group, place, (0 if place else declared, piece)))
    for pipeline, jobs in pipelines.items():
        for place, (earliest, each) in enumerate(tries_of_pipeline(jobs, _cut)):
            tries.append((earliest, pipeline, place, each))
    tries.sort(key=lambda each: each[:3])
    return [each for *_, each in tries]


def _cut(facts: list[Fact]) -> list[list[Fact]]:
    pieces: list[list[Fact]] = [[]]
    judged: set[tuple[str, str]] = set()
    for fact in sorted(facts, key=RANK):
        if fact.is_start and fact.context.reporter in judged:
            pieces.append([])
            judged.clear()
        if fact.is_verdict and (fact.context.is_hook or fact.context.source == "jenkins"):
            judged.add(fact.context.reporter)
        pieces[-1].append(fact)
    return pieces


def _join(tries: list[tuple[int, list[Fact]]], manual: list[Fact]) -> None:
    """Add manual facts, which have no run, to the try running then, else to the last before it."""
    if not manual:
        return
    if not tries:
        tries.append((0, manual))
        return
    spans = [_span(facts) for _, facts in tries]
    for fact in manual:
        tries[_place(spans, fact.event.at)][1].append(fact)


def _span(facts: list[Fact]) -> Span:
    times = [fact.event.at for fact in facts]
    return (min(times), max(times))


def _place(spans: list[Span], at: datetime) -> int:
    begun = [index for index, (start, _) in enumerate(spans) if start <= at]
    running = [index for index in begun if at <= spans[index][1]]
    return (running or begun or [0])[-1]


def _numbers(tries: list[tuple[int, list[Fact]]]) -> list[int]:
    numbers: list[int] = []
    for declared, _ in tries:
        previous = numbers[-1] if numbers else 0
        numbers.append(max(previous + 1, declared))
    return numbers
