"""Whose word about a build counts: a forge's webhook for some projects says nothing of another
project's build, whichever came first. Rule 1 of docs/fold.md.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from receiver.domain.fold.events import StoredStatement

Id = TypeVar("Id")


def names_to_compare(rows: Sequence[StoredStatement]) -> set[str]:
    """Return the names of projects on which believed() depends; none where every row counts."""
    limited = [row for row in rows if _is_limited(row)]
    if not limited:
        return set()
    names = {name for row in limited for name in row.projects or ()}
    return names | set().union(*(_projects(row) for row in rows))


def believed(
    rows: Sequence[StoredStatement], ids: Mapping[tuple[str, str], Id]
) -> list[StoredStatement]:
    """Return the rows of a build without those of forges whose sender may not write its project.

    `ids` tells which names of projects are the same: by ("project", name). The project is what
    hooks and people state, else what is inferred for them; else, where no hook speaks, what senders
    of all projects tell. A build without one belongs to those senders.
    """
    limited = [row for row in rows if _is_limited(row)]
    if not limited or len(limited) == len(rows):
        return list(rows)
    owners = _owners(rows)
    if owners is None:
        return list(rows)
    projects = {ids.get(("project", name)) for name in owners}
    return [row for row in rows if not _is_limited(row) or _covers(row, projects, ids)]


def _is_limited(row: StoredStatement) -> bool:
    return row.native and row.projects is not None


def _covers(
    row: StoredStatement, projects: set[Id | None], ids: Mapping[tuple[str, str], Id]
) -> bool:
    mine = {ids.get(("project", name)) for name in row.projects or ()} - {None}
    return bool(projects) and projects <= mine


def _owners(rows: Sequence[StoredStatement]) -> set[str] | None:
    """Return the names of the build's projects; None where nobody else speaks of it."""
    reported = [row for row in rows if not row.native and not row.statement.is_of_checks]
    names = _stated(reported) or _inferred(reported)
    if names or any(row.source != "api" for row in reported):
        return names
    trusted = [row for row in rows if row.native and row.projects is None]
    return _inferred(trusted) if trusted else None


def _stated(rows: Iterable[StoredStatement]) -> set[str]:
    levels = ((row.statement.said.project, row.statement.custom.project) for row in rows)
    return {name for level in levels for name in level if name}


def _inferred(rows: Iterable[StoredStatement]) -> set[str]:
    return {name for row in rows if (name := row.statement.inferred.project)}


def _projects(row: StoredStatement) -> set[str]:
    return _stated([row]) | _inferred([row])
