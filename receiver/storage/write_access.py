"""Refuse a build of a project that the sender of a delivery may not write."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from uuid import UUID

from receiver.domain.model import Delivery
from receiver.errors import Contended, Invalid
from receiver.storage.db import Connection, array, query

Concerned = Mapping[UUID, AbstractSet[UUID]]  # a delivery's id → its builds


def check(connection: Connection, new: Sequence[Delivery], concerned: Concerned) -> None:
    """Check the deliveries of one batch, whose builds are locked. Raises Invalid, Contended."""
    if any(each.projects for each in new):
        projects = _projects(connection, concerned)
        for each in new:
            _refuse_other_projects(each, projects, concerned[each.id])
            _refuse_other_senders(each, new, concerned)


def _projects(connection: Connection, concerned: Concerned) -> dict[UUID, str]:
    """Return the projects of builds. They are read after the lock: while it waited, another sender
    may have made a build a project's."""
    parameters = {"build_ids": array(sorted(set().union(*concerned.values())))}
    rows = connection.execute(query("write_access/projects_of_builds"), parameters).fetchall()
    return {row["id"]: row["project"] for row in rows}


def _refuse_other_projects(
    delivery: Delivery, projects: Mapping[UUID, str], concerned: AbstractSet[UUID]
) -> None:
    """Raise Invalid if a build is of a project that the sender may not write."""
    for build_id in concerned if delivery.projects else ():
        project = projects.get(build_id)
        if project is not None and project not in delivery.projects:
            problem = f"This build is of another project than {', '.join(delivery.projects)}."
            raise Invalid(fields={"build.number": [problem]})


def _refuse_other_senders(
    delivery: Delivery, new: Sequence[Delivery], concerned: Concerned
) -> None:
    """Raise Contended if another delivery of this batch, whose sender may write other projects,
    concerns the same build: the first of them decides whose a new build is."""
    for other in new:
        if other.projects != delivery.projects and concerned[other.id] & concerned[delivery.id]:
            raise Contended("Another sender reports this build at the same time.")
