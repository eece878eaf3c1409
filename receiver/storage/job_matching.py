"""Match forge jobs with hook builds: load the jobs, decide, apply. See domain/job_matching.py."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from uuid_utils.compat import uuid7

from receiver.domain.job_matching import Claim, Job, Move, Projects, decide, is_run
from receiver.domain.model import Identity
from receiver.storage import dimensions
from receiver.storage.db import Connection, Cursor, Row, array, as_json, query
from receiver.storage.dimensions import Ids

REVOKED = ("move_revocations", "move_replacements")


@dataclass(frozen=True, slots=True)
class Matches:
    """The result: `builds` that the jobs under each key belong to or share; `affected` are all that
    have to be folded again, and `emptied` those of them that lost events to another one.

    `projects` are those of the builds of whole runs, by build.
    """

    builds: dict[str, set[UUID]] = field(default_factory=dict)
    affected: frozenset[UUID] = frozenset()
    emptied: frozenset[UUID] = frozenset()
    projects: dict[UUID, UUID | None] = field(default_factory=dict)
    changed: Cursor | None = None

    def changed_outcomes(self) -> dict[UUID, str]:
        """Return the outcomes that changed, by delivery. Read late, they cost no round trip."""
        rows = self.changed.fetchall() if self.changed else []
        return {row["id"]: row["outcome"] for row in rows}


def match(connection: Connection, run_keys: Sequence[str], ids: Ids) -> Matches:
    """Decide which builds the jobs under these locked keys belong to, and move their events.

    `ids` are those of the names of dimensions that are known. Raises Invalid where a hook and a
    route name two projects.
    """
    rows = _load(connection, run_keys)
    if not rows:
        return Matches()
    projects: dict[UUID, UUID | None] = {}
    moves = decide(_jobs(connection, rows, projects))
    for move in moves:
        _redirect(connection, move)
    targets = _targets(connection, moves, ids)
    builds: dict[str, set[UUID]] = {}
    affected: set[UUID] = set()
    emptied: set[UUID] = set()
    for move in moves:
        key = move.job.run_key
        target = {each for each in [targets[key]] if each}
        builds[key] = {*target, *move.shared, *move.job.run_builds}
        affected |= builds[key] | move.builds
        emptied |= move.job.builds - target
    changed = _attach(connection, moves, targets, {key for key, own in builds.items() if own})
    return Matches(builds, frozenset(affected), frozenset(emptied), projects, changed)


def find_or_create_builds(
    connection: Connection, numbers: Iterable[str], ids: Ids, *, native: bool = False
) -> dict[str, UUID]:
    """Return the build of each number, or that to which it leads; created where `ids` lacks it.

    `ids` has also the names of what is not known yet. `native`: only a route names these builds.
    """
    builds = {number: ids.get(("build", number)) for number in numbers}
    missing = sorted(number for number, build_id in builds.items() if build_id is None)
    if missing:
        row = dimensions.id_columns(ids, Identity()) | {"numbers": missing, "native": native}
        new_ids = array(uuid7() for _ in missing)
        connection.execute(query("job_matching/insert_builds"), row | {"ids": new_ids})
        # Inserted here or, committed by now, by another sender.
        created = dimensions.find_ids(connection, {("build", number) for number in missing})
        builds |= {number: created[("build", number)] for number in missing}
    return {number: build_id for number, build_id in builds.items() if build_id}


def with_routed_builds(connection: Connection, numbers: Iterable[str], ids: Ids) -> Ids:
    """Return `ids` with the builds that routes make of jobs, under these numbers.

    A build that is created here for a job of a hook's build is gone again once match() moved it.
    """
    builds = find_or_create_builds(connection, numbers, ids, native=True)
    return ids | {("build", number): build_id for number, build_id in builds.items()}


def _load(connection: Connection, run_keys: Sequence[str]) -> list[Row]:
    if not run_keys:
        return []
    return connection.execute(query("job_matching/find_jobs"), {"run_keys": run_keys}).fetchall()


def _jobs(
    connection: Connection, rows: Sequence[Row], projects: dict[UUID, UUID | None]
) -> list[Job]:
    """Return the jobs of find_jobs.sql; `projects` takes those of the builds of whole runs."""
    stated = _stated_projects(connection, rows)
    ids = _project_ids(connection, rows, stated)
    run_builds: dict[str, set[UUID]] = defaultdict(set)
    if runs := [row["run_key"] for row in rows if is_run(row["run_key"])]:
        spoken = connection.execute(query("job_matching/builds_of_runs"), {"run_groups": runs})
        for row in spoken.fetchall():
            run_builds[row["run_group"]].add(row["build_id"])
            projects[row["build_id"]] = row["project_id"]
    return [_job(row, stated, ids, run_builds[row["run_key"]]) for row in rows]


def _job(row: Row, stated: Mapping[UUID, Row], ids: Ids, run_builds: set[UUID]) -> Job:
    claims = tuple(_claim(each, stated, ids) for each in row["claims"])
    hook_project, route_project = None, row["route_project"]
    if len(claims) == 1 and route_project:
        hook_project = stated.get(claims[0].build, {}).get("stated")
    if hook_project and _id(ids, hook_project) == _id(ids, route_project):
        hook_project = route_project  # one of them is an old name
    return Job(
        run_key=row["run_key"],
        alias_key=row["alias_key"],
        number=row["number"],
        project=_id(ids, row["project"]),
        builds=frozenset(row["builds"]),
        shared=frozenset(UUID(each) for shared in row["shared"] for each in shared or ()),
        is_loose=row["loose"],
        is_undecided=None in row["shared"],
        claims=claims,
        run_builds=frozenset(run_builds),
        hook_project=hook_project,
        route_project=route_project,
    )


def _claim(row: Row, stated: Mapping[UUID, Row], ids: Ids) -> Claim:
    build = UUID(row["build_id"])
    projects: Projects = None
    if row["projects"] is not None:
        projects = frozenset(filter(None, (_id(ids, name) for name in row["projects"])))
    said = stated.get(build, {})
    project = _id(ids, said.get("stated") or said.get("inferred"))
    return Claim(build=build, exact=row["exact"], projects=projects, project=project)


def _stated_projects(connection: Connection, rows: Sequence[Row]) -> dict[UUID, Row]:
    """Return the projects that hooks state of the builds that claim these jobs, where the decision
    depends on them: stated and inferred, by build."""
    builds = {
        UUID(claim["build_id"])
        for row in rows
        for claim in row["claims"]
        if row["route_project"] or _are_of_several_projects(row["claims"])
    }
    if not builds:
        return {}
    parameters = {"build_ids": array(sorted(builds))}
    found = connection.execute(query("job_matching/projects_of_builds"), parameters).fetchall()
    return {row["build_id"]: row for row in found}


def _are_of_several_projects(claims: Sequence[Row]) -> bool:
    return len(claims) > 1 and any(claim["projects"] is not None for claim in claims)


def _project_ids(connection: Connection, rows: Sequence[Row], stated: Mapping[UUID, Row]) -> Ids:
    """Return the ids of all projects that the decision compares, also by old names."""
    claims = [claim for row in rows for claim in row["claims"]]
    if not stated and all(claim["projects"] is None for claim in claims):
        return {}
    names = {name for claim in claims for name in claim["projects"] or ()}
    names |= {row[name] for row in rows for name in ("project", "route_project")}
    names |= {said[name] for said in stated.values() for name in ("stated", "inferred")}
    return dimensions.find_ids(connection, {("project", name) for name in names if name})


def _id(ids: Ids, name: str | None) -> UUID | None:
    return ids.get(("project", name)) if name else None


def _redirect(connection: Connection, move: Move) -> None:
    """Make the build that a route had created of a job the hook's build from now on; not one that
    is of a project which the hook's sender may not write."""
    if not move.redirect or not move.owner:
        return
    parameters = {"build_number": move.redirect, "build_id": move.owner}
    native = connection.execute(query("job_matching/find_native_build"), parameters).fetchone()
    if native is not None:
        allowed = move.job.projects_of(move.owner)
        if native["project_id"] and allowed is not None and native["project_id"] not in allowed:
            return
        for name in ("move_events", "move_redirects", "move_assignments", *REVOKED, "delete_build"):
            connection.execute(
                query(f"job_matching/{name}"), parameters | {"native_id": native["id"]}
            )
    connection.execute(query("job_matching/insert_redirect"), parameters)


