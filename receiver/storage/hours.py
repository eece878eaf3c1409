"""The windows of projects: `window` of the projects file, of a project or the nearest above it."""

from collections.abc import Callable, Mapping, Sequence

from receiver.domain.windows import Window
from receiver.storage.db import Connection
from receiver.storage.serving import chains

# A project's name and old names, then those of the projects above it → its window.
HoursOf = Callable[[Sequence[str]], Window | None]
Hours = Mapping[str | None, Window | None]


def hours_of_projects(connection: Connection, hours_of: HoursOf) -> Hours:
    """Return the window of each project by its name, and of builds without one under None."""
    return {None: hours_of(())} | {
        names[0]: hours_of(names) for names in chains(connection).values()
    }
