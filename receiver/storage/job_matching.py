"""Two reporters of one job: a hook inside it, and its forge's webhook about it.

What a forge says is kept under the job's key. It belongs to the one build that a hook names under
that key, else to the build that a route makes of it, else to none; several builds of hooks stay
apart and share the job's verdict. Whichever came first, the rows are the same.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from uuid_utils.compat import uuid7

from receiver.domain.fold.events import run_group
from receiver.domain.model import Identity
from receiver.errors import Invalid
from receiver.storage import dimensions
from receiver.storage.db import Connection, Cursor, array, as_json, query
from receiver.storage.dimensions import Ids

FORGES = ("github:", "gitlab:", "jenkins:", "cloudevents:")
Builds = dict[str, set[UUID]]


@dataclass(frozen=True, slots=True)
class Job:
    """A forge's job as its deliveries tell it; `builds` are those that its rows belong to.

    `loose` says that one of its rows belongs to none.
    """

    run_key: str
    alias_key: str | None
    number: str | None
    builds: frozenset[UUID]
    loose: bool
    owners: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class _Settled:
    """Where a job's rows belong now, and whether any build uses them."""

    run_key: str
    build_id: UUID | None
    used: bool


@dataclass(frozen=True, slots=True)
class Lock:
    """An advisory lock: on a run (seed 1), which its jobs share, or on a job's key (seed 0)."""

    run_key: str
    seed: int
    shared: bool = False


def meetable(keys: Iterable[str]) -> list[str]:
    """Those that can meet, in their order: `local` and Packer's run UUIDs are nobody else's."""
    return sorted({key for key in keys if key.startswith(FORGES)})


def locks(keys: Sequence[str]) -> list[Lock]:
    """What lets one transaction at a time decide who meets whom, in the order of locking."""
    runs = {key for key in keys if _is_run(key)}
    groups = sorted({run_group(key) for key in keys})
    return [*(Lock(each, 1, each not in runs) for each in groups), *(Lock(key, 0) for key in keys)]


def _is_run(key: str) -> bool:
    """GitHub reports whole runs too, under the key that their jobs begin with."""
    return key.startswith("github:") and run_group(key) == key


def builds_of(
    connection: Connection, numbers: Iterable[str], ids: Ids, *, native: bool = False
) -> dict[str, UUID]:
    """The builds of these numbers, or those they turned out to be; made where `ids` has none.

    `ids` holds also those of the names of what is not known yet.
    """
    found = {number: ids.get(("build", number)) for number in numbers}
    missing = sorted(number for number, build_id in found.items() if build_id is None)
    if missing:
        row = dimensions.id_columns(ids, Identity()) | {"numbers": missing, "native": native}
        connection.execute(
            query("record/insert_builds"), row | {"ids": array(uuid7() for _ in missing)}
        )
        # Inserted by us or, committed by now, by another sender.
        ids = dimensions.find_ids(connection, {("build", n) for n in missing})
        found |= {number: ids[("build", number)] for number in missing}
    return {number: build_id for number, build_id in found.items() if build_id}


def claim(connection: Connection, build_ids: Sequence[UUID]) -> None:
    """These builds, which only a route had made, are hooks' now."""
    if build_ids:
        connection.execute(query("record/claim_builds"), {"build_ids": array(build_ids)})


def ask_jobs(connection: Connection, run_keys: Sequence[str]) -> Cursor | None:
    """Ask for the jobs under these keys."""
    row = {"run_keys": run_keys}
    return connection.execute(query("job_matching/find_jobs"), row) if run_keys else None


def settle(connection: Connection, asked: Cursor | None, ids: Ids) -> Builds:
    """Decide anew for every job asked for; gives the builds to be folded again, by key."""
    rows = asked.fetchall() if asked else []
    jobs = [Job(**{**row, "builds": frozenset(row["builds"])}) for row in rows]
    if not jobs:
        return {}
    runs = [job for job in jobs if _is_run(job.run_key)]
    alone = [job for job in jobs if not _is_run(job.run_key)]
    touched = _builds_of_runs(connection, runs)
    settled = [_Settled(job.run_key, None, bool(touched[job.run_key])) for job in runs]
    targets = _targets(connection, alone, ids)
    for job in alone:
        target = targets[job.run_key]
        builds = {*job.builds, *job.owners, *([target] if target else [])}
        settled.append(_Settled(job.run_key, target, bool(builds)))
        for key in filter(None, (job.run_key, job.alias_key)):
            touched[key] |= builds
    _attach(connection, alone, settled, targets)
    return touched


def _builds_of_runs(connection: Connection, runs: Sequence[Job]) -> Builds:
    """A whole run touches every build of its jobs and belongs to none."""
    touched: Builds = defaultdict(set)
    if runs:
        row = {"run_groups": [job.run_key for job in runs]}
        for found in connection.execute(query("job_matching/builds_of_runs"), row).fetchall():
            touched[found["run_group"]].add(found["build_id"])
    return touched


def _targets(connection: Connection, jobs: Sequence[Job], ids: Ids) -> dict[str, UUID | None]:
    """The one build that each job belongs to, or None: it has none, or its owners share it.

    Hooks' builds come first: a number that a route had made of a job may become a hook's.
    """
    targets = {job.run_key: _owner(connection, job) for job in jobs if job.owners}
    others = {job.run_key: job.number for job in jobs if not job.owners}
    routed = {number for number in others.values() if number}
    if not routed:
        return targets | dict.fromkeys(others)
    known = dimensions.find_ids(connection, {("build", n) for n in routed})
    made = builds_of(connection, routed, ids | known, native=True)
    return targets | {key: made[number] if number else None for key, number in others.items()}


def _owner(connection: Connection, job: Job) -> UUID | None:
    if len(job.owners) > 1:
        return None
    (owner,) = job.owners
    if job.number:
        _refuse_two_projects(connection, job, owner)
        _become(connection, job.number, owner)
    return owner


def _attach(
    connection: Connection,
    jobs: Sequence[Job],
    settled: Sequence[_Settled],
    targets: Mapping[str, UUID | None],
) -> None:
    """A job's rows belong to one build, or to none and are shared by its owners."""
    rows = {"rows": as_json(settled)}
    if any(job.builds - {targets[job.run_key]} or job.loose for job in jobs):
        connection.execute(query("job_matching/attach_jobs"), rows)
    stale = {build for job in jobs for build in job.builds - {targets[job.run_key]}}
    if stale:  # a job's deliveries name two builds, and the other one has nothing left
        connection.execute(query("record/delete_silent_builds"), {"build_ids": array(stale)})
    connection.execute(query("job_matching/note_attached"), rows)


def _refuse_two_projects(connection: Connection, job: Job, owner: UUID) -> None:
    """Invalid where the hook in a job and the route of that job name two projects."""
    row = {"build_id": owner, "run_key": job.run_key}
    found = connection.execute(query("job_matching/projects_of_job"), row).fetchone() or {}
    said, routed = found.get("said"), found.get("routed")
    if said and routed and said != routed:
        problem = f"The hook says {said[:50]}, the route of its job says {routed[:50]}."
        raise Invalid(fields={"build.project": [problem]})


def _become(connection: Connection, number: str, owner: UUID) -> None:
    """The build that a route had made of the job is the hook's build from now on."""
    row = {"build_number": number, "build_id": owner}
    found = connection.execute(query("job_matching/find_native_build"), row).fetchone()
    if found is not None:
        moved = row | {"native_id": found["id"]}
        for name in ("move_events", "move_redirects", "delete_build"):
            connection.execute(query(f"job_matching/{name}"), moved)
    connection.execute(query("job_matching/insert_redirect"), row)
