"""Failures: lists of them, groups of alike ones, and how people resolve them.

The fold writes failures; it never writes their resolution.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from receiver.domain import redact
from receiver.domain.conditions import Limits
from receiver.domain.failure_groups import TREND_DAYS, group_failures
from receiver.domain.nights import Nights, shown_period
from receiver.errors import Invalid, NotFound
from receiver.storage import audit
from receiver.storage.audit import Actor, Target
from receiver.storage.conditions import conditions
from receiver.storage.db import Connection, Database, Row, query
from receiver.storage.dimensions import Own, is_within, projects_within
from receiver.storage.failing import Failing, read_failing
from receiver.storage.hours import (
    Hours,
    HoursOf,
    hours_of_projects,
    night_parameters,
    nights_of,
)
from receiver.storage.masked import show_masked
from receiver.storage.paging import Page, page_of, page_parameters
from receiver.storage.serving import ServingOf

MAX_NOTES = 4000
TABS = ("tonight", "open", "recovered", "resolved")
WINDOW = 1000  # failures that are searched for those of a tab
SHOWN = 300  # of a tab, the newest
RESOLVED_LIMIT = 100
DEFAULTS: Row = {"after_time": None, "after_id": None, "by_resolution": False, "own": None}


@dataclass(frozen=True, slots=True)
class Resolution:
    """Whether a failure is resolved or open, with notes."""

    resolved: bool
    notes: str = ""


def read_failures(
    database: Database,
    serving_of: ServingOf,
    hours_of: HoursOf,
    limits: Limits,
    now: datetime,
    tab: str,
    project: Own = None,
) -> Row:
    """Return what a tab of the page shows: `groups`, `shown` and `is_cut`; the numbers of what
    fails; `heat`, the failures by stage and night; and `_days`, the names of these nights.

    Of `project` and those below it, where the caller may read nothing else. Secrets are masked.
    """
    with database.transaction() as connection:
        own = None if project is None else list(projects_within(connection, project))
        failing = read_failing(
            connection, serving_of, conditions(connection, limits, now), now, own
        )
        hours = hours_of_projects(connection, hours_of)
        nights = nights_of(hours, now, TREND_DAYS, own)
        rows = _rows_of(tab, connection, failing, hours, now, own)
        heat = _heat(connection, nights, hours, own)
    groups: list[Row] = redact.document(group_failures(rows[:SHOWN], now))
    shown = {"tab": tab, "groups": groups, "shown": len(rows[:SHOWN])}
    return (
        shown
        | {"is_cut": len(rows) > SHOWN}
        | failing.counts
        | {
            "heat": heat,
            "_days": nights.labels(row["night"] for row in heat),
        }
    )


def read_failed_images(
    database: Database,
    serving_of: ServingOf,
    limits: Limits,
    now: datetime,
    project: Own = None,
) -> list[Row]:
    """Return the images that fail now, as Failing.images; of `project` and those below it, where
    the caller may read nothing else."""
    with database.transaction() as connection:
        own = None if project is None else projects_within(connection, project)
        found = conditions(connection, limits, now)
        return read_failing(connection, serving_of, found, now, own).images


def _rows_of(
    tab: str,
    connection: Connection,
    failing: Failing,
    hours: Hours,
    now: datetime,
    own: list[str] | None,
) -> list[Row]:
    """Return a tab's failures, the newest first; of `own` projects, None is every one."""
    if tab == "open":
        return failing.open
    if tab == "resolved":
        return _select(connection, "resolved", limit=RESOLVED_LIMIT, by_resolution=True, own=own)
    if tab == "tonight":
        rows = _select(connection, "all", limit=WINDOW, own=own)
        return [row for row in rows if _is_of_night(row, hours, now)]
    opened = {row["id"] for row in failing.open}
    most = min(WINDOW, len(opened) + SHOWN + 1)  # one more than are shown tells that there are more
    rows = _select(connection, "open", limit=most, own=own)
    return [row for row in rows if row["id"] not in opened]


def _is_of_night(row: Row, hours: Hours, now: datetime) -> bool:
    """Return whether a failure is of the window that runs, or ran last."""
    return shown_period(now, hours.get(row["project"])).holds(
        row["start_time"] or row["created_at"]
    )


def _heat(connection: Connection, nights: Nights, hours: Hours, own: list[str] | None) -> list[Row]:
    parameters = night_parameters(nights, hours) | {"projects": own}
    text = query("hours/calendar") + query("failures/failures_by_night")
    rows = connection.execute(text, parameters).fetchall()
    return [row | {"day": nights.days[row["night"] - 1]} for row in rows]


def list_failures(
    database: Database, status: str, limit: int, after: str | None = None, project: Own = None
) -> Page:
    """Return one page of failures that are `open`, `resolved` or either (`all`), newest first.

    Of `project` and those below it, where the caller may read nothing else. Secrets are masked.
    """
    with database.transaction() as connection:
        own = None if project is None else list(projects_within(connection, project))
        rows = _select(connection, status, own=own, **page_parameters(limit, after))
    for row in rows:
        del row["start_time"], row["pull_request"]
    return page_of(redact.document(rows), limit, "created_at")


def _select(connection: Connection, status: str, limit: int, **parameters: object) -> list[Row]:
    row = DEFAULTS | {"status": status, "limit": limit} | parameters
    # Planned anew for each status: one plan for all of them would use no partial index.
    rows = connection.execute(query("failures/list_failures"), row, prepare=False).fetchall()
    show_masked(rows)
    return rows


def resolve_failure(
    database: Database,
    failure_id: UUID,
    resolution: Resolution,
    actor: Actor,
    project: Own = None,
) -> str:
    """Resolve or reopen a failure. Return its build's number.

    Raises NotFound where `project` has no such failure, Invalid where the notes are too long.
    """
    (number,) = resolve_failures(database, [failure_id], resolution, actor, project)
    return number


def resolve_failures(
    database: Database,
    failure_ids: Collection[UUID],
    resolution: Resolution,
    actor: Actor,
    project: Own = None,
) -> list[str]:
    """Resolve or reopen failures, all of them or none. Return the numbers of their builds.

    Raises as resolve_failure().
    """
    notes = resolution.notes.replace("\0", "").strip()
    if len(notes) > MAX_NOTES:
        raise Invalid(fields={"notes": [f"At most {MAX_NOTES} characters."]})
    after = {"notes": notes or None, "resolved": resolution.resolved}
    action = "failure.resolve" if resolution.resolved else "failure.reopen"
    with database.transaction() as connection:
        # In one order, and before the audit trail: two callers may lock the same rows.
        rows = [_resolve(connection, each, after, project) for each in sorted(failure_ids)]
        for row in rows:
            before = {name: row[name] for name in after}
            target = Target("failure", row["build_number"], row["id"])
            audit.note_change(connection, actor, action, target, before, after)
    return [row["build_number"] for row in rows]


def _resolve(connection: Connection, failure_id: UUID, after: Row, project: Own) -> Row:
    """Return the failure as it was, with its `id`, build_number and project."""
    parameters = after | {"id": failure_id}
    row = connection.execute(query("failures/resolve_failure"), parameters).fetchone()
    if row is None or not is_within(connection, row["project"], project):
        raise NotFound("There is no such failure.")
    return row | {"id": failure_id}
