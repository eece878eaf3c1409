"""Which builds a job's own reports belong to: a table of what was said and the place of each."""

from uuid import UUID

import pytest

from receiver.domain.plain_numbers import Place, Spoken, Target, alias_of, place_of

A, B = UUID(int=1), UUID(int=2)
CORE, EDGE = frozenset({UUID(int=8)}), frozenset({UUID(int=9)})
JOB = Spoken("job-1", None)


def target(build: UUID, run_key: str = "job-1", **more: int | frozenset[UUID] | None) -> Target:
    return Target(run_key, build, more.get("targets", 1), more.get("projects"))  # type: ignore[arg-type]


PLACES = {
    "no wrapper": ((), JOB, Place()),
    "the only target": ((target(A),), JOB, Place((A,))),
    "two targets": ((target(B), target(A)), JOB, Place((A, B), True)),
    "one of two targets has reported": ((target(A, targets=2),), JOB, Place((A,), True)),
    "another job of the run": ((target(A),), Spoken("job-2", None), Place((A,))),
    "another job, two targets": (
        (target(A), target(B, "job-3")),
        Spoken("job-2", None),
        Place((A, B), True),
    ),
    "its own run's target of two": ((target(A), target(B, "job-2")), JOB, Place((A,))),
    "a wrapper of another project": ((target(A, projects=EDGE),), Spoken("job-1", CORE), Place()),
    "a wrapper of a limited sender": ((target(A, projects=EDGE),), JOB, Place()),
    "of equal senders": ((target(A, projects=CORE),), Spoken("job-2", CORE), Place((A,))),
    "beside another's claim": (
        (target(A, projects=CORE), target(B, projects=EDGE)),
        Spoken("job-1", CORE),
        Place((A,)),
    ),
}
ALIASES = {
    "the only target": ((JOB,), (target(A),), A),
    "the only target, of which nobody speaks yet": ((), (target(A),), A),
    "two targets": ((JOB,), (target(A), target(B)), None),
    "one of two": ((), (target(A, targets=2),), None),
    "a stranger's claim on what is spoken of": ((JOB,), (target(A, projects=EDGE),), None),
    "a stranger's claim beside the right one": ((), (target(A), target(B, projects=EDGE)), A),
    "two strangers": ((), (target(A, projects=CORE), target(B, projects=EDGE)), None),
}


@pytest.mark.parametrize(("targets", "spoken", "expected"), PLACES.values(), ids=PLACES)
def test_the_place_of_what_a_job_says(targets: tuple[Target, ...], spoken: Spoken, expected: Place):
    assert place_of(spoken, targets) == expected
    assert place_of(spoken, targets[::-1]) == expected


@pytest.mark.parametrize(("spoken", "targets", "expected"), ALIASES.values(), ids=ALIASES)
def test_where_a_plain_number_leads(
    spoken: tuple[Spoken, ...], targets: tuple[Target, ...], expected: UUID | None
):
    assert alias_of(spoken, targets) == expected
