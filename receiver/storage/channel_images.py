"""The images that a channel hands out, in the form of the rows of served_images.sql."""

from collections.abc import Sequence

from receiver.domain import assignable, image_reasons, images
from receiver.domain.image_errors import Revoked
from receiver.domain.images import ImageFilter
from receiver.domain.model import DIMENSIONS
from receiver.errors import NotFound
from receiver.storage import assignments, channels
from receiver.storage.db import Connection, Row
from receiver.storage.dimensions import Own

OF_ASSIGNMENT = (
    *(*DIMENSIONS, "cloud_provider", "build_number", "built_at", "branch", "revocation"),
    "channel",
)


def choose(connection: Connection, wanted: ImageFilter, own: Own) -> list[Row]:
    """Return the artifacts that a channel hands out, also of revoked builds, which say so.

    Raises NotFound where there is no such channel.
    """
    held = channels.of_images(connection, wanted.channel or "", _names(wanted), own)
    return [dict(row) for row in images.choose([r for each in held for r in _rows(each)], wanted)]


def find(connection: Connection, wanted: ImageFilter, own: Own) -> list[Row]:
    """Return the artifacts that a channel hands out of one image.

    Raises Revoked where its build is not to be used: never is it another one, without a word.
    Raises NotFound, which says what the channel holds.
    """
    name = wanted.channel or ""
    held = channels.of_images(connection, name, _names(wanted), own)
    if not held:
        raise NotFound(
            f"The channel {name} holds no such image: `milepost channel assign {name} BUILD` puts "
            "one into it."
        )
    for each in held:
        if assignable.is_revoked(each["revocation"]):
            raise _revoked(connection, each)
    every = [row for each in held for row in _rows(each)]
    found = images.choose(every, wanted)
    if not found:
        raise NotFound(image_reasons.not_selected(every, wanted) if every else _expired(held))
    return [dict(row) for row in found]


def _revoked(connection: Connection, held: Row) -> Revoked:
    """Return the refusal: why, and which builds may be used instead."""
    channel = {"id": held["channel_id"], "name": held["channel"]}
    earlier = assignments.previous(connection, channel, held)
    numbers = [held["revocation"]["replacement"], *(each["build_number"] for each in earlier[:5])]
    choices = list(dict.fromkeys(filter(None, numbers)))
    words = f" It may hold {' or '.join(choices)} instead." if choices else ""
    reason = assignable.revoked(held["build_number"], held["revocation"])
    return Revoked(f"The channel {held['channel']} holds a revoked image. {reason}{words}", choices)


def _rows(held: Row) -> list[Row]:
    """Return a row for each artifact; `newness` is 0, for a channel holds one build of an image."""
    of_build = {name: held[name] for name in OF_ASSIGNMENT} | {"inferred": None, "newness": 0}
    return [of_build | each for each in held["artifacts"]]


def _expired(held: Sequence[Row]) -> str:
    return f"The artifacts of build {held[0]['build_number']} have expired."


def _names(wanted: ImageFilter) -> Row:
    return {name: getattr(wanted, name) for name in DIMENSIONS}
