"""What the page of one image shows of channels: what each holds of it, and what was moved."""

from collections.abc import Sequence

from receiver.domain.model import DIMENSIONS
from receiver.storage import channels
from receiver.storage.db import Connection, Database, Row, query
from receiver.storage.dimensions import Own, is_within, projects_within
from receiver.storage.paging import page_parameters

SHOWN_MOVES = 30
MOST_CHANNELS = 50


def read_channels(database: Database, names: Row, own: Own = None) -> tuple[list[Row], list[Row]]:
    """Return the channels that may hold an image, each with `held` (None where it holds none), and
    what was put into them and taken out, newest first."""
    with database.transaction() as connection:
        every = channels.visible(connection, None, own)
        mine = [each for each in every if is_within(connection, names["project"], each["project"])][
            :MOST_CHANNELS
        ]
        held = channels.current(connection, [each["id"] for each in mine], names, own)
        held = [row for row in held if row["project"] == names["project"]]
        moves = _moves(connection, mine, names, own)
    by_channel = {row["channel_id"]: row for row in held}
    return [channels.shown(each) | {"held": by_channel.get(each["id"])} for each in mine], moves


def channels_of_images(database: Database, own: Own = None) -> dict[tuple[object, ...], list[Row]]:
    """Return what all channels hold, by the names of the image."""
    with database.transaction() as connection:
        return held_by_image(connection, own)


def held_by_image(connection: Connection, own: Own = None) -> dict[tuple[object, ...], list[Row]]:
    """Return what all channels hold, by the names of the image."""
    every = channels.visible(connection, None, own)[:MOST_CHANNELS]
    if not every:
        return {}
    found: dict[tuple[object, ...], list[Row]] = {}
    for row in channels.current(connection, [each["id"] for each in every], {}, own):
        found.setdefault(tuple(row[name] for name in DIMENSIONS), []).append(row)
    return found


def _moves(connection: Connection, mine: Sequence[Row], names: Row, own: Own) -> list[Row]:
    rows: list[Row] = []
    within = None if own is None else list(projects_within(connection, own))
    for each in mine:
        row = names | page_parameters(SHOWN_MOVES, None) | {"channel_id": each["id"], "own": within}
        found = connection.execute(query("channels/list_assignments"), row, prepare=False)
        rows += [move for move in found.fetchall() if move["project"] == names["project"]]
    newest = sorted(rows, key=lambda move: move["assigned_at"], reverse=True)
    return newest[:SHOWN_MOVES]
