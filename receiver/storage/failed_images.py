"""What the failed images still serve, and which images wait for them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from receiver.domain.image_runs import Image
from receiver.domain.images import image_of, is_named
from receiver.domain.model import DIMENSIONS
from receiver.storage import image_page, lineage
from receiver.storage.db import Connection, Row
from receiver.storage.dimensions import Own
from receiver.storage.lineage import Node


@dataclass(frozen=True, slots=True)
class Needs:
    """Of a failed image: what is `served` by channel (`latest` is the newest served build), each
    with channel, build_number and built_at; and the images built on its last good build, by their
    names, which wait for it. `hidden` is how many of these the caller may not see."""

    served: Sequence[Row]
    children: Sequence[Row]
    hidden: int


def read_needs(
    connection: Connection,
    images: Sequence[Image],
    newest: Mapping[tuple[object, ...], Row],
    own: Own = None,
    projects: Collection[str] | None = None,
) -> dict[tuple[object, ...], Needs]:
    """Return what each failed image serves and who waits for it, by its names; `newest` has the
    newest served artifact of each image. `projects` are the only ones that the caller sees."""
    failed = [each for each in images if is_named(each.names) and each.is_failed]
    if not failed:
        return {}
    held = image_page.held_by_image(connection, own)
    waiting = _children(connection, failed)
    needs = {}
    for each in failed:
        image = image_of(each.names)
        children = waiting.get(image, [])
        seen = [row for row in children if projects is None or row["project"] in projects]
        served = _served(newest.get(image), held.get(image, []))
        needs[image] = Needs(served, seen, len(children) - len(seen))
    return needs


def _served(newest: Row | None, held: Sequence[Row]) -> list[Row]:
    latest = [newest | {"channel": "latest"}] if newest else []
    told = ("channel", "build_number", "built_at")
    return [{name: row[name] for name in told} for row in (*latest, *held)]


def _children(
    connection: Connection, failed: Sequence[Image]
) -> dict[tuple[object, ...], list[Row]]:
    """Return the names of the images whose last attempts were built on the last good builds."""
    if not lineage.has_sources(connection):
        return {}
    bases = {
        Node(good["id"], good["attempt"]): image_of(each.names)
        for each in failed
        if (good := each.last_good)
    }
    found: dict[tuple[object, ...], dict[tuple[object, ...], Row]] = {}
    for row in lineage.children(connection, list(bases)).rows:
        if row["attempt"] == row["latest_attempt"] and is_named(row):
            names = {name: row[name] for name in DIMENSIONS}
            found.setdefault(bases[row["of"]], {})[image_of(row)] = names
    return {image: list(children.values()) for image, children in found.items()}
