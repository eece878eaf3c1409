"""Which build the events of a forge's job belong to: a table of jobs and decisions."""

from typing import Any
from uuid import UUID

import pytest

from receiver.domain.job_matching import Claim, Job, Move, decide, is_run, shared_keys
from receiver.errors import Invalid

HOOK, HOOK_2, ROUTED, OTHER = (UUID(int=number) for number in range(1, 5))
KEY, RUN = "github:acme/images:500:1:84211", "github:acme/images:500:1"


def job(**fields: Any) -> Job:
    return Job(run_key=KEY, **fields)


CASES: dict[str, tuple[Job, dict[str, Any]]] = {
    "no route and no hook: to none": (job(is_loose=True), {}),
    "a route: to the build of its number": (job(number="r-1"), {"number": "r-1"}),
    "a route again: the same": (
        job(number="r-1", builds=frozenset({ROUTED})),
        {"number": "r-1", "builds": {ROUTED}},
    ),
    "one hook: to its build": (job(claims=(Claim(build=HOOK),)), {"owner": HOOK, "builds": {HOOK}}),
    "a hook after a route: the number leads to the hook's build": (
        job(number="r-1", builds=frozenset({ROUTED}), claims=(Claim(build=HOOK),)),
        {"owner": HOOK, "redirect": "r-1", "builds": {HOOK, ROUTED}},
    ),
    "two hooks: to none, and both are folded again": (
        job(claims=(Claim(build=HOOK), Claim(build=HOOK_2))),
        {"builds": {HOOK, HOOK_2}, "shared": {HOOK, HOOK_2}},
    ),
    "two hooks after one: the first one loses the job's events": (
        job(builds=frozenset({HOOK}), claims=(Claim(build=HOOK), Claim(build=HOOK_2))),
        {"builds": {HOOK, HOOK_2}, "shared": {HOOK, HOOK_2}},
    ),
    "two hooks and a route: no number leads anywhere": (
        job(number="r-1", claims=(Claim(build=HOOK), Claim(build=HOOK_2))),
        {"builds": {HOOK, HOOK_2}, "shared": {HOOK, HOOK_2}},
    ),
    "a hook and a route of one project": (
        job(number="r-1", claims=(Claim(build=HOOK),), hook_project="core", route_project="core"),
        {"owner": HOOK, "redirect": "r-1", "builds": {HOOK}},
    ),
    "a hook without a project": (
        job(number="r-1", claims=(Claim(build=HOOK),), route_project="core"),
        {"owner": HOOK, "redirect": "r-1", "builds": {HOOK}},
    ),
    "a whole run: to none, and its jobs' builds are folded again": (
        Job(run_key=RUN, is_loose=True, run_builds=frozenset({HOOK, OTHER})),
        {"builds": {HOOK, OTHER}},
    ),
}


@pytest.mark.parametrize(("given", "expected"), CASES.values(), ids=CASES)
def test_a_job_moves(given: Job, expected: dict[str, Any]):
    builds = frozenset(expected.pop("builds", ()))
    assert decide([given]) == [Move(job=given, builds=builds, **expected)]


def test_a_hook_and_a_route_that_name_two_projects_are_refused():
    with pytest.raises(Invalid):
        decide(
            [
                job(
                    number="r-1",
                    claims=(Claim(build=HOOK),),
                    hook_project="core",
                    route_project="edge",
                )
            ]
        )


def test_jobs_with_owners_come_first_and_the_others_keep_their_order():
    jobs = [job(number="r-1"), job(claims=(Claim(build=HOOK),)), job(number="r-2")]
    assert [move.number for move in decide(jobs)] == [None, "r-1", "r-2"]


def test_a_run_is_github_s_key_without_a_job():
    assert [is_run(key) for key in (RUN, KEY, "gitlab:gitlab.com:77", "local")] == [
        True,
        False,
        False,
        False,
    ]


def test_only_a_forge_s_keys_are_shared():
    assert shared_keys([KEY, "local", "gitlab:h:1", KEY]) == [KEY, "gitlab:h:1"]
