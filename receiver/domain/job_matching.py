"""Which build the events of a forge's job belong to.

A job has two reporters: a hook inside it, and its forge's webhook about it. The forge's events are
kept under the job's run key. They belong to the one build that a hook names under that key, else to
the build that a route makes of the job, else to none; several builds of hooks share the job's
verdict. Whichever came first, the decision is the same.
"""

from collections.abc import Iterable, Sequence
from uuid import UUID

from msgspec import Struct

from receiver.domain.fold.events import run_group
from receiver.errors import Invalid

FORGES = ("github:", "gitlab:", "jenkins:", "cloudevents:")


class Job(Struct, frozen=True, kw_only=True):
    """A forge's job, or a whole run of GitHub, as its deliveries and the hooks describe it.

    `number` is the build number that a route gives it. `builds` are those that its events belong
    to; `is_loose` if an event belongs to none. `owners` are the builds that hooks name under its
    keys. `run_builds` are the builds of a whole run's jobs. The two projects are those that the
    hook of its only owner and its route state.
    """

    run_key: str
    alias_key: str | None = None
    number: str | None = None
    builds: frozenset[UUID] = frozenset()
    is_loose: bool = False
    owners: tuple[UUID, ...] = ()
    run_builds: frozenset[UUID] = frozenset()
    hook_project: str | None = None
    route_project: str | None = None


class Move(Struct, frozen=True, kw_only=True):
    """The decision about a job: its events belong to the build `owner`, else to the build of
    `number`, else to none.

    `redirect` is a build number that leads to `owner` from now on. `builds` are to be folded again.
    """

    job: Job
    owner: UUID | None = None
    number: str | None = None
    redirect: str | None = None
    builds: frozenset[UUID] = frozenset()


def decide(jobs: Sequence[Job]) -> list[Move]:
    """Return one move for each job, those with owners first: the number that a route had made of a
    job may become a redirect to the hook's build.

    Raises Invalid if the hook in a job and the route of that job name two projects.
    """
    moves = [_move(job) for job in jobs]
    return sorted(moves, key=lambda move: not move.job.owners)


def is_run(run_key: str) -> bool:
    """Return whether a key is that of a whole run, with which the keys of its jobs begin."""
    return run_key.startswith("github:") and run_group(run_key) == run_key


def shared_keys(keys: Iterable[str]) -> list[str]:
    """Return the keys that two reporters can share, sorted: `local` and Packer's UUIDs are not."""
    return sorted({key for key in keys if key.startswith(FORGES)})


def _move(job: Job) -> Move:
    if is_run(job.run_key):
        return Move(job=job, builds=job.run_builds)
    builds = job.builds.union(job.owners)
    if len(job.owners) > 1:
        return Move(job=job, builds=builds)
    if not job.owners:
        return Move(job=job, number=job.number, builds=builds)
    _refuse_two_projects(job)
    return Move(job=job, owner=job.owners[0], redirect=job.number, builds=builds)


def _refuse_two_projects(job: Job) -> None:
    hook, route = job.hook_project, job.route_project
    if job.number and hook and route and hook != route:
        problem = f"The hook says {hook[:50]}, the route of its job says {route[:50]}."
        raise Invalid(fields={"build.project": [problem]})
