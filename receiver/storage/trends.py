"""How builds go over time: by night, by platform, by image and by stage.

Each query reads at most the newest 10,000 builds, through the index on their time.
"""

from datetime import datetime

from receiver.domain.conditions import Limits
from receiver.domain.nights import Nights
from receiver.storage.conditions import conditions
from receiver.storage.db import Connection, Database, Row, array, query
from receiver.storage.dimensions import Own, current_names, projects_within
from receiver.storage.hours import HoursOf, hours_of_projects, night_parameters, nights_of

COMPARED = 14  # nights: the last seven and the seven before


def read_trends(
    database: Database,
    hours_of: HoursOf,
    limits: Limits,
    now: datetime,
    days: int,
    platform: str | None = None,
    own: Own = None,
) -> tuple[Row, Nights]:
    """Return `nights`, `platforms`, `images` and `stages` of the last `days` nights, the
    oldest first, and `weeks`, the last seven and the seven before; of one
    `platform`, by its present or an old name, and of the projects of `own` and those below them,
    where the caller may read nothing else. A lost build counts as failed. Return beside it what
    the `night` of a row stands for."""
    with database.transaction() as connection:
        projects = None if own is None else list(projects_within(connection, own))
        lost = conditions(connection, limits, now).ids("lost")
        asked = (
            current_names(connection, {"platform": platform}) if platform else {"platform": None}
        )
        hours = hours_of_projects(connection, hours_of)
        known = nights_of(hours, now, max(days, COMPARED), projects)
        parameters: Row = night_parameters(known, hours) | {"days": days, "shown": known.shown}
        parameters |= {"projects": projects, "lost": array(lost), **asked}
        rows = _read(connection, "nights", parameters)
        found = {
            **asked,
            "nights": [row for row in rows if row["night"] is not None],
            "platforms": [row for row in rows if row["night"] is None],
            "images": _read(connection, "images", parameters),
            "stages": _read(connection, "stages", parameters),
            "weeks": _read(connection, "weeks", parameters),
        }
    return found, known


def _read(connection: Connection, name: str, parameters: Row) -> list[Row]:
    text = query("hours/calendar") + query("trends/recent") + query(f"trends/{name}")
    rows: list[Row] = connection.execute(text, parameters, prepare=False).fetchall()
    return rows
