"""Channels, and what is current in each: the reads. The writes are in assignments.py."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from receiver.domain import assignable
from receiver.domain.model import DIMENSIONS
from receiver.errors import Forbidden, Invalid, NotFound, Taken
from receiver.storage import audit, dimensions
from receiver.storage.audit import Actor, Target
from receiver.storage.db import Connection, Database, Row, array, as_json, query
from receiver.storage.dimensions import Own, is_within, projects_within
from receiver.storage.paging import Page, page_of, page_parameters
from receiver.storage.seen_revocations import seen

LATEST = "latest"  # manages itself: the newest served build


def create(connection: Connection, fields: Row, actor: Actor, own: Own = None) -> Row:
    """Create a channel. Raises Taken, NotFound for an unknown project, Forbidden for one that is
    not the caller's, Invalid for `latest`."""
    if fields["name"] == LATEST:
        raise Invalid(fields={"name": ["latest manages itself: it is the newest served build."]})
    project = _project(connection, fields.get("project"), own)
    row = {
        "id": uuid7(),
        "name": fields["name"],
        "project_id": project and project["id"],
        "restricted": fields.get("restricted", False),
        "require": as_json(fields.get("require", [])),
        "created_by": actor.name,
    }
    added = connection.execute(query("channels/insert_channel"), row).fetchone()
    if not added:
        raise Taken("There is a channel of this name.")
    channel = row | added | {"project": project and project["name"]}
    channel["require"] = fields.get("require", [])
    after = {name: channel[name] for name in ("project", "restricted", "require")}
    audit.note_change(connection, actor, "channel.create", target_of(channel), after=after)
    return shown(channel)


def list_channels(database: Database, own: Own = None) -> list[Row]:
    """Return the channels that the caller may see: of their projects and above, and for all."""
    with database.transaction() as connection:
        return [shown(row) for row in visible(connection, None, own)]


def show_channel(
    database: Database, name: str, project: str | None, at: datetime | None, own: Own = None
) -> Row:
    """Return a channel with `items`: what is current for each image, or was at a moment.

    Raises NotFound.
    """
    with database.transaction() as connection:
        channel = find(connection, name, project, own)
        items = current(connection, [channel["id"]], {}, own, at)
    return shown(channel) | {"items": items}


def list_history(
    database: Database, name: str, conditions: Row, page: tuple[int, str | None], own: Own = None
) -> Page:
    """Return one page of a channel's assignments, newest first. `conditions` has `channel_project`
    and the names of the image; `page` is the limit and the cursor. Raises NotFound."""
    limit, after = page
    with database.transaction() as connection:
        channel = find(connection, name, conditions.get("channel_project"), own)
        row = {each: conditions.get(each) for each in DIMENSIONS} | page_parameters(limit, after)
        row |= {"channel_id": channel["id"], "own": _within(connection, own)}
        rows = connection.execute(query("channels/list_assignments"), row, prepare=False).fetchall()
        rows = seen(connection, rows, own)
    return page_of(rows, limit, "assigned_at")


def visible(connection: Connection, name: str | None, own: Own) -> list[Row]:
    """Return the channels that the caller may see, of every name or of one."""
    rows = connection.execute(query("channels/list_channels"), {"name": name}).fetchall()
    if own is None:
        return rows
    return [row for row in rows if _is_visible(connection, row["project"], own)]


def find(
    connection: Connection,
    name: str,
    project: str | None,
    own: Own,
    of_project: str | None = None,
) -> Row:
    """Return the channel of a name: of `project` where one is named, else the one nearest to
    `of_project`, the one for all, or the only one.

    Raises NotFound, Invalid where several projects have one.
    """
    rows = visible(connection, name.replace("\0", ""), own)
    if project is not None:
        project = dimensions.current_names(connection, {"project": project})["project"]
        rows = [row for row in rows if row["project"] == project]
    elif of_project is not None:
        rows = [row] if (row := nearest(connection, rows, of_project)) else []
    if not rows:
        raise NotFound(_none(name))
    if len(rows) == 1 or rows[0]["project"] is None:
        return rows[0]
    projects = ", ".join(row["project"] for row in rows)
    raise Invalid(
        "Several projects have this channel.", fields={"project": [f"One of {projects}."]}
    )


