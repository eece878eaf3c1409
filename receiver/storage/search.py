"""What a text finds: builds, commits, artifacts and images."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby, islice

from receiver.storage.db import Database, Row, query
from receiver.storage.dimensions import Own, projects_within

SHORTEST = 2  # characters: fewer would find everything
LONGEST = 200  # of a build's number
MOST = 20  # of a kind
LAST = chr(0x10FFFF)  # the last character that there is


@dataclass(frozen=True, slots=True)
class Found:
    """Rows of builds with `kind` (build, commit or artifact) and `what` begins with the text; and
    the images whose names have all of its words."""

    builds: list[Row]
    images: list[Row]


def search(database: Database, text: str, project: Own = None) -> Found:
    """Return what a text finds; of `project` and those below it, where the caller may read nothing
    else. Each kind is looked up in an index."""
    text = text.replace("\0", "").strip()[:LONGEST]
    if len(text) < SHORTEST:
        return Found([], [])
    beginning: Row = {"text": text, "past": text + LAST}
    with database.transaction() as connection:
        own = None if project is None else list(projects_within(connection, project))
        beginning["projects"] = own
        words = {"words": text.lower().split(), "projects": own}
        # Planned for this text: a plan for any text would use no index.
        builds = connection.execute(query("search/builds"), beginning, prepare=False).fetchall()
        images = connection.execute(query("search/images"), words).fetchall()
    return Found(_first_of_each_kind(builds), images)


def _first_of_each_kind(rows: Iterable[Row]) -> list[Row]:
    kinds = groupby(rows, key=lambda row: str(row["kind"]))
    return [row for _, some in kinds for row in islice(some, MOST)]
