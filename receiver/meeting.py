"""Two reporters of one job: a hook inside it, and its forge's webhook about it.

What a forge says is kept under the job's key. It belongs to the one build that a hook names under
that key, else to the build that a route makes of it, else to none; several builds of hooks stay
apart and share the job's verdict. Whichever came first, the rows are the same.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from uuid_utils.compat import uuid7

from receiver import vocabulary
from receiver.db import Connection, query
from receiver.errors import Invalid
from receiver.facts import run_group
from receiver.model import Identity, Statement

FORGES = ("github:", "gitlab:", "jenkins:", "cloudevents:")


@dataclass(frozen=True, slots=True)
class Job:
    """A forge's job as its deliveries tell it; `builds` are those that its rows belong to."""

    run_key: str
    number: str | None
    builds: frozenset[UUID]
    owners: tuple[UUID, ...]


def lock_keys(connection: Connection, keys: Iterable[str]) -> list[str]:
    """Let one transaction at a time decide who meets whom under these keys; gives those that can.

    Only a forge's keys can meet: `local` and Packer's run UUIDs are nobody else's.
    """
    ordered = sorted(key for key in keys if key.startswith(FORGES))
    groups = sorted({run_group(key) for key in ordered})
    if ordered:
        alone = any(_is_run(key) for key in ordered)
        connection.execute(query("lock_run_groups"), {"run_groups": groups, "alone": alone})
        connection.execute(query("lock_run_keys"), {"run_keys": ordered})
    return ordered


def _is_run(key: str) -> bool:
    """GitHub reports whole runs too, under the key that their jobs begin with."""
    return key.startswith("github:") and run_group(key) == key


def build_of(connection: Connection, number: str, *, native: bool = False) -> UUID:
    """The build of this number, or the one it turned out to be; made where there is none."""
    found = connection.execute(query("find_build_id"), {"build_number": number}).fetchone()
    if found is None:
        row = vocabulary.columns(connection, Identity())
        row |= {"id": uuid7(), "build_number": number, "native": native}
        connection.execute(query("insert_build"), row)
        found = connection.execute(query("find_build_id"), {"build_number": number}).fetchone()
    assert found is not None  # noqa: S101  # inserted by us or, committed, by another sender
    build_id: UUID = found["id"]
    return build_id


def note_hook(
    connection: Connection, build_id: UUID, statement: Statement, times: Iterable[datetime]
) -> None:
    """A hook names a build under its run key; a build that only a route had made is now its."""
    known = list(times)
    row = {
        "run_key": statement.run.key,
        "build_id": build_id,
        "first_at": min(known, default=None),
        "last_at": max(known, default=None),
        "run_group": run_group(statement.run.key),
    }
    connection.execute(query("insert_run_key"), row)
    connection.execute(query("claim_build"), row)


def settle(connection: Connection, run_keys: list[str]) -> set[UUID]:
    """Decide anew for every job under these keys; gives the builds to be folded again."""
    affected: set[UUID] = set()
    if not run_keys:
        return affected
    for row in connection.execute(query("find_jobs"), {"run_keys": run_keys}).fetchall():
        job = Job(row["run_key"], row["number"], frozenset(row["builds"]), tuple(row["owners"]))
        affected |= (
            _settle_run(connection, job) if _is_run(job.run_key) else _settle(connection, job)
        )
    return affected


def _settle(connection: Connection, job: Job) -> set[UUID]:
    """A job belongs to one build, or to none and is shared by its owners."""
    target = _target(connection, job)
    row = {"run_key": job.run_key, "build_id": target}
    connection.execute(query("attach_job"), row)
    stale = sorted(job.builds - {target})
    if stale:  # the job's deliveries name two builds, and the other one has nothing left
        connection.execute(query("delete_silent_builds"), {"build_ids": stale})
    return _noted(connection, job, {*job.builds, *job.owners, *([target] if target else [])})


def _settle_run(connection: Connection, job: Job) -> set[UUID]:
    """A whole run touches every build of its jobs and belongs to none."""
    row = {"run_groups": [job.run_key]}
    found = connection.execute(query("builds_of_run"), row).fetchall()
    return _noted(connection, job, {row["build_id"] for row in found})


def _noted(connection: Connection, job: Job, builds: set[UUID]) -> set[UUID]:
    row = {"run_key": job.run_key, "used": bool(builds)}
    connection.execute(query("note_attached"), row)
    return builds


def _target(connection: Connection, job: Job) -> UUID | None:
    if len(job.owners) > 1:
        return None
    if not job.owners:
        return build_of(connection, job.number, native=True) if job.number else None
    (owner,) = job.owners
    if job.number:
        _refuse_two_projects(connection, job, owner)
        _become(connection, job.number, owner)
    return owner


def _refuse_two_projects(connection: Connection, job: Job, owner: UUID) -> None:
    """Invalid where the hook in a job and the route of that job name two projects."""
    row = {"build_id": owner, "run_key": job.run_key}
    found = connection.execute(query("projects_of_job"), row).fetchone() or {}
    said, routed = found.get("said"), found.get("routed")
    if said and routed and said != routed:
        problem = f"The hook says {said[:50]}, the route of its job says {routed[:50]}."
        raise Invalid(fields={"build.project": [problem]})


def _become(connection: Connection, number: str, owner: UUID) -> None:
    """The build that a route had made of the job is the hook's build from now on."""
    row = {"build_number": number, "build_id": owner}
    found = connection.execute(query("find_native_build"), row).fetchone()
    if found is not None:
        moved = row | {"native_id": found["id"]}
        for name in ("move_events", "move_redirects", "delete_build"):
            connection.execute(query(name), moved)
    connection.execute(query("insert_redirect"), row)