def _targets(connection: Connection, moves: Sequence[Move], ids: Ids) -> dict[str, UUID | None]:
    """Return the build that each job's events belong to; routes' builds are created."""
    numbers = {move.number for move in moves if move.number}
    builds: dict[str, UUID] = {}
    if numbers:
        names = {("build", number) for number in numbers}
        if names - ids.keys() or any(move.redirect for move in moves):
            ids = ids | dimensions.find_ids(connection, names)
        builds = find_or_create_builds(connection, numbers, ids, native=True)
    return {move.job.run_key: builds.get(move.number or "", move.owner) for move in moves}


def _attach(
    connection: Connection,
    moves: Sequence[Move],
    targets: Mapping[str, UUID | None],
    used: set[str],
) -> Cursor:
    """Move events to their builds. Return a cursor over the deliveries whose outcome changes."""
    rows = [
        {
            "run_key": (key := move.job.run_key),
            "build_id": targets[key],
            "shared": sorted(move.shared),
            "used": key in used,
        }
        for move in moves
    ]
    parameters = {"rows": as_json(rows)}
    if any(_has_to_move(move, targets[move.job.run_key]) for move in moves):
        connection.execute(query("job_matching/attach_jobs"), parameters)
    return connection.execute(query("job_matching/note_attached"), parameters)


def _has_to_move(move: Move, target: UUID | None) -> bool:
    """Return whether an event of the job has another place; without any claim none is shared."""
    job = move.job
    if job.builds - {target} or (job.is_loose and target is not None):
        return True
    return bool(job.claims) and (job.is_undecided or job.shared != move.shared)
