"""The windows of projects: `window` of the projects file, of a project or the nearest above it."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime

from receiver.domain.nights import Nights, last_nights
from receiver.domain.windows import Window
from receiver.storage.db import Connection, Database, Row
from receiver.storage.serving import chains

# A project's name and old names, then those of the projects above it → its window.
HoursOf = Callable[[Sequence[str]], Window | None]
Hours = Mapping[str | None, Window | None]


def hours_of_projects(connection: Connection, hours_of: HoursOf) -> Hours:
    """Return the window of each project by its name, and of builds without one under None."""
    return {None: hours_of(())} | {
        names[0]: hours_of(names) for names in chains(connection).values()
    }


def read_hours(database: Database, hours_of: HoursOf) -> Hours:
    """Return the windows as hours_of_projects()."""
    with database.transaction() as connection:
        return hours_of_projects(connection, hours_of)


def nights_of(hours: Hours, now: datetime, count: int, own: Collection[str] | None) -> Nights:
    """Return the last nights of `own` projects, None is every one."""
    named = [window for name, window in hours.items() if name and (own is None or name in own)]
    return last_nights(now, named or [hours[None]], count)


def night_parameters(nights: Nights, hours: Hours) -> Row:
    """Return the parameters of hours/calendar.sql: `starts`, an array of each different window,
    that of builds without a project first; `names` of projects with another one, and its `places`.

    The arrays are texts, since arrays of PostgreSQL have no arrays as elements.
    """
    windows = [hours[None], *({*hours.values()} - {hours[None]})]
    other = {name: window for name, window in hours.items() if window != hours[None]}
    return {
        "starts": [_array(nights.starts(each)) for each in windows],
        "since": min(nights.starts(each)[0] for each in windows),
        "names": list(other),
        "places": [windows.index(window) + 1 for window in other.values()],
    }


def _array(moments: Sequence[datetime]) -> str:
    return "{" + ",".join(moment.isoformat() for moment in moments) + "}"
