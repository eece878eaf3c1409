"""The only writer: one transaction for the deliveries that wait, committed before any is answered.

Locks are taken in one order everywhere (the deliveries' keys, names, run keys, builds), so that no
two transactions wait for each other but by the rarest of meetings, which are tried again.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from receiver.domain.model import Delivery, Parsed, Statement
from receiver.domain.stages import StageMap
from receiver.errors import Conflict, Contended, Invalid, Unavailable
from receiver.storage import appending, deliveries, dimensions, job_matching
from receiver.storage.db import Connection, Cursor, Database, Row, array, as_json, query
from receiver.storage.deliveries import Entry, Recorded
from receiver.storage.dimensions import Ids, Name
from receiver.storage.job_matching import Builds
from receiver.storage.refold import refold

TRIES = 3  # of what met another transaction in a way that one of the two had to give up


def known(database: Database, delivery: Delivery) -> Recorded | None:
    """The delivery of this key, if it was kept before; Conflict where its content differs."""
    with database.transaction() as connection:
        return deliveries.known(connection, delivery)


def record_all(
    database: Database, entries: Sequence[Entry], stages: StageMap
) -> list[Recorded | Exception]:
    """Keep deliveries and apply them, in one transaction; gives what came of each, in order.

    Recorded where it was kept or had been there, Conflict, Invalid. Where one of them cannot be
    applied, none is, and each is tried alone. Unavailable is raised: it concerns all.
    """
    if len(entries) == 1:
        return [_alone(database, entries[0], stages)]
    try:
        return _recorded(database, entries, stages)
    except Unavailable as error:
        if not isinstance(error, Contended):
            raise
    except Exception:  # noqa: BLE001, S110  # whatever it is, it is the one's whose own try shows it
        pass
    return [_alone(database, each, stages) for each in entries]


def record_on(
    connection: Connection, delivery: Delivery, parsed: Parsed, stages: StageMap
) -> Recorded:
    """Keep a delivery and apply it as a part of the caller's transaction; Conflict, Invalid."""
    (outcome,) = _keep(connection, [Entry(delivery, parsed)], stages)
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def replay_on(
    connection: Connection,
    delivery_id: UUID,
    read: Callable[[Delivery], Parsed],
    stages: StageMap,
) -> Recorded:
    """Read a kept delivery anew in place of what it had said; NotFound, Pruned.

    It is a part of the caller's transaction.
    """
    delivery = deliveries.locked(connection, delivery_id)
    entry = Entry(delivery, read(delivery))
    said = connection.execute(query("record/events_of_delivery"), {"id": delivery_id}).fetchall()
    keys = job_matching.meetable([*_keys(entry.parsed), *_keys_before(said)])
    _begin(connection, keys)
    ids = dimensions.find_ids(connection, _names([entry]))
    parsed = entry.parsed
    row = {"outcome": parsed.outcome, "reason": parsed.reason, "flags": list(parsed.flags)}
    connection.execute(query("record/update_delivery"), row | {"id": delivery_id})
    touched = _apply(connection, [entry], keys, stages, ids, said)
    return _outcome(entry, touched[delivery_id])


def heard(database: Database, build_numbers: Sequence[str], at: datetime) -> None:
    """Note that these builds' senders are alive; unknown builds are left unknown."""
    with database.transaction() as connection:
        connection.execute(query("record/heard"), {"build_numbers": list(build_numbers), "at": at})


def _alone(database: Database, entry: Entry, stages: StageMap) -> Recorded | Exception:
    for left in reversed(range(TRIES)):
        try:
            return _recorded(database, [entry], stages)[0]
        except Contended as error:
            if not left:
                return error
        except Unavailable:  # nobody behind it shall wait in vain, too
            raise
        except Exception as error:  # noqa: BLE001  # raised again by the thread that waits for it
            return error
    raise AssertionError  # the last try returns


def _recorded(
    database: Database, entries: Sequence[Entry], stages: StageMap
) -> list[Recorded | Exception]:
    with database.transaction() as connection:
        return _keep(connection, entries, stages)


def _keep(
    connection: Connection, entries: Sequence[Entry], stages: StageMap
) -> list[Recorded | Exception]:
    """What is asked before its answer is needed goes to the server together (a pipeline)."""
    keys = job_matching.meetable(key for entry in entries for key in _keys(entry.parsed))
    deliveries.send_ahead(connection, entries)
    with connection.pipeline():
        _begin(connection, keys)
        kept = deliveries.insert(connection, entries)
        names = dimensions.request_ids(connection, _names(entries))
        fresh = {row["id"] for row in kept.fetchall()}
        new = [each for each in entries if each.delivery.id in fresh]
        touched = _apply(connection, new, keys, stages, dimensions.read_ids(names))
        deliveries.note_heartbeats(connection, new)
        return _outcomes(connection, entries, touched)


def _outcomes(
    connection: Connection, entries: Sequence[Entry], touched: Mapping[UUID, tuple[str, ...]]
) -> list[Recorded | Exception]:
    """Of each what came of it; of those that had come before, once this is written: one may have
    come in the same transaction."""
    asked = [
        None if each.delivery.id in touched else deliveries.ask(connection, each.delivery)
        for each in entries
    ]
    return [
        _outcome(each, touched[each.delivery.id])
        if found is None
        else _before(found, each.delivery)
        for each, found in zip(entries, asked, strict=True)
    ]


def _begin(connection: Connection, keys: Sequence[str]) -> None:
    connection.execute(
        query("record/begin_recording"), {"locks": as_json(job_matching.locks(keys))}
    )


