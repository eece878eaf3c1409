"""Move images into channels and out of them. Each assignment is a new row; none is ever changed.

One transaction at a time changes a channel, so that what a request expects to be current still is
when it is replaced.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from receiver.domain import assignable
from receiver.domain.image_errors import Gate, NotAssignable, NotCurrent, Revoked
from receiver.domain.model import DIMENSIONS
from receiver.errors import Forbidden, Invalid, NotFound
from receiver.storage import audit, channels, dimensions, gates
from receiver.storage.confirmed_images import title
from receiver.storage.db import Connection, Row, array, as_json, query
from receiver.storage.dimensions import Own, is_within, own_words
from receiver.storage.moves import Move, Mover, Order
from receiver.storage.seen_revocations import seen
from receiver.storage.serving import ServingOf, rules

NO_BUILD = "There is no build of this number."
WAYS = ("build_number", "from_channel", "previous")  # to say what is assigned
IDS = tuple(f"{name}_id" for name in DIMENSIONS)


def assign(
    connection: Connection, serving_of: ServingOf, name: str, body: Row, mover: Mover
) -> tuple[list[Row], bool]:
    """Assign a build, what another channel holds, or what this one held before. Return what is
    current then of each image, and whether it was before.

    Raises NotFound, NotAssignable, Revoked, NotCurrent, Gate, Forbidden, Invalid.
    """
    if sum(way in body for way in WAYS) != 1:
        raise Invalid(fields={"build_number": [f"Say one of {', '.join(WAYS)}."]})
    if "build_number" in body:
        moves = [_of_build(connection, serving_of, name, body, mover)]
    elif "previous" in body:
        moves = [_of_before(connection, name, body, mover)]
    else:
        moves = _of_channel(connection, name, body, mover)
    return move(connection, moves, order_of(body), mover)


def unassign(connection: Connection, name: str, body: Row, mover: Mover) -> None:
    """Take an image out of a channel. Raises NotFound, NotCurrent, Forbidden."""
    channel, held = _held(connection, name, body, mover)
    move(connection, [Move(channel, held)], order_of(body), mover)


def order_of(body: Row) -> Order:
    """Return the order in a checked body."""
    return Order(body.get("note"), "expect" in body, body.get("expect"), bool(body.get("override")))


def move(
    connection: Connection, moves: Sequence[Move], order: Order, mover: Mover
) -> tuple[list[Row], bool]:
    """Make these moves, or none of them; see assign()."""
    if order.expects and len(moves) > 1:
        raise Invalid(fields={"expect": ["The channel holds several images: name the image."]})
    lock(connection, [each.channel["id"] for each in moves])
    added = [_move(connection, each, order, mover) for each in moves]
    held = [_current(connection, each.channel, each.image) for each in moves]
    return [row for row in held if row], not any(added)


def previous(connection: Connection, channel: Row, held: Row) -> list[Row]:
    """Return what a channel held of an image before and may hold again, newest first."""
    row = {name: held[name] for name in (*IDS, "build_id")} | {"channel_id": channel["id"]}
    rows = connection.execute(query("channels/previous_assignments"), row).fetchall()
    return [each for each in rows if not _problem_of_held(each)]


def roll_back(connection: Connection, channel: Row, held: Row) -> Move:
    """Return the move to what a channel held of an image before. Raises NotFound."""
    earlier = previous(connection, channel, held)
    if not earlier:
        raise NotFound(f"The channel {channel['name']} held no other build that may be used.")
    return _again(channel, earlier[0])


def of_build(
    connection: Connection, serving_of: ServingOf, channel: Row, number: str, own: Own
) -> Move:
    """Return the move of a build into a channel. Raises NotFound, NotAssignable, Revoked."""
    row = candidate(connection, serving_of, number, own)
    return _checked(channel, row)


def candidate(connection: Connection, serving_of: ServingOf, number: str, own: Own) -> Row:
    """Return a build that somebody wants to assign. Raises NotFound."""
    parameters = {"build_number": number, "rules": as_json(rules(connection, serving_of))}
    row = connection.execute(query("channels/find_candidate"), parameters).fetchone()
    if row is None or not is_within(connection, row["project"], own):
        raise NotFound(NO_BUILD)
    return seen(connection, [row], own)[0]


def _of_build(
    connection: Connection, serving_of: ServingOf, name: str, body: Row, mover: Mover
) -> Move:
    row = candidate(connection, serving_of, body["build_number"], mover.read)
    project = row["project"]
    channel = channels.find(connection, name, body.get("project"), mover.read, project or "")
    return _checked(channel, row)


def _of_before(connection: Connection, name: str, body: Row, mover: Mover) -> Move:
    if "image" not in body:
        raise Invalid(fields={"image": ["Name the image whose build before is meant."]})
    return roll_back(connection, *_held(connection, name, body, mover))


def _held(connection: Connection, name: str, body: Row, mover: Mover) -> tuple[Row, Row]:
    """Return a channel, locked, and what it holds of the body's `image`. Raises NotFound."""
    names = {key: text for key, text in body["image"].items() if text}
    current = dimensions.current_names(connection, names)
    of_project = current.get("project")
    channel = channels.find(connection, name, body.get("project"), mover.read, of_project or "")
    lock(connection, [channel["id"]])
    held = channels.current(connection, [channel["id"]], current, mover.read)
    rows = [row for row in held if row["project"] == of_project]
    if not rows:
        raise NotFound(f"The channel {channel['name']} holds no such image.")
    return channel, rows[0]


