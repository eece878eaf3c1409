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
from receiver.storage import channel_images, dimensions
from receiver.storage.channels import LATEST
from receiver.storage.db import Connection, Database, Question, Row, as_json, query
from receiver.storage.dimensions import Own, current_names, is_within, projects_within
from receiver.storage.seen_revocations import seen
from receiver.storage.serving import ServingOf, rules

COMBINATION = DIMENSIONS[1:]
NO_NAMES = "There are no such names: use /api/v1/image?platform=&os_version=&image_type=."


def list_images(
    database: Database, serving_of: ServingOf, wanted: ImageFilter, own: Own = None
) -> list[Row]:
    """Return the images that fit, newest first; see _shown() for their fields. `own` are the only
    projects that the caller may see. One without an id has a row for each of its files, none where
    it has none: no program could use it."""
    with database.transaction() as connection:
        if is_of_channel(wanted):
            rows = channel_images.choose(connection, wanted, own)
            rows = _with_behind(connection, serving_of, rows, wanted, own)
        else:
            rows = _choose(connection, serving_of, wanted, own)
    return sorted(
        (named for row in rows for named in _with_id(row)),
        key=lambda row: row["built_at"],
        reverse=True,
    )


def unknown_names(database: Database, wanted: ImageFilter, own: Own = None) -> list[str]:
    """Return a sentence for each dimension's name in the filter that nothing has."""
    names = {name: text for name in DIMENSIONS if (text := getattr(wanted, name))}
    with database.transaction() as connection:
        return dimensions.unknown_names(connection, names, own)


def _with_id(row: Row) -> list[Row]:
    if row["artifact_id"]:
        return [row]
    return [row | {"artifact_id": each} for each in images.usable_ids(row)]


def latest_images(database: Database, serving_of: ServingOf, own: Own = None) -> list[Row]:
    """Return every image, by its names, with its `cloud_provider`."""
    with database.transaction() as connection:
        return _choose(connection, serving_of, ImageFilter(), own)


def newest_images(connection: Connection, serving_of: ServingOf, own: Own = None) -> list[Row]:
    """Return the artifacts of the newest build of each image that has any to serve, as rows of
    served_images.sql; a region that this build lacks is left out."""
    rows = connection.execute(*newest_served(connection, serving_of, own)).fetchall()
    return newest_of(connection, rows, own)


def newest_served(connection: Connection, serving_of: ServingOf, own: Own = None) -> Question:
    """Return what is asked for newest_of()."""
    return _question(connection, serving_of, ImageFilter(), own, every=False, newest=True)


def newest_of(connection: Connection, rows: Sequence[Row], own: Own = None) -> list[Row]:
    """Return newest_images() of the rows that were read."""
    # Builds that state no platform are read apart from the others of their image.
    return seen(connection, [row for row in rows if not row["newness"]], own)


def unserved_builds(database: Database, serving_of: ServingOf, own: Own = None) -> list[Row]:
    """Return the newest completed builds whose images are not served, each with its `reason`."""
    with database.transaction() as connection:
        return _unserved(connection, serving_of, ImageFilter(), own)


def doubt_of(database: Database, serving_of: ServingOf, build_number: str) -> Row | None:
    """Return a build with the `reason` why its image is not served; None where there is none."""
    with database.transaction() as connection:
        row = {"build_number": build_number, "rules": as_json(rules(connection, serving_of))}
        found = connection.execute(query("images/doubt_of_build"), row).fetchone()
    return found if found and found["reason"] else None


def find_image(
    database: Database, serving_of: ServingOf, wanted: ImageFilter, own: Own = None
) -> Row:
    """Return the image of a platform, OS version and image type, also by their old names.

    Without a region it is one of the newest build, or of the one that a channel holds.
    `artifact_id` is what a program can use. Raises NotFound, which says why there is none; Invalid
    where several fit, which lists the choices; Revoked where the channel holds a revoked build.
    """
    with database.transaction() as connection:
        current: dict[str, Any] = {**current_names(connection, _names(wanted))}
        wanted = replace(wanted, **current)
        if is_of_channel(wanted):
            rows = channel_images.find(connection, wanted, own)
            rows = _with_behind(connection, serving_of, rows, wanted, own)
        else:
            rows = _choose(connection, serving_of, wanted, own)
            if not rows:
                raise NotFound(_why_none(connection, serving_of, wanted, own))
    return _only(rows, wanted)