def _names(entries: Sequence[Entry]) -> set[Name]:
    """All that these deliveries name, builds among it."""
    told = [statement for entry in entries for statement in _told(entry.parsed)]
    return dimensions.names_of(told) | {("build", number) for number in _numbers(entries)}


def _before(asked: Cursor, delivery: Delivery) -> Recorded | Conflict:
    try:
        found = deliveries.answered(asked, delivery)
    except Conflict as error:
        return error
    if found is None:  # it was pruned between two statements
        raise Contended("The delivery was removed meanwhile.")
    return found


def _outcome(entry: Entry, touched: tuple[str, ...]) -> Recorded:
    unused = entry.parsed.reports and not touched
    outcome = "ignored" if unused else entry.parsed.outcome
    return Recorded(entry.delivery.id, duplicate=False, outcome=outcome, build_numbers=touched)


def _apply(
    connection: Connection,
    entries: Sequence[Entry],
    keys: Sequence[str],
    stages: StageMap,
    ids: Ids,
    before: Sequence[Row] = (),
) -> dict[UUID, tuple[str, ...]]:
    """Append what was said, decide who meets whom, fold each build touched; give their numbers.

    `keys` are locked; `ids` are those of all names that there are. `before` is what the only
    delivery had said until now: build_id, run_key, alias_key.
    """
    told = [statement for entry in entries for statement in _told(entry.parsed)]
    if not told and not before:
        return {entry.delivery.id: () for entry in entries}
    ids = dimensions.ensure_ids(connection, dimensions.names_of(told), ids)
    builds = job_matching.builds_of(connection, _numbers(entries), ids)
    locking = _lock(connection, builds.values())
    if before:
        connection.execute(query("record/delete_events"), {"id": entries[0].delivery.id})
    appending.append(connection, entries, builds)
    jobs = job_matching.ask_jobs(connection, keys)
    locked = locking.fetchall()
    job_matching.claim(connection, [build["id"] for build in locked if build["native"]])
    settled = job_matching.settle(connection, jobs, ids)
    touched = {entry.delivery.id: _touched(entry, builds, settled) for entry in entries}
    if before:
        _forget(connection, touched[entries[0].delivery.id], before)
    if before or settled:
        locked = _lock(connection, set[UUID]().union(*touched.values())).fetchall()
    return _refold(connection, entries, touched, locked, stages, ids)


def _lock(connection: Connection, build_ids: Iterable[UUID]) -> Cursor:
    """Let one transaction at a time fold these builds."""
    return connection.execute(query("record/lock_builds"), {"build_ids": array(sorted(build_ids))})


def _told(parsed: Parsed) -> list[Statement]:
    return [*parsed.statements, *(report.statement for report in parsed.reports)]


def _keys(parsed: Parsed) -> Iterator[str]:
    for statement in parsed.statements:
        yield statement.run.key
    for report in parsed.reports:
        yield report.statement.run.key
        if report.alias:
            yield report.alias


def _keys_before(before: Sequence[Row]) -> Iterator[str]:
    for row in before:
        yield row["run_key"]
        if row["alias_key"]:
            yield row["alias_key"]


def _numbers(entries: Sequence[Entry]) -> set[str]:
    return {each.build_number for entry in entries for each in entry.parsed.statements}


def _touched(entry: Entry, builds: Mapping[str, UUID], settled: Builds) -> set[UUID]:
    touched = {builds[each.build_number] for each in entry.parsed.statements}
    return touched.union(*(settled.get(key, ()) for key in _keys(entry.parsed)))


def _forget(connection: Connection, touched: set[UUID], before: Sequence[Row]) -> None:
    """A delivery that was read anew may say nothing more of the builds that it had spoken of."""
    touched |= {row["build_id"] for row in before if row["build_id"]}
    _lock(connection, touched)
    connection.execute(query("record/delete_silent_builds"), {"build_ids": array(sorted(touched))})


def _refold(
    connection: Connection,
    entries: Sequence[Entry],
    touched: Mapping[UUID, set[UUID]],
    builds: Sequence[Row],
    stages: StageMap,
    ids: Ids,
) -> dict[UUID, tuple[str, ...]]:
    """Fold the builds that were touched and are locked; gives the numbers of each delivery's."""
    if not builds:
        return dict.fromkeys(touched, ())
    heard_at: dict[UUID, datetime] = {}
    for entry in entries:
        _refuse_another(entry.delivery, builds, touched)
        _refuse_company(entry.delivery, entries, touched)
        for build_id in touched[entry.delivery.id]:
            at = entry.delivery.request.received_at
            heard_at[build_id] = max(at, heard_at.get(build_id, at))
    refold(connection, builds, stages, heard_at, ids)
    return {
        delivery_id: tuple(each["build_number"] for each in builds if each["id"] in mine)
        for delivery_id, mine in touched.items()
    }


def _refuse_another(
    delivery: Delivery, builds: Sequence[Row], touched: Mapping[UUID, set[UUID]]
) -> None:
    """Invalid where a build is of a project that the sender may not write."""
    if not delivery.projects:
        return
    for build in builds:
        is_ours = build["project"] is None or build["project"] in delivery.projects
        if build["id"] in touched[delivery.id] and not is_ours:
            problem = f"This build is of another project than {', '.join(delivery.projects)}."
            raise Invalid(fields={"build.number": [problem]})


def _refuse_company(
    delivery: Delivery, entries: Sequence[Entry], touched: Mapping[UUID, set[UUID]]
) -> None:
    """Contended where others in this transaction, who may write other projects, touch its builds:
    whose a new build is, the first of them decides."""
    for other in (entry.delivery for entry in entries):
        if other.projects != delivery.projects and touched[other.id] & touched[delivery.id]:
            raise Contended("Another sender speaks of this build at the same time.")
