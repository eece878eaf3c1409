"""Jobs of one pipeline that report one build continue its attempt. Rule 2 of docs/fold.md.

An attempt replaces only the jobs that it ran: what a job reported that was not run again stands,
and is part of the newest attempt of its pipeline.
"""

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime

from msgspec import Struct

from receiver.domain.fold.events import KNOWN_AT, Fact, contexts_of

Try = tuple[int, list[Fact]]  # its declared number and its facts
Cut = Callable[[list[Fact]], list[list[Fact]]]


class _Job(Struct, frozen=True, eq=False):
    """What one job reported once. `place` counts the times that it began anew under one key.

    A forge's webhook has the job's whole name, with the leg of its matrix; a hook may know the
    name that all legs share.
    """

    group: str
    place: int
    facts: list[Fact]
    told: frozenset[str]
    hooked: frozenset[str]
    stages: frozenset[str]
    began: datetime
    declared: int
    has_failed: bool
    has_ended: bool

    def is_again(self, other: "_Job") -> bool:
        """Return whether this is the other job, run again.

        Names decide. Without them stages do, which is a guess: it does at worst what a build of one
        job does, where each further run is an attempt.
        """
        if self.group == other.group and self.place == other.place:
            return False  # legs of one run
        for mine, others in ((self.told, other.told), (self.hooked, other.hooked)):
            if mine and others:
                return bool(mine & others)
        return bool(self.stages & other.stages)


def tries_of_pipeline(groups: dict[str, list[Fact]], cut: Cut) -> list[tuple[datetime, Try]]:
    """Return the tries of a pipeline, each with its beginning, from its facts by run."""
    told = {group: _by_key(group, facts) for group, facts in groups.items()}
    jobs = [job for group, (by_key, _) in told.items() for job in _jobs(group, by_key, cut)]
    rounds = _rounds(jobs)
    tries = [list[Fact]() for _ in rounds]
    is_awaited = _is_awaited(rounds)
    for place, each in enumerate(rounds):
        later = [job for following in rounds[place + 1 :] for job in following]
        for job in each:
            stands = not is_awaited and not any(other.is_again(job) for other in later)
            tries[-1 if stands else place] += job.facts
    for group, (_, of_run) in told.items():  # what is said of a whole run stays with it
        tries[_round_of(group, rounds)] += of_run
    beginnings = [min(job.began for job in each) for each in rounds]
    numbers = [max(job.declared for job in each) for each in rounds]
    known = zip(beginnings, zip(numbers, tries, strict=True), strict=True)
    return [(began, each) for began, each in known if each[1]]  # of some every job may stand


def _is_awaited(rounds: list[list[_Job]]) -> bool:
    """Return whether a job that failed runs again and has not ended: until then nothing that stands
    joins it, or the build would be completed without that job."""
    for place, each in enumerate(rounds):
        later = [job for following in rounds[place + 1 :] for job in following]
        for failed in (job for job in each if job.has_failed):
            again = [other for other in later if other.is_again(failed)]
            if again and not again[-1].has_ended:
                return True
    return False


def _by_key(group: str, facts: list[Fact]) -> tuple[dict[str, list[Fact]], list[Fact]]:
    """Return the facts of a run by job, and what is said of the run as a whole beside its jobs."""
    by_key = defaultdict[str, list[Fact]](list)
    for fact in facts:
        by_key[fact.context.run.key].append(fact)
    of_run = by_key.pop(group, []) if len(by_key) > 1 else []
    return by_key, of_run


def _jobs(group: str, by_key: dict[str, list[Fact]], cut: Cut) -> list[_Job]:
    pieces = [(*each, key) for key, own in by_key.items() for each in enumerate(cut(own))]
    return [_job(group, place, piece, by_key[key]) for place, piece, key in pieces]


def _job(group: str, place: int, piece: list[Fact], whole: list[Fact]) -> _Job:
    told = contexts_of(whole)
    names = [(each.is_hook, name) for each in told if (name := each.names.get("job"))]
    verdicts = [fact.event for fact in piece if fact.is_verdict]
    return _Job(
        group,
        place,
        piece,
        frozenset(name for is_hook, name in names if not is_hook),
        frozenset(name for is_hook, name in names if is_hook),
        frozenset([fact.label for fact in whole if fact.event.stage]),
        min(map(KNOWN_AT, piece)),
        max(each.run.attempt or 0 for each in contexts_of(piece)),
        any(event.status == "failed" for event in verdicts),
        bool(verdicts) or any(fact.event.artifacts for fact in piece if fact.has_artifacts),
    )


def _rounds(jobs: list[_Job]) -> list[list[_Job]]:
    """Return the jobs in rounds: one ends where a job begins again, or GitHub's next attempt."""
    rounds: list[list[_Job]] = []
    for job in sorted(jobs, key=_order):
        if not rounds or any(_is_later(job, other) for other in rounds[-1]):
            rounds.append([])
        rounds[-1].append(job)
    return rounds


def _order(job: _Job) -> tuple[int, datetime, str, int, str]:
    return (
        _attempt(job.group),
        job.began,
        job.group,
        job.place,
        min([fact.key for fact in job.facts]),
    )


def _is_later(job: _Job, other: _Job) -> bool:
    return _attempt(job.group) > _attempt(other.group) or job.is_again(other)


def _attempt(group: str) -> int:
    """Return the attempt that GitHub's key of a run names, else 0."""
    *_, last = group.split(":")
    return int(last) if group.startswith("github:") and last.isdecimal() else 0


def _round_of(group: str, rounds: list[list[_Job]]) -> int:
    places = (place for place, each in enumerate(rounds) if any(job.group == group for job in each))
    return next(places, -1)
