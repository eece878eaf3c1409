"""Revoke builds and restore them. What follows for images and channels is computed when it is read.

Nothing in a cloud is touched.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from receiver.domain.image_errors import NotAssignable, NotCurrent
from receiver.domain.model import NUMBER_SHAPE
from receiver.errors import Forbidden, Invalid, NotFound, Taken
from receiver.storage import assignments, audit, channels, dimensions, lineage
from receiver.storage.audit import Target
from receiver.storage.db import Connection, Database, Row, array, query
from receiver.storage.dimensions import Own, is_within, own_words
from receiver.storage.moves import Move, Mover, Order
from receiver.storage.seen_revocations import seen
from receiver.storage.serving import ServingOf
from receiver.storage.touched import Touched

NO_BUILD = "There is no build of this number."


def preview(database: Database, number: str, own: Own = None) -> Row:
    """Return what a revocation of a build would concern, the one that holds, and all that did.

    Raises NotFound.
    """
    with database.transaction() as connection:
        build = _find(connection, number, own)
        touched = _touched(connection, build)
        shown = touched.shown(own, lambda project: is_within(connection, project, own))
        parameters = {"build_id": build["id"]}
        past = connection.execute(query("revocations/list_revocations"), parameters).fetchall()
        return shown | {"revocation": of_build(connection, build["id"], own), "history": past}


def revoke(
    connection: Connection, serving_of: ServingOf, number: str, body: Row, mover: Mover
) -> Row:
    """Revoke a build. Return its revocation, and what it concerns.

    Raises NotFound, Forbidden, Taken if it is revoked already, Invalid where it must be said what
    becomes of descendants, NotCurrent where there are others than expected; and what an assignment
    raises, for the channels that are rolled back.
    """
    build = _lock(connection, number, mover.read)
    _check_rights(connection, build, mover)
    if build["is_revoked"]:
        raise Taken(f"Build {build['build_number']} is revoked already. Restore it to change that.")
    touched = _touched(connection, build)
    if body.get("rollback"):
        # Before the audit trail: whoever moves a channel locks the channel, then the trail.
        assignments.lock(connection, [row["channel_id"] for row in touched.channels])
        touched = _touched(connection, build)  # what they hold may be another build by now
    descendants = _decided(touched, body)
    row = {
        "id": uuid7(),
        "build_id": build["id"],
        "reason": body["reason"],
        "at": _moment(body),
        "descendants": descendants,
        "replacement_id": _replacement(connection, build, body.get("replacement"), mover),
        "revoked_by": mover.actor.name,
    }
    added = connection.execute(query("revocations/insert_revocation"), row).fetchone() or {}
    concerned = touched if descendants else touched.alone()
    _note(connection, build, concerned, row | added, body, mover)
    rolled_back = _roll_back(connection, serving_of, concerned, body, mover)
    shown = touched.shown(mover.read, lambda name: is_within(connection, name, mover.read))
    revocation = of_build(connection, build["id"], mover.read)
    return shown | {"revocation": revocation, "rolled_back": rolled_back}


def restore(connection: Connection, number: str, mover: Mover) -> None:
    """Take the revocation of a build back. Raises NotFound, Forbidden."""
    build = _lock(connection, number, mover.read)
    _check_rights(connection, build, mover)
    row = {"build_id": build["id"], "restored_by": mover.actor.name}
    before = connection.execute(query("revocations/restore_revocations"), row).fetchall()
    if not before:
        raise NotFound(f"Build {build['build_number']} is not revoked.")
    target = Target("build", build["build_number"], build["id"])
    audit.note_change(connection, mover.actor, "build.restore", target, before=before[0])


def of_build(connection: Connection, build_id: UUID, own: Own = None) -> Row | None:
    """Return the revocation that concerns a build's last attempt, as answers have it."""
    rows = connection.execute(query("revocations/revocation_of"), {"build_id": build_id}).fetchall()
    found = seen(connection, rows, own)
    return found[0]["revocation"] if found else None


def _lock(connection: Connection, number: str, own: Own) -> Row:
    """Return a build about which no other transaction decides meanwhile. Raises NotFound."""
    _check_number(number)
    connection.execute(query("revocations/lock_build"), {"build_number": number})
    return _find(connection, number, own)


def _check_number(number: str) -> None:
    if not NUMBER_SHAPE.fullmatch(number):  # the driver takes no NUL
        raise NotFound(NO_BUILD)


def _find(connection: Connection, number: str, own: Own) -> Row:
    _check_number(number)
    row = connection.execute(query("revocations/find_build"), {"build_number": number}).fetchone()
    if row is None or not is_within(connection, row["project"], own):
        raise NotFound(NO_BUILD)
    return row


def _check_rights(connection: Connection, build: Row, mover: Mover) -> None:
    if not is_within(connection, build["project"], mover.promote):
        words = own_words(build["project"]) if build["project"] else "every project"
        raise Forbidden(f"This needs a token of scope promote for {words}.")


def _touched(connection: Connection, build: Row) -> Touched:
    walk = lineage.descendants(connection, build["id"])
    projects = {row["project"] for row in walk.rows}
    reached = {each for each in projects if _reaches(connection, build["project"], each)}
    nodes = [row for row in walk.rows if row["project"] in reached]
    # An earlier attempt of a build that was made again is no image, but may be in a channel.
    latest = [row for row in walk.rows if row["attempt"] == row["latest_attempt"]]
    ours = [row for row in latest if row["project"] in reached]
    others = [row for row in latest if row["project"] not in reached]
    return Touched(build, ours, others, _held_of(connection, build, nodes), walk.is_cut)


