"""Which builds a job's own reports belong to, where Packer's wrapper in it reports targets.

The wrapper names each build `N-target`, and says the plain number N and how many targets its run
has. What the job itself states under N (`milepost-hook done`) belongs to the build of the only
target; several share its verdict. Where no wrapper says N, N is a build of its own.

Only reports whose senders may write the same projects join: another sender's claim on a number
joins nothing and blocks nobody. The decision is a function of all that was said, whatever came
first.
"""

from collections.abc import Collection, Sequence
from uuid import UUID

from msgspec import Struct

from receiver.domain.job_matching import Projects


class Spoken(Struct, frozen=True):
    """What a job states under a plain number itself, in one run; `projects` are those that its
    sender may write."""

    run_key: str
    projects: Projects


class Target(Struct, frozen=True):
    """A build of a target, for which a wrapper says the plain number; `targets` is how many its run
    has, as far as it is known."""

    run_key: str
    build: UUID
    targets: int
    projects: Projects


class Place(Struct, frozen=True):
    """The builds that reports belong to, sorted: none is the number's own. `is_shared`: they share
    the verdict alone."""

    builds: tuple[UUID, ...] = ()
    is_shared: bool = False


def place_of(spoken: Spoken, targets: Sequence[Target]) -> Place:
    """Return the place of reports: the targets of their own run, else those of all runs."""
    known = [each for each in targets if each.projects == spoken.projects]
    own = [each for each in known if each.run_key == spoken.run_key]
    return _place(own or known)


def alias_of(spoken: Collection[Spoken], targets: Sequence[Target]) -> UUID | None:
    """Return the build that the number leads to: that of its only target, of the senders that speak
    under the number, else of a sender of all projects, else of the only one that claims it."""
    groups = {each.projects for each in spoken} or {each.projects for each in targets}
    if len(groups) > 1 and None in groups:
        groups = {None}
    if len(groups) != 1:
        return None
    place = _place([each for each in targets if each.projects in groups])
    return place.builds[0] if place.builds and not place.is_shared else None


def _place(targets: Sequence[Target]) -> Place:
    builds = tuple(sorted({each.build for each in targets}))
    return Place(builds, len(builds) > 1 or any(each.targets > 1 for each in targets))
