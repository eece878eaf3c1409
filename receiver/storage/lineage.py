"""Which builds an image descends from, and which descend from it.

A node is one attempt of a build: what was built on an earlier attempt's image does not descend from
the last one's. All of it is found when it is read, from the sources and artifacts of builds, so
that it does not matter which of them was made known first. Each level of depth is one query.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

from receiver.storage.db import Connection, Row, array, as_json, query

DEEPEST = 10
MOST = 1_000  # nodes of an answer
MOST_DESCENDANTS = 10_000
UNKNOWN: Row = dict.fromkeys(
    (
        *("build_number", "project", "project_id", "platform", "os_version", "image_type"),
        *("status", "latest_attempt", "start_time", "end_time", "built_at"),
    )
)


class Node(NamedTuple):
    """One attempt of a build."""

    build_id: UUID
    attempt: int


class Edge(NamedTuple):
    """A child, and the attempt that it was built on."""

    child: UUID
    parent: Node


class Walk(NamedTuple):
    """The nodes that were found, the nearest first, each once; a cycle ends where it began.

    A row has build_id, attempt, depth, `of` (the node through which it was found), artifact_id and
    region as the child says them, and what builds.sql tells: build_number, project, project_id,
    platform, os_version, image_type, status, latest_attempt, start_time, end_time, built_at. Of a
    source that nobody here made, all but depth, `of`, artifact_id and region is None. `is_cut`
    where there are more.
    """

    rows: list[Row]
    is_cut: bool


def descendants(connection: Connection, build_id: UUID, most: int = MOST_DESCENDANTS) -> Walk:
    """Return what was built on any attempt of a build, to a depth of 10.

    A row whose `attempt` is not `latest_attempt` is an older image of a build that was made again;
    it may still be assigned to a channel.
    """
    return _walk(connection, "children", _attempts(connection, build_id), most)


def ancestors(connection: Connection, nodes: Sequence[Node], most: int = MOST) -> Walk:
    """Return what these attempts of builds started from, to a depth of 10."""
    return _walk(connection, "parents", nodes, most)


def parents(connection: Connection, nodes: Sequence[Node]) -> list[Row]:
    """Return the rows of what each of these attempts itself started from; one that resumed from
    what an earlier attempt kept started from what that one did."""
    origins = {node: node for node in nodes}
    rows: list[Row] = []
    level = list(nodes)
    while level:
        found = _next(connection, "parents", level, MOST_DESCENDANTS)
        level = []
        for row in found:
            origin = origins[row["of"]]
            if row["build_id"] != row["of"].build_id:
                rows.append(row | {"of": origin, "depth": 1})
            elif _node(row) not in origins:
                origins[_node(row)] = origin
                level.append(_node(row))
    return _with_builds(connection, rows)


def children(connection: Connection, nodes: Sequence[Node], most: int = MOST) -> Walk:
    """Return what was built on these attempts of builds alone."""
    return _walk(connection, "children", nodes, most, deepest=1)


def builds_of(connection: Connection, build_ids: Iterable[UUID]) -> dict[UUID, Row]:
    """Return what a walk tells of these builds, by id."""
    parameters = {"build_ids": array(sorted(build_ids))}
    found = connection.execute(query("lineage/builds"), parameters).fetchall()
    return {build.pop("id"): build for build in found}


def edge(row: Row) -> Edge | None:
    """Return the edge of a row of ancestors() or parents(); None of a source of nobody."""
    return Edge(row["of"].build_id, _node(row)) if row["build_id"] else None


def edge_below(row: Row) -> Edge:
    """Return the edge of a row of descendants() or children()."""
    return Edge(row["build_id"], row["of"])


def moved(connection: Connection, above: Iterable[Row], below: Iterable[Row]) -> set[Edge | None]:
    """Return the edges of these rows whose base was in channels when its child began, and is in
    none of these any more."""
    edges = {*filter(None, map(edge, above)), *map(edge_below, below)}
    if not edges:
        return set()
    rows = [
        {"child_id": each.child, "parent_id": each.parent.build_id}
        | {"parent_attempt": each.parent.attempt}
        for each in edges
    ]
    found = connection.execute(query("lineage/moved_channels"), {"edges": as_json(rows)})
    return {
        Edge(row["child_id"], Node(row["parent_id"], row["parent_attempt"]))
        for row in found.fetchall()
    }


def has_sources(connection: Connection) -> bool:
    """Return whether any build says what it started from."""
    found = connection.execute(query("lineage/has_sources")).fetchone()
    return bool(found and found["has_sources"])


def last_attempts(connection: Connection, build_numbers: Sequence[str]) -> dict[str, Node]:
    """Return the last attempt of each build that says what it started from, by build number."""
    parameters = {"build_numbers": list(build_numbers)}
    rows = connection.execute(query("lineage/last_attempts"), parameters).fetchall()
    return {row["build_number"]: _node(row) for row in rows}


def _attempts(connection: Connection, build_id: UUID) -> list[Node]:
    rows = connection.execute(query("lineage/attempts"), {"build_id": build_id}).fetchall()
    return [Node(row["build_id"], row["attempt"]) for row in rows if row["attempt"] is not None]


def _walk(
    connection: Connection,
    towards: str,
    start: Sequence[Node],
    most: int,
    deepest: int = DEEPEST,
) -> Walk:
    """Go on from the nodes of each level to the next."""
    own = {node.build_id for node in start}
    known, level, rows = set(start), list(start), list[Row]()
    for depth in range(1, deepest + 1):
        here, there = _level(connection, towards, level, known, most - len(rows))
        rows += [row | {"depth": depth - 1} for row in here if row["build_id"] not in own]
        rows += [row | {"depth": depth} for row in there if row["build_id"] not in own]
        level = [_node(row) for row in there if row["build_id"]]
        if not level or len(rows) > most:
            break
    return Walk(_with_builds(connection, rows[:most]), len(rows) > most)


def _level(
    connection: Connection, towards: str, level: Sequence[Node], known: set[Node], most: int
) -> tuple[list[Row], list[Row]]:
    """Return the new nodes that belong to this level, and those of the next one. From one attempt
    of a build to another, which resumed from what it kept, is no step to a further image."""
    here: list[Row] = []
    there: list[Row] = []
    while level:
        found = _next(connection, towards, level, most + 1)
        new = [row for row in found if _is_new(row, known)]
        resumed = [row for row in new if row["build_id"] == row["of"].build_id]
        here += resumed
        there += [row for row in new if row["build_id"] != row["of"].build_id]
        level = [_node(row) for row in resumed]
    return here, there


def _node(row: Row) -> Node:
    return Node(row["build_id"], row["attempt"])


def _next(connection: Connection, towards: str, level: Iterable[Node], most: int) -> list[Row]:
    nodes = [node._asdict() for node in level]
    parameters = {"nodes": as_json(nodes), "most": most}
    rows = connection.execute(query(f"lineage/{towards}"), parameters).fetchall()
    near = "parent" if towards == "children" else "child"
    return [
        {name: row[name] for name in ("build_id", "attempt", "artifact_id", "region")}
        | {"of": Node(row[f"{near}_id"], row[f"{near}_attempt"])}
        for row in rows
    ]


def _is_new(row: Row, known: set[Node]) -> bool:
    """Return whether a node was not found before, and note it. A source of nobody has no node."""
    if row["build_id"] is None:
        return True
    node = _node(row)
    if node in known:
        return False
    known.add(node)
    return True


def _with_builds(connection: Connection, rows: Sequence[Row]) -> list[Row]:
    builds = builds_of(connection, {row["build_id"] for row in rows if row["build_id"]})
    return [row | builds.get(row["build_id"], UNKNOWN) for row in rows]