def _checked(channel: Row, row: Row) -> Move:
    if assignable.is_refused(row["revocation"]):
        raise Revoked(assignable.revoked(row["build_number"], row["revocation"]))
    if problem := assignable.problem(row):
        raise NotAssignable(problem)
    kept = assignable.kept(row["artifacts"])
    return Move(channel, row, row["id"], row["build_number"], row["attempt"], kept)


def _of_channel(connection: Connection, name: str, body: Row, mover: Mover) -> list[Move]:
    """Return the moves of what a channel holds, attempts and all."""
    source, project = body["from_channel"], body.get("project")
    names = {key: text for key, text in body.get("image", {}).items() if text}
    names = dimensions.current_names(connection, names)
    if project is None:
        rows = channels.of_images(connection, source, names, mover.read)
    else:
        origin = channels.find(connection, source, project, mover.read)
        rows = channels.current(connection, [origin["id"]], names, mover.read)
    if not rows:
        raise NotFound(f"The channel {source} holds no such image.")
    targets = channels.visible(connection, name.replace("\0", ""), mover.read)
    if project is None and "image" not in body and targets:  # another project has no such channel
        rows = [r for r in rows if channels.nearest(connection, targets, r["project"])] or rows
    for row in rows:
        if assignable.is_refused(row["revocation"]):
            raise Revoked(assignable.revoked(row["build_number"], row["revocation"]))
        if problem := _problem_of_held(row):
            raise NotAssignable(problem)
    return [
        _again(channels.find(connection, name, project, mover.read, row["project"] or ""), row)
        for row in rows
    ]


def _again(channel: Row, row: Row) -> Move:
    """Return the move of a build that is or was in a channel, with what was pinned of it."""
    other = row["channel"] if row["channel"] != channel["name"] else None
    pinned = (row["build_id"], row["build_number"], row["attempt"], row["artifacts"])
    return Move(channel, row, *pinned, from_channel=other)


def _problem_of_held(row: Row) -> str | None:
    if assignable.is_refused(row["revocation"]):
        return assignable.revoked(row["build_number"], row["revocation"])
    return assignable.problem_of_pinned(row | {"attempt": row["last_attempt"]}, row["attempt"])


def lock(connection: Connection, channel_ids: Sequence[UUID]) -> None:
    """Let one transaction at a time change these channels."""
    parameters = {"channel_ids": array(sorted(set(channel_ids)))}
    connection.execute(query("channels/lock_channels"), parameters)


