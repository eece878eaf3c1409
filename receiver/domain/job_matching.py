"""Which build the events of a forge's job belong to.

A job has two reporters: a hook inside it, and its forge's webhook about it. The forge's events are
kept under the job's run key. They belong to the one build that a hook names under that key, else to
the build that a route makes of the job, else to none; several builds of hooks share the job's
verdict. Whichever came first, the decision is the same.

A hook claims a job when it names a build under the job's key. A claim by a sender of other projects
joins nothing and blocks nobody: what it says stays its own build.
"""

from collections.abc import Iterable, Sequence
from uuid import UUID

from msgspec import Struct

from receiver.domain.fold.events import run_group
from receiver.errors import Invalid

FORGES = ("github:", "gitlab:", "jenkins:", "cloudevents:")
Projects = frozenset[UUID] | None  # that a sender may write; None is every one


class Claim(Struct, frozen=True, kw_only=True):
    """A build that hooks name under a job's key, or, where it is not `exact`, under its alias.

    `projects` are those that these hooks may write; `project` is the one that they state.
    """

    build: UUID
    exact: bool = True
    projects: Projects = None
    project: UUID | None = None


class Job(Struct, frozen=True, kw_only=True):
    """A forge's job, or a whole run of GitHub, as its deliveries and the hooks describe it.

    `number` is the build number that a route gives it, and `project` the project that its forge's
    side states. `builds` are those that its events belong to, and `shared` those that share its
    verdict; `is_loose` if an event belongs to none, `is_undecided` if one came since the last
    decision. `run_builds` are the builds of a whole run's jobs. The two names of projects are those
    that the hook of its only claim and its route state.
    """

    run_key: str
    alias_key: str | None = None
    number: str | None = None
    project: UUID | None = None
    builds: frozenset[UUID] = frozenset()
    shared: frozenset[UUID] = frozenset()
    is_loose: bool = False
    is_undecided: bool = False
    claims: tuple[Claim, ...] = ()
    run_builds: frozenset[UUID] = frozenset()
    hook_project: str | None = None
    route_project: str | None = None

    @property
    def owners(self) -> tuple[UUID, ...]:
        """The builds whose claims on the job count, sorted."""
        claims = [claim for claim in self.claims if _may_write(claim, self)]
        trusted = [claim for claim in claims if claim.projects is None]
        if trusted:
            claims = [claim for claim in claims if _may_write_all(claim, trusted)]
        return tuple(sorted({claim.build for claim in claims}))

    def projects_of(self, build: UUID) -> Projects:
        """Return the projects that those may write who claim the job for a build."""
        claims = [claim.projects for claim in self.claims if claim.build == build]
        known = [projects for projects in claims if projects is not None]
        return frozenset().union(*known) if len(known) == len(claims) else None


class Move(Struct, frozen=True, kw_only=True):
    """The decision about a job: its events belong to the build `owner`, else to the build of
    `number`, else to none.

    `redirect` is a build number that leads to `owner` from now on. `shared` are the builds that
    share its verdict. `builds` are to be folded again.
    """

    job: Job
    owner: UUID | None = None
    number: str | None = None
    redirect: str | None = None
    shared: frozenset[UUID] = frozenset()
    builds: frozenset[UUID] = frozenset()


def decide(jobs: Sequence[Job]) -> list[Move]:
    """Return one move for each job, those with owners first: the number that a route had made of a
    job may become a redirect to the hook's build.

    Raises Invalid if the hook in a job and the route of that job name two projects.
    """
    moves = [_move(job) for job in jobs]
    return sorted(moves, key=lambda move: move.owner is None and not move.shared)


def is_run(run_key: str) -> bool:
    """Return whether a key is that of a whole run, with which the keys of its jobs begin."""
    return run_key.startswith("github:") and run_group(run_key) == run_key


def shared_keys(keys: Iterable[str]) -> list[str]:
    """Return the keys that two reporters can share, sorted: `local` and Packer's UUIDs are not."""
    return sorted({key for key in keys if key.startswith(FORGES)})


def _may_write(claim: Claim, job: Job) -> bool:
    """Return whether the claim's sender may write the job's project; a job without one can be
    claimed by its exact key."""
    if claim.projects is None:
        return True
    return claim.exact if job.project is None else job.project in claim.projects


def _may_write_all(claim: Claim, trusted: Sequence[Claim]) -> bool:
    """Return whether the claim's sender may write every build that a sender of all projects claims;
    one without a project belongs to that sender."""
    return claim.projects is None or all(each.project in claim.projects for each in trusted)


def _move(job: Job) -> Move:
    if is_run(job.run_key):
        return Move(job=job, builds=job.run_builds)
    owners = job.owners
    builds = job.builds.union(job.shared, owners)
    if len(owners) > 1:
        return Move(job=job, shared=frozenset(owners), builds=builds)
    if not owners:
        return Move(job=job, number=job.number, builds=builds)
    _refuse_two_projects(job)
    return Move(job=job, owner=owners[0], redirect=job.number, builds=builds)


def _refuse_two_projects(job: Job) -> None:
    hook, route = job.hook_project, job.route_project
    if job.number and hook and route and hook != route:
        problem = f"The hook says {hook[:50]}, the route of its job says {route[:50]}."
        raise Invalid(fields={"build.project": [problem]})