def is_of_channel(wanted: ImageFilter) -> bool:
    """Return whether a channel decides, and not which build is the newest."""
    return wanted.channel not in (None, LATEST)


def current_image(database: Database, names: Mapping[str, str | None]) -> Row:
    """Return the names of an image, each old one replaced by the current one."""
    with database.transaction() as connection:
        known = {name: text for name, text in names.items() if text}
        return dict.fromkeys(DIMENSIONS) | current_names(connection, known)


def is_known(database: Database, names: Row, own: Own = None) -> bool:
    """Return whether there is a build of an image that the caller may see."""
    with database.transaction() as connection:
        row = connection.execute(query("images/last_of_image"), names).fetchone()
        return row is not None and is_within(connection, row["project"], own)


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


def _choose(
    connection: Connection, serving_of: ServingOf, wanted: ImageFilter, own: Own
) -> list[Row]:
    rows = _served(connection, serving_of, wanted, own, every=wanted.selects)
    now = datetime.now(UTC)
    return seen(connection, [_shown(row, now) for row in images.choose(rows, wanted)], own)


def _served(
    connection: Connection,
    serving_of: ServingOf,
    wanted: ImageFilter,
    own: Own,
    *,
    every: bool,
) -> list[Row]:
    question = _question(connection, serving_of, wanted, own, every=every)
    return connection.execute(*question).fetchall()


def _question(
    connection: Connection,
    serving_of: ServingOf,
    wanted: ImageFilter,
    own: Own,
    *,
    every: bool,
    newest: bool = False,
) -> Question:
    parameters = _parameters(connection, serving_of, wanted, own)
    parameters |= {"inferred": wanted.inferred, "every": every, "newest": newest}
    return query("images/served_images"), parameters


def _with_behind(
    connection: Connection,
    serving_of: ServingOf,
    rows: Sequence[Row],
    wanted: ImageFilter,
    own: Own,
) -> list[Row]:
    """Return what a channel hands out, with how many served builds of its image are newer."""
    served = _served(connection, serving_of, wanted, own, every=True) if rows else []
    builds = {(images.image_of(each), each["build_number"], each["built_at"]) for each in served}
    now = datetime.now(UTC)
    newer = [
        [at for image, _, at in builds if image == images.image_of(row) and at > row["built_at"]]
        for row in rows
    ]
    shown = [
        _shown(row | {"newness": len(times), "superseded_at": min(times, default=None)}, now)
        for row, times in zip(rows, newer, strict=True)
    ]
    return seen(connection, shown, own)


def _parameters(
    connection: Connection, serving_of: ServingOf, wanted: ImageFilter, own: Own
) -> Row:
    names = {name: getattr(wanted, name) for name in DIMENSIONS}
    within = None if own is None else list(projects_within(connection, own))
    return names | {"rules": as_json(rules(connection, serving_of)), "own": within}


def _shown(row: Mapping[str, Any], now: datetime) -> Row:
    """Return a row with `arch`, `behind` (how many served builds of its image are newer),
    `superseded_at` (when the next newer one was made) and `age_seconds`; what looks secret in its
    custom_data is masked, for it may be listed as a choice.
    """
    return dict(row) | {
        "arch": images.architecture(row),
        "channel": row.get("channel"),
        "behind": row["newness"],
        "superseded_at": row.get("superseded_at"),
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


def _unserved(
    connection: Connection, serving_of: ServingOf, wanted: ImageFilter, own: Own
) -> list[Row]:
    parameters = _parameters(connection, serving_of, wanted, own)
    rows = connection.execute(query("images/unserved_builds"), parameters).fetchall()
    return seen(connection, rows, own)


def _why_none(connection: Connection, serving_of: ServingOf, wanted: ImageFilter, own: Own) -> str:
    """Return why no image fits, and what to do."""
    if UNKNOWN in _names(wanted).values():
        return f"There is no such image: {image_reasons.UNNAMED}"
    every = ImageFilter(**_names(wanted), inferred=wanted.inferred)
    if served := _choose(connection, serving_of, every, own):
        return image_reasons.not_selected(served, wanted)
    if doubted := _unserved(connection, serving_of, every, own):
        return image_reasons.unserved(doubted[0])
    running = connection.execute(query("images/last_of_image"), _names_or_none(wanted)).fetchone()
    if running and is_within(connection, running["project"], own):
        return image_reasons.not_completed(running)
    return image_reasons.NEVER


def _names_or_none(wanted: ImageFilter) -> Row:
    return {name: getattr(wanted, name) for name in DIMENSIONS}
