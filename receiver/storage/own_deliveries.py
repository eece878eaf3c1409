"""Deliveries of some projects alone: for callers who may read no others.

A delivery is theirs where all its builds are of their projects; one without a build where its
sender writes to no other project.
"""

from collections.abc import Sequence
from dataclasses import asdict
from uuid import UUID

from receiver.domain.delivery import Sender
from receiver.errors import NotFound
from receiver.storage.db import Connection, Database, Row, array, as_json, query
from receiver.storage.deliveries import Filter
from receiver.storage.dimensions import find_ids, projects_within
from receiver.storage.paging import Page, page_of, page_parameters

Projects = str | tuple[str, ...]


def own_senders(database: Database, senders: Sequence[Sender], own: Projects) -> list[Sender]:
    """Return the senders that write to these projects, and those below them, alone."""
    with database.transaction() as connection:
        return _own_senders(connection, senders, own)


def list_page(
    database: Database,
    filters: Filter,
    senders: Sequence[Sender],
    own: Projects,
    limit: int,
    after: str | None = None,
) -> Page:
    """Return a page of the deliveries of these projects, newest first."""
    with database.transaction() as connection:
        rows = _list(connection, filters, senders, own, limit, after)
    return page_of(rows, limit, "received_at")


def require_own(
    database: Database, senders: Sequence[Sender], own: Projects, delivery_id: UUID
) -> None:
    """Raise NotFound unless a delivery is of these projects."""
    with database.transaction() as connection:
        rows = _list(connection, Filter(), senders, own, 1, delivery_id=delivery_id)
    if not rows:
        raise NotFound("There is no such delivery.")


def _list(
    connection: Connection,
    filters: Filter,
    senders: Sequence[Sender],
    own: Projects,
    limit: int,
    after: str | None = None,
    delivery_id: UUID | None = None,
) -> list[Row]:
    names = projects_within(connection, own)
    projects = find_ids(connection, {("project", name) for name in names})
    found = _own_senders(connection, senders, own)
    parameters = asdict(filters) | page_parameters(limit, after) | {"id": delivery_id}
    parameters["projects"] = array(projects.values())
    parameters["senders"] = as_json(
        [{"source": each.source, "sender": each.name} for each in found]
    )
    statement = query("own_deliveries/list")
    return connection.execute(statement, parameters, prepare=False).fetchall()


def _own_senders(connection: Connection, senders: Sequence[Sender], own: Projects) -> list[Sender]:
    """Compare by id: a sender may name a project by its old name."""
    own_names = {("project", name) for name in projects_within(connection, own)}
    named = {("project", name) for each in senders for name in each.projects}
    ids = find_ids(connection, own_names | named)
    reached = {ids.get(name, name[1]) for name in own_names}
    return [
        each
        for each in senders
        if each.projects and {ids.get(("project", name), name) for name in each.projects} <= reached
    ]
