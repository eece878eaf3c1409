"""The one transaction of a delivery: keep it, find its builds, fold them, write what differs.

Locks are taken once, in one order: runs and jobs by key, deliveries by key, names, builds by id.
If two transactions wait for each other all the same, one raises Contended and is tried again.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from msgspec.structs import replace

from receiver.domain.delivery import Delivery, Outcome
from receiver.domain.job_matching import is_run, shared_keys
from receiver.domain.quarantine import quarantine
from receiver.domain.stage_map import StageMap
from receiver.errors import Conflict, Contended, Invalid, TooManyEvents, Unavailable
from receiver.storage import deliveries as inbox
from receiver.storage import (
    delivery_names,
    dimensions,
    event_bound,
    events,
    job_matching,
    notice_causes,
    plain_numbers,
    projections,
    refold,
    run_locks,
    stage_maps,
    write_access,
)
from receiver.storage.db import Connection, Cursor, Database, Row, array, query
from receiver.storage.dimensions import Ids
from receiver.storage.job_matching import Matches
from receiver.storage.plain_numbers import Joined

TRIES = 3  # of a delivery that met another transaction
NOTHING: frozenset[str] = frozenset()


def record_batch(
    database: Database,
    deliveries: Sequence[Delivery],
    stages: StageMap,
    noted: frozenset[str] = NOTHING,
) -> list[Outcome | Exception]:
    """Record deliveries in one transaction. Return an outcome or an error for each, in order.

    Errors are Conflict and Invalid. If one of them cannot be applied, none is, and each is tried
    alone. Raises Unavailable, which concerns all of them.
    """
    if len(deliveries) > 1:
        try:
            with database.transaction() as connection:
                return [*record(connection, deliveries, stages, noted=noted)]
        except Unavailable as error:
            if not isinstance(error, Contended):
                raise
        except Exception:  # noqa: BLE001, S110  # its own try shows whose error it is
            pass
    return [_record_alone(database, each, stages, noted) for each in deliveries]


def record(
    connection: Connection,
    deliveries: Sequence[Delivery],
    stages: StageMap,
    replaced: Sequence[Row] | None = None,
    noted: frozenset[str] = NOTHING,
) -> list[Outcome | Conflict]:
    """Record deliveries in the caller's transaction. Return an outcome or a Conflict for each.

    `replaced` are the events of the one delivery that is replayed: build_id, run_key, alias_key.
    `noted` are the causes of notices that are worth noting; a replay notes none.
    Raises Invalid, Contended. Statements whose results are not needed at once go to the server
    together (https://www.psycopg.org/psycopg3/docs/advanced/pipeline.html).
    """
    keys = shared_keys(delivery_names.run_keys(deliveries, replaced))
    with connection.pipeline():
        # 1 Lock the CI runs: one transaction at a time decides which builds their jobs belong to.
        routed = sorted(delivery_names.routed_numbers(deliveries))
        run_locks.lock(connection, keys, plain_numbers.numbers_of(deliveries), routed)
        # 2 Insert each delivery under its key; a key that is there already is a duplicate.
        inserted = _insert(connection, deliveries, replaced)
        # 3 Resolve the names of dimensions, and the numbers of builds, to ids.
        names = dimensions.request_ids(connection, delivery_names.names(deliveries))
        new_ids = {row["id"] for row in inserted.fetchall()}
        new = [each for each in deliveries if each.id in new_ids]
        if replaced is None:
            inbox.keep_bodies(connection, new)
        ids = _ensure_names(connection, new, dimensions.read_ids(names))
        # 4 to 9 Apply what the new ones state.
        outcomes = _apply(connection, new, ids, stages, replaced, noted)
        return inbox.with_duplicates(connection, deliveries, outcomes)


def _apply(
    connection: Connection,
    new: Sequence[Delivery],
    ids: Ids,
    stages: StageMap,
    replaced: Sequence[Row] | None,
    noted: frozenset[str],
) -> dict[UUID, Outcome]:
    """Apply new deliveries to their builds, and return the outcome of each."""
    # 4 Find or create the builds that hooks name, and those that routes make of jobs.
    builds = job_matching.find_or_create_builds(connection, delivery_names.numbers(new), ids)
    ids = job_matching.with_routed_builds(connection, delivery_names.routed_numbers(new), ids)
    # 5 Append the events.
    events.append(connection, new, builds, ids)
    # 6 Join what jobs say under a plain number with the builds of Packer's targets, then match
    # forge jobs with hook builds; a duplicate changes nothing.
    joined = plain_numbers.join(connection, new, builds)
    matches = _match(connection, {*delivery_names.run_keys(new, replaced)}, joined, ids)
    # 7 Lock every build concerned, in id order, and fold it.
    previous = {row["build_id"] for row in replaced or () if row["build_id"]}
    concerned = {each.id: previous | _builds_of(each, joined, matches, ids) for each in new}
    affected = matches.affected.union(joined.affected, *concerned.values())
    emptied = matches.emptied.union(joined.emptied, previous)
    locked = _lock_builds(connection, affected | previous, emptied)
    plain_numbers.write_redirects(connection, joined)
    stages = stage_maps.newest(connection, locked, stages)
    folded = refold.fold_builds(connection, [build["id"] for build in locked], stages)
    ids = dimensions.ids_of(connection, [each.identity for each in folded.values()], ids)
    # 8 Refuse a build of a project that its sender may not write, and one of too many events.
    write_access.check(connection, new, write_access.Builds(concerned, locked, folded, ids))
    event_bound.check(new if replaced is None else [], joined, folded)
    # 9 Write what differs.
    heard_at = _heard_at(new, concerned)
    projections.write(connection, locked, folded, heard_at, ids, stages.version)
    _note_heartbeats(connection, new if replaced is None else [])
    outcomes = _outcomes(new, locked, concerned, matches.changed_outcomes())
    notice_causes.note(connection, noted, locked, folded, outcomes.values())
    return outcomes


def record_one(
    connection: Connection,
    delivery: Delivery,
    stages: StageMap,
    replaced: Sequence[Row] | None = None,
    noted: frozenset[str] = NOTHING,
) -> Outcome:
    """Record one delivery as record() does. Raises Conflict, Invalid, Contended."""
    (outcome,) = record(connection, [delivery], stages, replaced, noted)
    if isinstance(outcome, Conflict):
        raise outcome
    return outcome


def find(database: Database, delivery: Delivery) -> Outcome | None:
    """Return the outcome of the delivery of this key, None if there is none. Raises Conflict."""
    with database.transaction() as connection:
        return inbox.duplicate_of(delivery, inbox.ask(connection, delivery).fetchone())


def touch(database: Database, delivery: Delivery) -> None:
    """Note the heartbeats of a delivery of nothing else; unknown numbers are left unknown.

    Raises Invalid for a build that its sender may not write.
    """
    numbers = sorted({each.build_number for each in delivery.content.statements})
    with database.transaction() as connection:
        write_access.check_heartbeats(connection, delivery, numbers)
        _touch(connection, delivery, numbers)


def _record_alone(
    database: Database, delivery: Delivery, stages: StageMap, noted: frozenset[str]
) -> Outcome | Exception:
    for tries_left in reversed(range(TRIES)):
        try:
            with database.transaction() as connection:
                return record_one(connection, delivery, stages, noted=noted)
        except Contended as error:
            if not tries_left:
                return error
        except Unavailable:  # no delivery behind this one shall wait in vain
            raise
        except TooManyEvents as error:
            rest = event_bound.without_bounded(delivery, error)
            return _record_alone(database, rest, stages, noted) if rest else error
        except Invalid as error:
            if delivery.own or delivery.content.outcome == "quarantined":
                return error
            kept = replace(delivery, content=quarantine(error))
            return _record_alone(database, kept, stages, noted)
        except Exception as error:  # noqa: BLE001  # raised again by the thread that waits for it
            return error
    raise AssertionError  # the last try returns


def _insert(
    connection: Connection, deliveries: Sequence[Delivery], replaced: Sequence[Row] | None
) -> Cursor:
    """Insert deliveries, or replace what one of them stated. Return a cursor over the new ids."""
    if replaced is None:
        return inbox.insert(connection, deliveries)
    return inbox.replace_content(connection, deliveries[0])


def _ensure_names(connection: Connection, new: Sequence[Delivery], ids: Ids) -> Ids:
    statements = [each for delivery in new for each in delivery.content.all_statements]
    if not statements:
        return ids
    return dimensions.ensure_ids(connection, dimensions.names_of(statements), ids)


def _match(connection: Connection, new_keys: set[str], joined: Joined, ids: Ids) -> Matches:
    """Match the jobs under the keys of new deliveries, and under those of the jobs they join."""
    if others := sorted(joined.run_keys - new_keys):
        run_locks.lock(connection, others)
    return job_matching.match(connection, shared_keys(new_keys | joined.run_keys), ids)


def _lock_builds(
    connection: Connection, build_ids: frozenset[UUID], emptied: frozenset[UUID]
) -> list[Row]:
    """Lock builds in id order. Return them without those of `emptied` that have no event left."""
    if not build_ids:
        return []
    parameters = {"build_ids": array(sorted(build_ids))}
    builds = connection.execute(query("record/lock_builds"), parameters)
    if not emptied:
        return builds.fetchall()
    parameters = {"build_ids": array(sorted(emptied))}
    deleted = connection.execute(query("record/delete_silent_builds"), parameters)
    gone = {row["id"] for row in deleted.fetchall()}
    return [build for build in builds.fetchall() if build["id"] not in gone]


def _heard_at(new: Sequence[Delivery], concerned: Mapping[UUID, set[UUID]]) -> dict[UUID, datetime]:
    """Return the time of the last delivery of each build; checks are no sign of its life."""
    times: dict[UUID, datetime] = {}
    for delivery in (each for each in new if not each.content.is_of_checks):
        at = delivery.request.received_at
        for build_id in concerned[delivery.id]:
            times[build_id] = max(at, times.get(build_id, at))
    return times


def _note_heartbeats(connection: Connection, new: Sequence[Delivery]) -> None:
    """Note the heartbeats among other events, which promise more of them."""
    for delivery in new:
        numbers = [
            statement.build_number
            for statement in delivery.content.statements
            if any(event.kind == "heartbeat" for event in statement.events)
        ]
        if numbers:
            _touch(connection, delivery, numbers)


def _touch(connection: Connection, delivery: Delivery, build_numbers: Sequence[str]) -> None:
    at, projects = delivery.request.received_at, sorted(delivery.projects) or None
    parameters = {"build_numbers": list(build_numbers), "at": at, "projects": projects}
    connection.execute(query("record/touch_builds"), parameters)


def _outcomes(
    new: Sequence[Delivery],
    locked: Sequence[Row],
    concerned: Mapping[UUID, set[UUID]],
    changed: Mapping[UUID, str],
) -> dict[UUID, Outcome]:
    """Return the outcome of each new delivery, with the numbers of its builds."""
    outcomes = {}
    for delivery in new:
        builds = concerned[delivery.id]
        numbers = tuple(build["build_number"] for build in locked if build["id"] in builds)
        kind = changed.get(delivery.id, delivery.content.outcome)
        outcomes[delivery.id] = Outcome(delivery.id, kind, build_numbers=numbers)
    return outcomes


def _builds_of(delivery: Delivery, joined: Joined, matches: Matches, ids: Ids) -> set[UUID]:
    """Return the builds that a delivery names, and those of the jobs that it reports. Of a whole
    run, whose jobs may be of several projects, these are the ones that its sender may write."""
    stated = (joined.builds_of(delivery, each) for each in delivery.content.statements)
    found = {build for builds in stated for build in builds}
    allowed = write_access.allowed(delivery, ids)
    for report in delivery.content.reports:
        own = matches.builds.get(report.statement.run.key, set())
        if allowed is not None and is_run(report.statement.run.key):
            own = {each for each in own if matches.projects[each] in allowed}
        found |= own
    return found
