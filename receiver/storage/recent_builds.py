"""The newest builds of every image, however long the history is."""

from collections.abc import Collection

from receiver.domain.image_runs import Image, images_of
from receiver.domain.model import DIMENSIONS
from receiver.storage.conditions import Conditions
from receiver.storage.db import Connection, Row, array, as_json, query
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
    within = {"projects": None if projects is None else list(projects)}
    images = connection.execute(query("recent_builds/images"), within).fetchall()
    parameters: Row = {
        f"{name}_ids": array(row[f"{name}_id"] for row in images) for name in DIMENSIONS
    }
    parameters["rules"] = as_json(rules(connection, serving_of))
    parameters["most"] = max(FEWEST, min(per_image, MOST // max(len(images), 1)))
    statement = query("recent_builds/newest_builds")
    # As binary: a third of the time that these many times and ids take as texts.
    builds = connection.execute(statement, parameters, binary=True).fetchall()
    found.mark(builds)
    by_place: dict[int, list[Row]] = {}
    for build in builds:
        by_place.setdefault(build.pop("place"), []).append(build)
    return images_of((images[place - 1], each) for place, each in sorted(by_place.items()))
