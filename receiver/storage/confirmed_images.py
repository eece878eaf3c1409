"""Images that people confirm: their builds count as stated, although their names are inferred.

An image is kept by the ids of its dimensions, so it keeps what a person said of it when one of them
is renamed, and builds that are inferred alike later count as well.
"""

from collections.abc import Mapping

from receiver.domain.dimensions import UNKNOWN
from receiver.domain.model import DIMENSIONS
from receiver.errors import Forbidden, Invalid, NotFound
from receiver.storage import audit, dimensions
from receiver.storage.audit import Actor, Target
from receiver.storage.db import Connection, Row, query
from receiver.storage.dimensions import Own, own_words

Names = Mapping[str, str | None]  # of DIMENSIONS; no project may be None
UNNAMED = "unknown is the name of nothing: name it in the hook, a route or a [[default]]."


def confirm(connection: Connection, names: Names, actor: Actor, own: Own = None) -> bool:
    """Confirm an image, also by old names. Return False where it is confirmed already.

    `own` are the caller's only projects. Raises Invalid for `unknown`, NotFound where there is no
    build of it, Forbidden for another project.
    """
    _check(connection, names, own)
    ids = _ids(connection, names)
    row = connection.execute(query("confirmed_images/is_built"), ids).fetchone()
    if not row or not row["is_built"]:
        raise NotFound(f"There is no build of {title(names)}.")
    parameters = ids | {"confirmed_by": actor.name}
    added = connection.execute(query("confirmed_images/insert_confirmed"), parameters).fetchone()
    if added:
        after = {name: names.get(name) for name in DIMENSIONS}
        target = Target("image", title(names))
        audit.note_change(connection, actor, "image.confirm", target, after=after)
    return added is not None


def take_back(connection: Connection, names: Names, actor: Actor, own: Own = None) -> None:
    """Undo confirm(). Raises NotFound where the image is not confirmed, Forbidden as confirm()."""
    _check(connection, names, own)
    ids = _ids(connection, names)
    if not connection.execute(query("confirmed_images/delete_confirmed"), ids).fetchone():
        raise NotFound(f"{title(names)} is not confirmed.")
    before = {name: names.get(name) for name in DIMENSIONS}
    target = Target("image", title(names))
    audit.note_change(connection, actor, "image.take_back", target, before=before)


def list_confirmed(connection: Connection, own: Own = None) -> list[Row]:
    """Return the confirmed images by name, of a project and those below it, or every one."""
    rows = connection.execute(query("confirmed_images/list_confirmed")).fetchall()
    return [row for row in rows if dimensions.is_within(connection, row["project"], own)]


def title(names: Names) -> str:
    """Return an image's names on one line.

    >>> title({"project": None, "platform": "aws", "os_version": "rhel-9", "image_type": "base"})
    'aws · rhel-9 · base'
    """
    return " · ".join(text for name in DIMENSIONS if (text := names.get(name)))


def _check(connection: Connection, names: Names, own: Own) -> None:
    unnamed = {name: [UNNAMED] for name in DIMENSIONS if names.get(name) == UNKNOWN}
    if unnamed:
        raise Invalid(fields=unnamed)
    if not dimensions.is_within(connection, names.get("project"), own):
        raise Forbidden(f"This token is for {own_words(own)} alone.")


def _ids(connection: Connection, names: Names) -> Row:
    """Return the id columns of names and old names. Raises NotFound."""
    said = {name: (names.get(name) or "").replace("\0", "") for name in DIMENSIONS}
    wanted = {(name, text) for name, text in said.items() if text}
    ids = dimensions.find_ids(connection, wanted)
    for dimension, text in sorted(wanted - ids.keys()):
        label = dimension.replace("os_version", "OS version").replace("_", " ")
        raise NotFound(f"There is no {label} {text}.")
    return {f"{name}_id": ids.get((name, said[name])) for name in DIMENSIONS}
