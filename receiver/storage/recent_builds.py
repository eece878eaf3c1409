"""The newest builds of every image, however long the history is."""

from collections.abc import Collection

from receiver.domain.image_runs import Image, images_of
from receiver.storage.conditions import Conditions
from receiver.storage.db import Connection, Row, as_json, query
from receiver.storage.serving import ServingOf, rules

FEWEST = 14  # builds of an image, however many images there are
MOST = 4_200  # builds of all images, where these are more


def recent_images(
    connection: Connection,
    serving_of: ServingOf,
    found: Conditions,
    projects: Collection[str] | None = None,
    *,
    per_image: int = FEWEST,
) -> list[Image]:
    """Return every image with its newest builds, at most `per_image` of each, with the condition of
    those that run; of `projects`, where the caller may read nothing else.

    What nobody names is an "image" here, too: see is_named().
    """
    parameters = {
        "rules": as_json(rules(connection, serving_of)),
        "projects": None if projects is None else list(projects),
        "per_image": per_image,
        "fewest": min(per_image, FEWEST),
        "most": MOST,
    }
    rows: list[Row] = connection.execute(
        query("recent_builds/newest_builds"), parameters
    ).fetchall()
    found.mark(rows)
    return images_of(rows)
