"""What projects decide of their images, as the rows that the queries join."""

from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

from receiver.domain.images import Serving, like_pattern
from receiver.storage.db import Connection, Row, query

# A project's name and old names, then those of the projects above it → what holds for it.
ServingOf = Callable[[Sequence[str]], Serving]
DEEPEST = 32  # projects above each other


def rules(connection: Connection, serving_of: ServingOf) -> list[Row]:
    """Return a row for each project that decides something: project_id, branches (patterns of
    LIKE), unstable_counts."""
    serving = {each: serving_of(names) for each, names in chains(connection).items()}
    return [_rule(each, held) for each, held in serving.items() if held != Serving()]


def chains(connection: Connection) -> dict[UUID, list[str]]:
    """Return of each project its name and old names, then those of the projects above it."""
    rows = connection.execute(query("images/project_names")).fetchall()
    projects = {row["id"]: row for row in rows}
    return {each: _chain(projects, each) for each in projects}


def _chain(projects: Mapping[UUID, Row], project_id: UUID | None) -> list[str]:
    names: list[str] = []
    for _ in range(DEEPEST):
        if project_id is None:
            break
        project = projects[project_id]
        names += (project["name"], *project["old_names"])
        project_id = project["parent_project_id"]
    return names


def _rule(project_id: UUID, serving: Serving) -> Row:
    branches = None
    if serving.branches is not None:
        branches = [like_pattern(each) for each in serving.branches]
    return {"project_id": project_id, "branches": branches, "unstable_counts": serving.unstable}
