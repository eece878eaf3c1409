"""Join what a job states under a plain number with the builds of Packer's targets in it: load,
decide, apply. See domain/plain_numbers.py."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from receiver.domain.delivery import Delivery
from receiver.domain.job_matching import Projects, shared_keys
from receiver.domain.model import Statement
from receiver.domain.plain_numbers import Place, Spoken, Target, alias_of, place_of
from receiver.storage import dimensions
from receiver.storage.db import Connection, Row, as_json, query
from receiver.storage.dimensions import Ids

Saying = tuple[str, str, tuple[str, ...]]  # number, run key, names of the sender's projects


@dataclass(frozen=True, slots=True)
class Joined:
    """The result: `builds` of all numbers, and `places` of what jobs state under plain ones.

    `affected` are the builds to fold again, `emptied` those of plain numbers that lost events to
    others; `run_keys` are the jobs whose claims changed. `aliases` are where plain numbers lead.
    """

    builds: Mapping[str, UUID]
    places: dict[Saying, Place] = field(default_factory=dict)
    affected: set[UUID] = field(default_factory=set)
    emptied: set[UUID] = field(default_factory=set)
    run_keys: set[str] = field(default_factory=set)
    aliases: dict[str, UUID | None] = field(default_factory=dict)

    def builds_of(self, delivery: Delivery, statement: Statement) -> tuple[UUID, ...]:
        """Return the builds that a statement of this delivery belongs to, or which share it."""
        place = self.places.get(
            (statement.build_number, statement.run.key, tuple(sorted(delivery.projects)))
        )
        if place and place.builds and statement.run.number is None:
            return place.builds
        return (self.builds[statement.build_number],)


def numbers_of(deliveries: Iterable[Delivery]) -> list[str]:
    """Return the numbers under which a job may speak itself, sorted; to be locked one at a time."""
    statements = [each for delivery in deliveries for each in delivery.content.statements]
    return sorted({each.run.number or each.build_number for each in statements})


def join(connection: Connection, new: Sequence[Delivery], builds: Mapping[str, UUID]) -> Joined:
    """Decide to which builds the reports under these locked numbers belong, and move them."""
    joined = Joined(builds)
    numbers = numbers_of(new)
    if not numbers:
        return joined
    parameters = {"numbers": numbers}
    claims = connection.execute(query("plain_numbers/find_targets"), parameters).fetchall()
    if not claims:
        return joined
    parameters = {"numbers": sorted({row["number"] for row in claims})}
    said = connection.execute(query("plain_numbers/find_spoken"), parameters).fetchall()
    ids = _project_ids(connection, [*claims, *said])
    targets = defaultdict[str, list[Target]](list)
    for row in claims:
        targets[row["number"]].append(
            Target(row["run_key"], row["build_id"], row["targets"], _projects(row, ids))
        )
    _apply(connection, joined, said, [_place(row, targets, ids) for row in said])
    for number, known in targets.items():
        speakers = {_spoken(row, ids) for row in said if row["number"] == number}
        joined.aliases[number] = alias_of(speakers, known)
    _keep_redirects(connection, joined, said)
    return joined


def write_redirects(connection: Connection, joined: Joined) -> None:
    """Let plain numbers lead to the builds of their only targets, once emptied builds are gone."""
    if joined.aliases:
        rows = [{"number": each, "build_id": build} for each, build in joined.aliases.items()]
        connection.execute(query("plain_numbers/write_redirects"), {"rows": as_json(rows)})


def _keep_redirects(connection: Connection, joined: Joined, said: Sequence[Row]) -> None:
    """Let what led to the own build of a plain number lead to its only target."""
    for number, own in {(row["number"], row["build_id"]) for row in said}:
        if own in joined.emptied and (target := joined.aliases[number]):
            parameters = {"native_id": own, "build_id": target}
            connection.execute(query("job_matching/move_redirects"), parameters)


def _project_ids(connection: Connection, rows: Sequence[Row]) -> Ids:
    names = {("project", name) for row in rows for name in row["projects"] or ()}
    return dimensions.find_ids(connection, names) if names else {}


def _projects(row: Row, ids: Ids) -> Projects:
    """Return the ids of projects, where they have one by now: a renamed one is the same."""
    if row["projects"] is None:
        return None
    return frozenset(ids[name] for each in row["projects"] if (name := ("project", each)) in ids)


def _spoken(row: Row, ids: Ids) -> Spoken:
    return Spoken(row["run_key"], _projects(row, ids))


def _place(row: Row, targets: Mapping[str, Sequence[Target]], ids: Ids) -> Place:
    return place_of(_spoken(row, ids), targets[row["number"]])


def _apply(
    connection: Connection, joined: Joined, said: Sequence[Row], places: Sequence[Place]
) -> None:
    rows = []
    for row, place in zip(said, places, strict=True):
        if not place.builds:
            continue
        joined.places[row["number"], row["run_key"], tuple(row["projects"] or ())] = place
        before = set(row["builds"] or ())
        joined.affected.update(place.builds, before)
        joined.emptied.update(before.difference(place.builds))
        rows.append(_row(row, place, before))
    if not rows:
        return
    joined.run_keys.update(shared_keys(row["run_key"] for row in rows))
    for name in ("join_claims", "join_events", "leave_claims"):
        connection.execute(query(f"plain_numbers/{name}"), {"rows": as_json(rows)})


def _row(row: Row, place: Place, before: set[UUID]) -> Row:
    names = ("number", "run_key", "projects")
    return {
        **{name: row[name] for name in names},
        "own": row["build_id"],
        "before": sorted(before),
        "builds": place.builds,
        "build_id": None if place.is_shared else place.builds[0],
        "shared": place.builds if place.is_shared else None,
    }
