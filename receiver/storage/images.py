"""Read queries for images: those that are served, and why others are not."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from receiver.domain import image_reasons, images, redact
from receiver.domain.dimensions import UNKNOWN
from receiver.domain.images import ImageFilter
from receiver.domain.model import DIMENSIONS
from receiver.errors import Invalid, NotFound
from receiver.storage.db import Connection, Database, Row, as_json, query
from receiver.storage.dimensions import current_names
from receiver.storage.serving import ServingOf, rules

COMBINATION = DIMENSIONS[1:]
NO_NAMES = "There are no such names: use /api/v1/image?platform=&os_version=&image_type=."


def list_images(database: Database, serving_of: ServingOf, wanted: ImageFilter) -> list[Row]:
    """Return the images that fit, newest first; see _shown() for their fields."""
    with database.transaction() as connection:
        rows = _choose(connection, serving_of, wanted)
    return sorted(rows, key=lambda row: row["built_at"], reverse=True)


def latest_images(database: Database, serving_of: ServingOf) -> list[Row]:
    """Return every image, by its names, with its `cloud_provider`."""
    with database.transaction() as connection:
        return _choose(connection, serving_of, ImageFilter())


def unserved_builds(database: Database, serving_of: ServingOf) -> list[Row]:
    """Return the newest completed builds whose images are not served, each with its `reason`."""
    with database.transaction() as connection:
        return _unserved(connection, serving_of, ImageFilter())


def doubt_of(database: Database, serving_of: ServingOf, build_number: str) -> Row | None:
    """Return a build with the `reason` why its image is not served; None where there is none."""
    with database.transaction() as connection:
        row = {"build_number": build_number, "rules": as_json(rules(connection, serving_of))}
        found = connection.execute(query("images/doubt_of_build"), row).fetchone()
    return found if found and found["reason"] else None


def find_image(database: Database, serving_of: ServingOf, wanted: ImageFilter) -> Row:
    """Return the image of a platform, OS version and image type, also by their old names.

    Without a region it is one of the newest build. `artifact_id` is what a program can use. Raises
    NotFound, which says why there is none; Invalid where several fit, which lists the choices.
    """
    with database.transaction() as connection:
        current: dict[str, Any] = {**current_names(connection, _names(wanted))}
        wanted = replace(wanted, **current)
        rows = _choose(connection, serving_of, wanted)
        if not rows:
            raise NotFound(_why_none(connection, serving_of, wanted))
    return _only(rows, wanted)


def names_of(database: Database, text: str) -> dict[str, str]:
    """Return platform, OS version and image type; slashes are between them, and may be in them."""
    parts = text.split("/")
    if len(parts) == len(COMBINATION):
        return dict(zip(COMBINATION, parts, strict=True))
    with database.transaction() as connection:
        found = connection.execute(query("images/split_names"), {"text": text}).fetchone()
    if not found:
        raise NotFound(NO_NAMES)
    return found


def _names(wanted: ImageFilter) -> dict[str, Any]:
    names = {name: getattr(wanted, name) for name in DIMENSIONS}
    return {name: text for name, text in names.items() if text is not None}


def _choose(connection: Connection, serving_of: ServingOf, wanted: ImageFilter) -> list[Row]:
    parameters = _parameters(connection, serving_of, wanted) | {
        "inferred": wanted.inferred,
        "every": wanted.selects,
    }
    rows = connection.execute(query("images/served_images"), parameters).fetchall()
    now = datetime.now(UTC)
    return [_shown(row, now) for row in images.choose(rows, wanted)]


def _parameters(connection: Connection, serving_of: ServingOf, wanted: ImageFilter) -> Row:
    names = {name: getattr(wanted, name) for name in DIMENSIONS}
    return names | {"rules": as_json(rules(connection, serving_of))}


def _shown(row: Mapping[str, Any], now: datetime) -> Row:
    """Return a row with `arch`, `behind` (how many served builds of its image are newer), and
    `age_seconds`; what looks secret in its custom_data is masked, for it may be listed as a choice.
    """
    return dict(row) | {
        "arch": images.architecture(row),
        "behind": row["newness"],
        "age_seconds": int((now - row["built_at"]).total_seconds()),
        "custom_data": redact.document(row["custom_data"]),
    }


def _only(rows: Sequence[Row], wanted: ImageFilter) -> Row:
    newest = {row["project"]: min(_newness(rows, row["project"])) for row in rows}
    latest = [row for row in rows if row["newness"] == newest[row["project"]]]
    usable = [(row, each) for row in latest for each in images.usable_ids(row, wanted.name)]
    if not usable:
        raise NotFound(image_reasons.no_id(latest[0]))
    if len({each for _, each in usable}) > 1:
        raise _several(latest)
    row, artifact_id = usable[0]
    return dict(row) | {"artifact_id": artifact_id}


def _newness(rows: Sequence[Row], project: str | None) -> list[int]:
    return [row["newness"] for row in rows if row["project"] == project]


def _several(rows: Sequence[Row]) -> Invalid:
    values = images.choices(rows)
    fields = {name: [f"Say one of {', '.join(each)}."] for name, each in values.items()}
    return Invalid(f"Several artifacts fit: say the {' or '.join(values)}.", fields=fields)


def _unserved(connection: Connection, serving_of: ServingOf, wanted: ImageFilter) -> list[Row]:
    parameters = _parameters(connection, serving_of, wanted)
    return connection.execute(query("images/unserved_builds"), parameters).fetchall()


def _why_none(connection: Connection, serving_of: ServingOf, wanted: ImageFilter) -> str:
    """Return why no image fits, and what to do."""
    if UNKNOWN in _names(wanted).values():
        return f"There is no such image: {image_reasons.UNNAMED}"
    every = ImageFilter(**_names(wanted), inferred=wanted.inferred)
    if served := _choose(connection, serving_of, every):
        return image_reasons.not_selected(served, wanted)
    doubted = _unserved(connection, serving_of, every)
    return image_reasons.unserved(doubted[0]) if doubted else image_reasons.NEVER
