"""Read queries for builds: one build with its parts, pages of builds, and a build's neighbours."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import cast

from receiver.domain import build_status, redact
from receiver.domain.assignable import is_revoked
from receiver.domain.fold import resume_point
from receiver.domain.images import is_named
from receiver.domain.model import NUMBER_SHAPE
from receiver.errors import Forbidden, NotFound
from receiver.storage.db import Connection, Database, Row, query
from receiver.storage.dimensions import Own, is_within, own_words, projects_within
from receiver.storage.masked import show_masked, show_original
from receiver.storage.paging import cursor_of, page_of, page_parameters

INTERNAL = ("id", "created_at", "heartbeat_at", "resume_state")  # for joins, cursors, derivations
PARTS = ("states", "failures", "artifacts", "resources", "deliveries")


@dataclass(frozen=True, slots=True)
class BuildFilter:
    """Conditions on builds; None fits all. `project` includes the projects below it."""

    project: str | None = None
    platform: str | None = None
    os_version: str | None = None
    image_type: str | None = None
    status: str | None = None
    low: int = 0
    high: int = 100
    since: datetime | None = None
    until: datetime | None = None
    text: str | None = None
    order: str = "newest"


@dataclass(frozen=True, slots=True)
class BuildPage:
    """One page of builds. `is_cut` where only the newest 10,000 builds were searched."""

    items: list[Row]
    cursor: str | None
    is_cut: bool


def find_build(
    database: Database,
    build_number: str,
    stall_after: timedelta,
    project: Own = None,
    *,
    reveal: bool = False,
) -> Row:
    """Return a build with its states, failures, artifacts, resources, provenance, resume point.

    A number that turned out to be another build's returns that build. Secrets are masked unless
    `reveal`, which is for administrators. Raises NotFound where there is no such build within
    `project`.
    """
    if not NUMBER_SHAPE.fullmatch(build_number):
        raise NotFound("There is no build of this number.")
    with database.transaction() as connection:
        row = connection.execute(
            query("builds/find_build"), {"build_number": build_number}
        ).fetchone()
        if row is None or not is_within(connection, row["project"], project):
            raise NotFound("There is no build of this number.")
        parts = {
            part: connection.execute(
                query(f"builds/build_{part}"), {"build_id": row["id"]}
            ).fetchall()
            for part in PARTS
        }
        made = connection.execute(query("builds/provenance"), {"build_id": row["id"]}).fetchone()
    row = row | {"provenance": made}
    for part in ("states", "failures"):
        (show_original if reveal else show_masked)(parts[part])
    build = _with_parts(row, parts, datetime.now(UTC), stall_after)
    return build if reveal else cast(Row, redact.document(build))


def _with_parts(
    row: Row, parts: dict[str, list[Row]], now: datetime, stall_after: timedelta
) -> Row:
    build = row | {"stalled": build_status.is_stalled(row, now, stall_after)} | parts
    usable = [each for each in parts["artifacts"] if resume_point.may_start(each, now)]
    estimated = {row["attempt"] for row in parts["states"] if row["estimated"]}
    for failure in parts["failures"]:
        failure["estimated"] = failure["attempt"] in estimated
    build["resume"] = resume_point.resume(row, parts["states"], usable)
    build["saved_seconds"] = resume_point.saved_seconds(row, parts["states"])
    build["revoked"] = row["revocation"] if is_revoked(row["revocation"]) else None
    build["left_behind"] = build_status.left_behind(build, parts["resources"], parts["artifacts"])
    return _without_internal(build)


def list_builds(
    database: Database,
    conditions: BuildFilter,
    limit: int,
    after: str | None,
    stall_after: timedelta,
    own: Own = None,
) -> BuildPage:
    """Return one page of builds, of at most 10,000 that are searched behind the cursor `after`.

    `own` are the caller's only projects; raises Forbidden for another one.
    """
    row = page_parameters(limit, after)
    with database.transaction() as connection:
        row |= asdict(conditions) | {"projects": _projects(connection, conditions, own)}
        rows = connection.execute(query("builds/search_builds"), row, prepare=False).fetchall()
        end = connection.execute(query("builds/window_end"), row, prepare=False).fetchone()
    now = datetime.now(UTC)
    items, cursor = page_of(rows, limit, "created_at")
    shown = [_summary(item, now, stall_after) for item in items]
    if cursor and conditions.order == "newest":
        return BuildPage(shown, cursor, is_cut=False)
    cursor = cursor_of(end["created_at"], end["id"]) if end else None
    return BuildPage(shown, cursor, is_cut=end is not None)


def _projects(connection: Connection, conditions: BuildFilter, own: Own) -> list[str] | None:
    """Return the projects of the builds that are asked for, None for every one."""
    if conditions.project is None:
        return None if own is None else [own] if isinstance(own, str) else list(own)
    if not is_within(connection, conditions.project, own):
        raise Forbidden(f"This token is for {own_words(own)} alone.")
    return [conditions.project]


def _summary(row: Row, now: datetime, stall_after: timedelta) -> Row:
    stalled = build_status.is_stalled(row, now, stall_after)
    return _without_internal(row) | {"stalled": stalled, "resume": {"state": row["resume_state"]}}


def _without_internal(row: Row) -> Row:
    return {name: value for name, value in row.items() if name not in INTERNAL}


def filter_options(database: Database, project: Own = None) -> dict[str, list[str]]:
    """Return the names of each dimension that a filter may have; of the builds of `project` and of
    those below it, where the caller may read nothing else."""
    options: dict[str, list[str]] = {}
    with database.transaction() as connection:
        if project is None:
            rows = connection.execute(query("builds/known_names"))
        else:
            parameters = {"projects": list(projects_within(connection, project))}
            rows = connection.execute(query("builds/own_names"), parameters)
        for row in rows.fetchall():
            options.setdefault(row["dimension"], []).append(row["name"])
    return options


def neighbours(database: Database, build: Row) -> tuple[list[Row], dict[str, float]]:
    """Return the builds of its combination around a build, and each stage's usual seconds.

    Both are empty for a build of which nobody says what it makes: others may make something else.
    """
    if not is_named(build):
        return [], {}
    row = {"build_number": build["build_number"]}
    with database.transaction() as connection:
        near = connection.execute(query("builds/near_builds"), row).fetchall()
        usual = connection.execute(query("builds/usual_stages"), row).fetchall()
    return near, {each["stage"]: each["seconds"] for each in usual if each["seconds"] is not None}