def nearest(connection: Connection, rows: Iterable[Row], project: str | None) -> Row | None:
    """Return the channel of a project, of the nearest one above it, or the one for all."""
    by_project = {row["project_id"]: row for row in rows}
    chain = connection.execute(query("dimensions/project_chain"), {"name": project}).fetchall()
    found = (by_project.get(each["id"]) for each in chain)
    return next(filter(None, found), by_project.get(None))


def current(
    connection: Connection,
    channel_ids: Sequence[UUID],
    names: Row,
    own: Own = None,
    at: datetime | None = None,
) -> list[Row]:
    """Return what is current in channels for the images of these names, each with its artifacts."""
    row = {name: names.get(name) for name in DIMENSIONS}
    row |= {"channel_ids": array(channel_ids), "at": at}
    rows = connection.execute(query("channels/current_assignments"), row, prepare=False).fetchall()
    if own is not None:
        within = set(_within(connection, own) or ())
        rows = [each for each in rows if each["project"] in within]
    return _with_artifacts(connection, seen(connection, rows, own))


def of_images(connection: Connection, name: str, names: Row, own: Own = None) -> list[Row]:
    """Return what a channel hands out for each image of these names: of several channels of this
    name, the nearest one to the image's project decides. Raises NotFound."""
    channels = visible(connection, name.replace("\0", ""), own)
    if not channels:
        raise NotFound(_none(name))
    rows = current(connection, [each["id"] for each in channels], names, own)
    if len(channels) == 1:
        return rows
    near = {
        project: nearest(connection, channels, project) for project in {r["project"] for r in rows}
    }
    return [row for row in rows if row["channel_id"] == (near[row["project"]] or {}).get("id")]


def shown(channel: Row) -> Row:
    """Return a channel as answers have it."""
    names = ("name", "project", "restricted", "created_at", "created_by")
    return {name: channel[name] for name in names} | {
        "require": [each["name"] for each in channel["require"]],
        "checks": [
            {"name": each["name"], "max_age_seconds": each.get("max_age"), "limits": each["limits"]}
            for each in channel["require"]
        ],
    }


def target_of(channel: Row) -> Target:
    """Return a channel as the target of a change: `core/prod`, or `prod` where it is for all."""
    names = (channel["project"], channel["name"])
    return Target("channel", "/".join(filter(None, names)), channel["id"])


def image_names(row: Row) -> dict[str, Any]:
    """Return the names of the image of a row."""
    return {name: row[name] for name in DIMENSIONS}


def _with_artifacts(connection: Connection, rows: Sequence[Row]) -> list[Row]:
    pinned = [{"build_id": each["build_id"], "attempt": each["attempt"]} for each in rows]
    later: dict[tuple[UUID, int], list[Row]] = {}
    found = connection.execute(query("channels/later_artifacts"), {"rows": as_json(pinned)})
    for each in found.fetchall():
        later.setdefault((each["build_id"], each["attempt"]), []).append(each["artifact"])
    now = datetime.now(UTC)
    return [
        row
        | {"artifacts": assignable.held(row, later.get((row["build_id"], row["attempt"]), ()), now)}
        for row in rows
    ]


def _none(name: str) -> str:
    """Return that there is no channel of a name, and what to do."""
    if name == LATEST:
        return "latest manages itself: it is the newest served build, and no channel to change."
    return f"There is no channel {name}. `milepost channel create {name}` makes it."


def _is_visible(connection: Connection, project: str | None, own: Own) -> bool:
    if project is None or is_within(connection, project, own):
        return True
    each = (own,) if isinstance(own, str) else own or ()
    return any(is_within(connection, mine, project) for mine in each)


def _within(connection: Connection, own: Own) -> list[str] | None:
    return None if own is None else list(projects_within(connection, own))


def _project(connection: Connection, name: str | None, own: Own) -> Row | None:
    """Return the id and the name of a project, None for every project."""
    if not is_within(connection, name, own):
        raise Forbidden(f"This token is for {dimensions.own_words(own)} alone.")
    if name is None:
        return None
    chain = connection.execute(query("dimensions/project_chain"), {"name": name}).fetchall()
    if not chain:
        raise NotFound(f"There is no project {name}.", fields={"project": ["There is none."]})
    return chain[0]
