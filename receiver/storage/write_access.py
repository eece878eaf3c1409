"""Who may write what: one check for deliveries, heartbeats, replays and the API.

A sender with projects writes builds of these projects alone. A build without a project belongs to
whoever made it, until an event names one. Projects are compared by id: a renamed or merged one is
the same by its old name.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from msgspec import Struct

from receiver.domain.delivery import Delivery
from receiver.domain.fold.projection import BuildRows
from receiver.errors import Contended, Invalid
from receiver.storage import dimensions
from receiver.storage.db import Connection, Row, array, query
from receiver.storage.dimensions import Ids


class Builds(Struct, frozen=True):
    """The builds of one batch: those that each delivery concerns, the locked rows as they were,
    what the fold makes of them, and the ids of all names."""

    concerned: Mapping[UUID, set[UUID]]
    locked: Sequence[Row]
    folded: Mapping[UUID, BuildRows]
    ids: Ids


def allowed(delivery: Delivery, ids: Ids) -> frozenset[UUID] | None:
    """Return the projects that the sender of a delivery may write; None is every one."""
    if not delivery.projects:
        return None
    return frozenset(ids["project", name] for name in delivery.projects if ("project", name) in ids)


def check(connection: Connection, new: Sequence[Delivery], builds: Builds) -> None:
    """Check the deliveries of one batch, whose builds are locked and folded, but not yet written.

    Raises Invalid, Contended.
    """
    for each in new:
        if each.projects:
            _check_delivery(connection, each, builds)
    if any(each.projects for each in new):
        _refuse_other_senders(new, builds.concerned)


def check_heartbeats(connection: Connection, delivery: Delivery, numbers: Sequence[str]) -> None:
    """Check the builds of heartbeats. Raises Invalid."""
    if not delivery.projects:
        return
    ids = dimensions.find_ids(connection, {("project", name) for name in delivery.projects})
    parameters = {"build_numbers": list(numbers)}
    found = connection.execute(query("write_access/projects_of_numbers"), parameters).fetchall()
    mine = allowed(delivery, ids) or frozenset()
    if any(row["project_id"] not in mine for row in found):
        raise _other_project(delivery)


def _check_delivery(connection: Connection, delivery: Delivery, builds: Builds) -> None:
    mine = allowed(delivery, builds.ids) or frozenset()
    for statement in delivery.content.all_statements:
        named = statement.identity.project
        if named is not None and builds.ids.get(("project", named)) not in mine:
            raise _names_another(delivery)
    concerned = builds.concerned[delivery.id]
    before = {row["id"]: row["project_id"] for row in builds.locked if row["id"] in concerned}
    if any(project and project not in mine for project in before.values()):
        raise _other_project(delivery)
    _refuse_takeover(
        connection, delivery, [each for each, project in before.items() if not project]
    )
    for build_id in before:
        project = builds.folded[build_id].identity.project
        if project is None:
            raise Invalid(
                fields={"build.project": [f"Name one of {', '.join(delivery.projects)}."]}
            )
        if builds.ids[("project", project)] not in mine:
            raise _names_another(delivery)


def _refuse_takeover(
    connection: Connection, delivery: Delivery, without_project: Sequence[UUID]
) -> None:
    """Raise Invalid if somebody else made one of these builds, which are of no project. What only
    forges tell of its job can be claimed by the job's exact key."""
    if not without_project:
        return
    parameters = {"build_ids": array(without_project), "delivery_id": delivery.id}
    keys = {each.run.key for each in delivery.content.statements}
    for row in connection.execute(query("write_access/makers"), parameters).fetchall():
        if row["is_reported"] or not keys.issuperset(row["run_keys"]):
            raise _other_project(delivery)


def _refuse_other_senders(new: Sequence[Delivery], concerned: Mapping[UUID, set[UUID]]) -> None:
    """Raise Contended if two deliveries of one batch, whose senders may write different projects,
    concern the same build: the first of them decides whose a new build is."""
    for delivery in new:
        for other in new:
            if other.projects != delivery.projects and concerned[other.id] & concerned[delivery.id]:
                raise Contended("Another sender reports this build at the same time.")


def _other_project(delivery: Delivery) -> Invalid:
    problem = f"This build is of another project than {', '.join(delivery.projects)}."
    return Invalid(fields={"build.number": [problem]})


def _names_another(delivery: Delivery) -> Invalid:
    problem = f"This sender writes {', '.join(delivery.projects)} only."
    return Invalid(fields={"build.project": [problem]})
