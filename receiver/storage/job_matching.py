"""Match forge jobs with hook builds: load the jobs, decide, apply. See domain/job_matching.py."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from uuid_utils.compat import uuid7

from receiver.domain.job_matching import Job, Move, decide, is_run
from receiver.domain.model import Identity
from receiver.storage import dimensions
from receiver.storage.db import Connection, Cursor, Row, array, as_json, query
from receiver.storage.dimensions import Ids


@dataclass(frozen=True, slots=True)
class Matches:
    """The result: `builds` to fold again, by the keys of their jobs; `emptied` are builds that lost
    events to another one."""

    builds: dict[str, set[UUID]] = field(default_factory=dict)
    emptied: frozenset[UUID] = frozenset()
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
    jobs = _load(connection, run_keys)
    if not jobs:
        return Matches()
    moves = decide(jobs)
    for move in moves:
        if move.redirect and move.owner:
            _redirect(connection, move.redirect, move.owner)
    targets = _targets(connection, moves, ids)
    builds: dict[str, set[UUID]] = defaultdict(set)
    used: dict[str, bool] = {}
    for move in moves:
        target = targets[move.job.run_key]
        own = move.builds.union([target] if target else [])
        used[move.job.run_key] = bool(own)
        for key in filter(None, (move.job.run_key, move.job.alias_key)):
            builds[key] |= own
    emptied = {each for job in jobs for each in job.builds - {targets[job.run_key]}}
    return Matches(builds, frozenset(emptied), _attach(connection, jobs, targets, used))


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


def _load(connection: Connection, run_keys: Sequence[str]) -> list[Job]:
    if not run_keys:
        return []
    rows = connection.execute(query("job_matching/find_jobs"), {"run_keys": run_keys}).fetchall()
    runs = [row["run_key"] for row in rows if is_run(row["run_key"])]
    run_builds: dict[str, set[UUID]] = defaultdict(set)
    if runs:
        parameters = {"run_groups": runs}
        for row in connection.execute(query("job_matching/builds_of_runs"), parameters).fetchall():
            run_builds[row["run_group"]].add(row["build_id"])
    return [_job(connection, row, run_builds[row["run_key"]]) for row in rows]


def _job(connection: Connection, row: Row, run_builds: set[UUID]) -> Job:
    projects: Row = {}
    if row["number"] and len(row["owners"]) == 1:
        parameters = {"build_id": row["owners"][0], "run_key": row["run_key"]}
        found = connection.execute(query("job_matching/projects_of_job"), parameters).fetchone()
        projects = found or {}
    return Job(
        run_key=row["run_key"],
        alias_key=row["alias_key"],
        number=row["number"],
        builds=frozenset(row["builds"]),
        is_loose=row["loose"],
        owners=tuple(row["owners"]),
        run_builds=frozenset(run_builds),
        hook_project=projects.get("said"),
        route_project=projects.get("routed"),
    )


def _redirect(connection: Connection, number: str, owner: UUID) -> None:
    """Make the build that a route had created of a job the hook's build from now on."""
    parameters = {"build_number": number, "build_id": owner}
    native = connection.execute(query("job_matching/find_native_build"), parameters).fetchone()
    if native is not None:
        for name in ("move_events", "move_redirects", "delete_build"):
            connection.execute(
                query(f"job_matching/{name}"), parameters | {"native_id": native["id"]}
            )
    connection.execute(query("job_matching/insert_redirect"), parameters)


def _targets(connection: Connection, moves: Sequence[Move], ids: Ids) -> dict[str, UUID | None]:
    """Return the build that each job's events belong to; routes' builds are created."""
    numbers = {move.number for move in moves if move.number}
    builds: dict[str, UUID] = {}
    if numbers:
        ids = ids | dimensions.find_ids(connection, {("build", number) for number in numbers})
        builds = find_or_create_builds(connection, numbers, ids, native=True)
    return {move.job.run_key: builds.get(move.number or "", move.owner) for move in moves}


def _attach(
    connection: Connection,
    jobs: Sequence[Job],
    targets: Mapping[str, UUID | None],
    used: Mapping[str, bool],
) -> Cursor:
    """Move events to their builds. Return a cursor over the deliveries whose outcome changes."""
    rows = [
        {"run_key": key, "build_id": target, "used": used[key]} for key, target in targets.items()
    ]
    parameters = {"rows": as_json(rows)}
    if any(_has_to_move(job, targets[job.run_key]) for job in jobs):
        connection.execute(query("job_matching/attach_jobs"), parameters)
    return connection.execute(query("job_matching/note_attached"), parameters)


def _has_to_move(job: Job, target: UUID | None) -> bool:
    return bool(job.builds - {target}) or (job.is_loose and target is not None)