def _held_of(connection: Connection, build: Row, nodes: Sequence[Row]) -> list[Row]:
    """Return what channels hold of a build and of these attempts of its descendants."""
    build_ids = {build["id"], *(row["build_id"] for row in nodes)}
    parameters = {"build_ids": array(sorted(build_ids))}
    rows = connection.execute(query("revocations/channels_of_builds"), parameters).fetchall()
    known = {(row["build_id"], row["attempt"]) for row in nodes}
    return [
        row
        for row in rows
        if row["build_id"] == build["id"] or (row["build_id"], row["attempt"]) in known
    ]


def _reaches(connection: Connection, project: str | None, other: str | None) -> bool:
    """Return whether the revocation of a build revokes a descendant too: as is_project_within()."""
    return project == other if project is None else is_within(connection, other, project)


def _decided(touched: Touched, body: Row) -> bool:
    """Return whether descendants are revoked too. Raises Invalid, NotCurrent."""
    count = len(touched.descendants)
    expected = body.get("expect_descendants")
    if expected is not None and expected != count:
        raise NotCurrent(f"It has {count} descendants, not {expected}.")
    if body.get("descendants") is None and (count or touched.others):
        total = count + len(touched.others)
        words = f"It has {total} descendant{'s' if total > 1 else ''}: say whether they go too."
        raise Invalid(fields={"descendants": [words]})
    return bool(body.get("descendants"))


def _moment(body: Row) -> datetime | None:
    if body.get("at") and body.get("in"):
        raise Invalid(fields={"at": ["Say either at or in."]})
    if body.get("in"):
        at: datetime = datetime.now(UTC) + body["in"]
        return at
    moment: datetime | None = body.get("at")
    return moment


def _replacement(
    connection: Connection, build: Row, number: str | None, mover: Mover
) -> UUID | None:
    if number is None:
        return None
    ids = dimensions.find_ids(connection, [("build", number)])
    found = ids.get(("build", number))
    if found is None or found == build["id"]:
        raise Invalid(fields={"replacement": ["There is no other build of this number."]})
    _find(connection, number, mover.read)
    revocation = of_build(connection, found)
    if revocation and revocation["kind"] == "revoked":
        raise Invalid(fields={"replacement": [f"Build {number} is revoked as well."]})
    return found


def _roll_back(
    connection: Connection, serving_of: ServingOf, touched: Touched, body: Row, mover: Mover
) -> list[Row]:
    """Move each named channel to another build of the same image, or to what it held before of each
    image that the revocation concerns: ordinary assignments."""
    moved: list[Row] = []
    for each in body.get("rollback", ()):
        held = _held(connection, touched, each, mover.read)
        moves = _backs(connection, serving_of, held, each.get("build_number"), mover.read)
        order = Order(note=f"Instead of {touched.build['build_number']}: {body['reason']}"[:4000])
        moved += assignments.move(connection, moves, order, mover)[0]
    return moved


def _held(connection: Connection, touched: Touched, wanted: Row, own: Own) -> list[Row]:
    """Return what a channel holds now of what is concerned. Raises NotFound."""
    name, project = wanted["channel"], wanted.get("project")
    visible = {each["id"] for each in channels.visible(connection, name, own)}
    rows = [
        row
        for row in touched.channels
        if row["channel_id"] in visible and project in (None, row["channel_project"])
    ]
    if not rows:
        raise NotFound(f"The channel {name} holds none of this.")
    return rows


def _backs(
    connection: Connection,
    serving_of: ServingOf,
    held: Sequence[Row],
    number: str | None,
    own: Own,
) -> list[Move]:
    """Return the moves of what channels hold: each to what it held before; to a build the one of
    its image alone. Raises NotAssignable where none is."""
    if number is None:
        return [assignments.roll_back(connection, _channel(connection, row), row) for row in held]
    moves = []
    for row in held:
        channel = _channel(connection, row)
        move = assignments.of_build(connection, serving_of, channel, number, own)
        moves += [move] if _is_of_image(move, row) else []
    if not moves:
        numbers = " and ".join(sorted({row["build_number"] for row in held}))
        raise NotAssignable(f"Build {number} is of another image than {numbers}.")
    return moves


def _channel(connection: Connection, held: Row) -> Row:
    every = channels.visible(connection, held["channel"], None)
    return next(each for each in every if each["id"] == held["channel_id"])


def _is_of_image(move: Move, held: Row) -> bool:
    return all(move.image[name] == held[name] for name in assignments.IDS)


def _note(
    connection: Connection, build: Row, touched: Touched, row: Row, body: Row, mover: Mover
) -> None:
    after: dict[str, Any] = {name: row[name] for name in ("reason", "at", "descendants")}
    after |= {
        "replacement": body.get("replacement"),
        "descendant_count": len(touched.descendants),
        "channels": sorted({each["channel"] for each in touched.channels}),
    }
    target = Target("build", build["build_number"], build["id"])
    audit.note_change(connection, mover.actor, "build.revoke", target, after=after)