def _move(connection: Connection, wanted: Move, order: Order, mover: Mover) -> bool:
    """Add one assignment to a locked channel. Return False where it is current already."""
    channel, image = wanted.channel, wanted.image
    _check_rights(connection, channel, image["project"], mover)
    held = _current(connection, channel, image)
    if order.expects:
        _check_expected(connection, channel, held, order.expect)
    if wanted.build_id and held and _is_same(held, wanted):
        return False
    passed_over = _check_gate(connection, wanted, order, mover)
    row = {name: image[name] for name in IDS} | {
        "id": uuid7(),
        "channel_id": channel["id"],
        "build_id": wanted.build_id,
        "attempt": wanted.attempt,
        "artifacts": as_json(list(wanted.artifacts)),
        "from_channel": wanted.from_channel,
        "note": order.note,
        "override": bool(passed_over),
        "assigned_by": mover.actor.name,
    }
    connection.execute(query("channels/insert_assignment"), row)
    _note(connection, wanted, order, mover, held, passed_over)
    return True


def _check_rights(connection: Connection, channel: Row, project: str | None, mover: Mover) -> None:
    """Raise Forbidden unless they may move this image; NotAssignable if it is no image of the
    channel's project."""
    if not is_within(connection, project, channel["project"]):
        raise NotAssignable(f"The channel is for images of {own_words(channel['project'])}.")
    if not channel["restricted"]:
        if not is_within(connection, project, mover.write):
            raise Forbidden(f"This token writes {own_words(mover.write)}.")
        return
    if not is_within(connection, channel["project"] or project, mover.promote):
        raise Forbidden(
            f"The channel {channel['name']} is restricted: it needs a token of scope promote for "
            f"{own_words(channel['project'] or project)}."
        )


def _check_expected(
    connection: Connection, channel: Row, held: Row | None, expect: str | None
) -> None:
    ids = dimensions.find_ids(connection, [("build", expect)]) if expect else {}
    expected = ids.get(("build", expect or ""))
    if (held["build_id"] if held else None) == expected and bool(expect) == bool(held):
        return
    found = f"build {held['build_number']}" if held else "no build"
    raise NotCurrent(f"The channel {channel['name']} holds {found} of this image.")


def _check_gate(connection: Connection, wanted: Move, order: Order, mover: Mover) -> dict[str, str]:
    """Return the checks that are passed over. Raises Gate, Forbidden."""
    if wanted.build_id is None:
        return {}
    channel = wanted.channel
    require = channel["require"]
    failing = gates.failing(connection, wanted.build_id, wanted.attempt, require)
    if not failing:
        return {}
    if not order.override:
        fields = {name: [why] for name, why in failing.items()}
        raise Gate(
            f"Build {wanted.build_number} has not passed what the channel requires.", fields=fields
        )
    if not mover.override:
        raise Forbidden("This needs a token with the right override.")
    if not order.note:
        raise Invalid(fields={"note": ["Say why the checks are passed over."]})
    return failing


def _current(connection: Connection, channel: Row, image: Row) -> Row | None:
    rows = channels.current(connection, [channel["id"]], channels.image_names(image))
    return next((row for row in rows if all(row[name] == image[name] for name in IDS)), None)


def _is_same(held: Row, wanted: Move) -> bool:
    ids = [{each["artifact_id"] for each in some} for some in (held["artifacts"], wanted.artifacts)]
    return (held["build_id"], held["attempt"]) == (wanted.build_id, wanted.attempt) and ids[
        0
    ] >= ids[1]


def _note(
    connection: Connection,
    wanted: Move,
    order: Order,
    mover: Mover,
    held: Row | None,
    passed_over: dict[str, str],
) -> None:
    before: dict[str, Any] = {"build_number": held and held["build_number"]}
    after: dict[str, Any] = {"build_number": wanted.build_number, "attempt": wanted.attempt}
    after |= {"image": title(channels.image_names(wanted.image)), "note": order.note}
    if wanted.from_channel:
        after["from_channel"] = wanted.from_channel
    if passed_over:
        after["override"] = passed_over
    action = "channel.assign" if wanted.build_id else "channel.unassign"
    target = channels.target_of(wanted.channel)
    audit.note_change(connection, mover.actor, action, target, before, after)
