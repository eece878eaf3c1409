"""How builds go over time: by night, by platform, by image and by stage.

Each query reads at most the newest 10,000 builds, through the index on their time.
"""

from collections.abc import Sequence
from datetime import datetime

from receiver.domain.conditions import Limits
from receiver.domain.windows import Period
from receiver.storage.conditions import conditions
from receiver.storage.db import Connection, Database, Row, array, query
from receiver.storage.dimensions import Own, current_names, projects_within


def read_trends(
    database: Database,
    limits: Limits,
    now: datetime,
    nights: Sequence[Period],
    days: int,
    platform: str | None = None,
    own: Own = None,
) -> Row:
    """Return `nights`, `platforms`, `images` and `stages` of the last `days` of these nights, the
    oldest first, and `weeks`, the last seven and the seven before; of one
    `platform`, by its present or an old name, and of the projects of `own` and those below them,
    where the caller may read nothing else. A lost build counts as failed."""
    starts: list[datetime] = [night.since for night in nights]
    with database.transaction() as connection:
        projects = None if own is None else list(projects_within(connection, own))
        lost = conditions(connection, limits, now).ids("lost")
        asked = (
            current_names(connection, {"platform": platform}) if platform else {"platform": None}
        )
        parameters: Row = {"starts": starts, "projects": projects, "lost": array(lost), **asked}
        parameters["first"] = len(nights) - days
        rows = _read(connection, "nights", parameters)
        return {
            **asked,
            "nights": [row for row in rows if row["night"] is not None],
            "platforms": [row for row in rows if row["night"] is None],
            "images": _read(connection, "images", parameters),
            "stages": _read(connection, "stages", parameters),
            "weeks": _read(connection, "weeks", parameters),
        }


def _read(connection: Connection, name: str, parameters: Row) -> list[Row]:
    text = query("trends/recent") + query(f"trends/{name}")
    rows: list[Row] = connection.execute(text, parameters, prepare=False).fetchall()
    return rows
