"""Read queries for builds: one build with its parts, pages of builds, and a build's neighbours."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import cast

from receiver.domain import build_status, redact
from receiver.domain.assignable import is_revoked
from receiver.domain.conditions import Limits
from receiver.domain.fold import resume_point
from receiver.domain.images import is_named
from receiver.domain.model import NUMBER_SHAPE
from receiver.errors import Forbidden, NotFound
from receiver.storage.conditions import conditions, conditions_of
from receiver.storage.db import Connection, Database, Row, array, query
from receiver.storage.dimensions import Own, is_within, own_words, projects_within
from receiver.storage.masked import show_masked, show_original
from receiver.storage.paging import cursor_of, page_of, page_parameters

INTERNAL = ("id", "created_at", "heartbeat_at", "resume_state")  # for joins, cursors, derivations
PARTS = ("states", "failures", "artifacts", "resources", "deliveries")


@dataclass(frozen=True, slots=True)
class BuildFilter:
    """Conditions on builds; None fits all. `project` includes the projects below it; `status` is
    what a build counts as, so that a lost one is failed, not running."""

    project: str | None = None
    platform: str | None = None
    os_version: str | None = None
    image_type: str | None = None
    status: str | None = None
    condition: str | None = None
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
    limits: Limits,
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
    now = datetime.now(UTC)
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
        conditions_of(connection, [row], limits, now).mark([row])
    row = row | {"provenance": made}
    for part in ("states", "failures"):
        (show_original if reveal else show_masked)(parts[part])
    build = _with_parts(row, parts, now)
    return build if reveal else cast(Row, redact.document(build))


def _with_parts(row: Row, parts: dict[str, list[Row]], now: datetime) -> Row:
    build = row | parts
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
    wanted: BuildFilter,
    limit: int,
    after: str | None,
    limits: Limits,
    own: Own = None,
) -> BuildPage:
    """Return one page of builds, of at most 10,000 that are searched behind the cursor `after`.

    `own` are the caller's only projects; raises Forbidden for another one.
    """
    row, now = page_parameters(limit, after), datetime.now(UTC)
    with database.transaction() as connection:
        row |= asdict(wanted) | {"projects": _projects(connection, wanted, own)}
        row |= _chosen(connection, wanted, limits, now)
        rows = connection.execute(query("builds/search_builds"), row, prepare=False).fetchall()
        end = connection.execute(query("builds/window_end"), row, prepare=False).fetchone()
        items, cursor = page_of(rows, limit, "created_at")
        conditions_of(connection, items, limits, now).mark(items)
    shown = [_summary(item) for item in items]
    if cursor and wanted.order == "newest":
        return BuildPage(shown, cursor, is_cut=False)
    cursor = cursor_of(end["created_at"], end["id"]) if end else None
    return BuildPage(shown, cursor, is_cut=end is not None)


def _projects(connection: Connection, wanted: BuildFilter, own: Own) -> list[str] | None:
    """Return the projects of the builds that are asked for, None for every one."""
    if wanted.project is None:
        return None if own is None else [own] if isinstance(own, str) else list(own)
    if not is_within(connection, wanted.project, own):
        raise Forbidden(f"This token is for {own_words(own)} alone.")
    return [wanted.project]


def _chosen(connection: Connection, wanted: BuildFilter, limits: Limits, now: datetime) -> Row:
    """Return the ids of the lost builds, and of those of a condition, where a filter needs them."""
    if not wanted.condition and wanted.status not in ("running", "failed"):
        return {"lost": "{}", "ids": None}
    found = conditions(connection, limits, now)
    ids = array(found.ids(wanted.condition)) if wanted.condition else None
    return {"lost": array(found.ids("lost")), "ids": ids}


def _summary(row: Row) -> Row:
    return _without_internal(row) | {"resume": {"state": row["resume_state"]}}


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
