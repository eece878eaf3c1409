"""The lineage of a build as a caller sees it: names of other projects' builds are hidden."""

from collections.abc import Callable, Iterator, Mapping, Sequence, Set

from receiver.domain.images import image_of
from receiver.domain.lineage import combined, fate_of, state_of
from receiver.storage import builds, images, lineage
from receiver.storage.db import Connection, Database, Row, query
from receiver.storage.dimensions import Own, projects_within
from receiver.storage.lineage import Node, Walk
from receiver.storage.serving import ServingOf

Newest = Mapping[tuple[object, ...], Row]  # the newest served build of each image
IsSeen = Callable[[Row], bool]
NAMES = ("build_number", "project", "platform", "os_version", "image_type", "status", "attempt")
UNSETTLED = ("failed", "cancelled")
# Children whose base is no longer in the channels where they found it.
Moved = Set[lineage.Edge | None]


def show(database: Database, serving_of: ServingOf, build_number: str, project: Own) -> Row:
    """Return `state`, `parents`, `children`, `children_of_older` and `is_cut` of a build; see
    _item() for the fields of each. Raises NotFound where there is no such build within `project`.

    `children_of_older` are those of the good build before one that failed: they wait for it.
    """
    with database.transaction() as connection:
        build = builds.read_row(connection, build_number, project)
        own = {"build_number": build["build_number"], "attempt": build["attempt"] or 1}
        is_seen = _seen(connection, project)
        above = lineage.ancestors(connection, [Node(build["id"], own["attempt"])])
        below = lineage.descendants(connection, build["id"], lineage.MOST)
        start = lineage.builds_of(connection, [build["id"]])[build["id"]]
        moved = lineage.moved(connection, above.rows, below.rows)
        may_wait = build["status"] in UNSETTLED and lineage.has_sources(connection)
    has_any = bool(above.rows or below.rows or may_wait)
    newest = newest_builds(database, serving_of) if has_any else {}
    parents = list(_parents(above, newest, moved, is_seen, build["build_number"]))
    return own | {
        "state": combined(each["state"] for each in parents if each["depth"] == 1),
        "parents": parents,
        "children": list(_children(below, start, newest, moved, is_seen)),
        "children_of_older": _children_of_older(database, build, newest, is_seen),
        "is_cut": above.is_cut or below.is_cut,
    }


def made_artifacts(
    database: Database,
    serving_of: ServingOf,
    artifact_id: str,
    region: str | None,
    project: Own,
) -> list[Row]:
    """Return the artifacts of an id that builds within `project` made, the newest first, each with
    `fate`, and `superseded_by`: the newest build of its image."""
    newest = newest_builds(database, serving_of)
    with database.transaction() as connection:
        within = None if project is None else list(projects_within(connection, project))
        parameters = {"artifact_id": artifact_id, "region": region, "projects": within}
        rows = connection.execute(query("lineage/made_artifacts"), parameters).fetchall()
    return [_with_fate(row, newest.get(image_of(row))) for row in rows]


def with_bases(
    database: Database, serving_of: ServingOf, rows: Sequence[Row], project: Own = None
) -> list[Row]:
    """Return rows with a build_number, each with `base`: its first parent that decides its state,
    as _item() shows it; None where the build says nothing of what it started from."""
    bases = _bases(database, serving_of, sorted({row["build_number"] for row in rows}), project)
    return [row | {"base": bases.get(row["build_number"])} for row in rows]


def count_behind(
    database: Database,
    serving_of: ServingOf,
    project: Own = None,
    newest: Newest | None = None,
) -> int:
    """Return how many images are behind their base, by their newest builds; of `project` and those
    below it, where the caller may read nothing else. `newest` are those of every project, where
    they were read before."""
    with database.transaction() as connection:
        if not lineage.has_sources(connection):
            return 0
        own = None if project is None else projects_within(connection, project)
    if newest is None:
        newest = newest_builds(database, serving_of)
    rows = [row for row in newest.values() if own is None or row["project"] in own]
    numbers = sorted({row["build_number"] for row in rows})
    bases = _bases(database, serving_of, numbers, None, newest)
    return sum(each["state"] == "behind" for each in bases.values())


def newest_builds(database: Database, serving_of: ServingOf) -> Newest:
    """Return the newest build of each image that is served: build_number, built_at and more."""
    with database.transaction() as connection:
        rows = images.newest_images(connection, serving_of)
    return {image_of(row): row for row in rows}


def _bases(
    database: Database,
    serving_of: ServingOf,
    numbers: Sequence[str],
    project: Own,
    newest: Newest | None = None,
) -> dict[str, Row]:
    with database.transaction() as connection:
        nodes = lineage.last_attempts(connection, numbers)
        if not nodes:
            return {}
        rows = lineage.parents(connection, list(nodes.values()))
        moved = lineage.moved(connection, rows, ())
        is_seen = _seen(connection, project)
    if newest is None:
        newest = newest_builds(database, serving_of)
    of_builds: dict[str, list[Row]] = {}
    numbers_of = {node.build_id: number for number, node in nodes.items()}
    for row in rows:
        child = numbers_of[row["of"].build_id]
        has_moved = lineage.edge(row) in moved
        item = _item(row, row, newest, is_seen, child, has_moved=has_moved)
        of_builds.setdefault(child, []).append(item)
    return {number: _deciding(items) for number, items in of_builds.items()}


def _deciding(items: Sequence[Row]) -> Row:
    state = combined(each["state"] for each in items)
    return next(each for each in items if each["state"] == state)


def _seen(connection: Connection, project: Own) -> IsSeen:
    """Return what tells whether the caller may know the names of a row's build."""
    if project is None:
        return lambda _row: True
    projects = set(projects_within(connection, project))
    return lambda row: row["project"] in projects


def _parents(walk: Walk, newest: Newest, moved: Moved, is_seen: IsSeen, own: str) -> Iterator[Row]:
    """Yield each parent; what a build that is hidden starts from is hidden as well."""
    near = {Node(row["build_id"], row["attempt"]): row for row in walk.rows}
    told: set[object] = set()
    for row in walk.rows:
        child = near.get(row["of"])
        if child and not is_seen(child) and not is_seen(row):
            continue
        key = row["build_number"] or (row["artifact_id"], row["region"])
        if key not in told:
            told.add(key)
            through = own if child is None else child["build_number"]
            is_told = child is None or is_seen(child)
            has_moved = lineage.edge(row) in moved
            through = through if is_told else None
            yield _item(row, row, newest, is_seen, through, is_told=is_told, has_moved=has_moved)


def _children(
    walk: Walk, start: Row, newest: Newest, moved: Moved, is_seen: IsSeen
) -> Iterator[Row]:
    """Yield the builds whose last attempt descends from the build, each once."""
    near = {Node(row["build_id"], row["attempt"]): row for row in walk.rows}
    told: set[str] = set()
    for row in walk.rows:
        if row["attempt"] != row["latest_attempt"] or row["build_number"] in told:
            continue
        told.add(row["build_number"])
        parent = near.get(row["of"], start | {"attempt": row["of"].attempt})
        is_told = is_seen(parent)
        through = parent["build_number"] if is_told else None
        has_moved = lineage.edge_below(row) in moved
        told_to = is_told or is_seen(row)
        yield _item(row, parent, newest, is_seen, through, is_told=told_to, has_moved=has_moved)


def _children_of_older(
    database: Database, build: Row, newest: Newest, is_seen: IsSeen
) -> list[Row]:
    older = newest.get(image_of(build))
    if build["status"] not in UNSETTLED or older is None:
        return []
    if build["end_time"] and older["built_at"] > build["end_time"]:
        return []  # it was built again since
    with database.transaction() as connection:
        found = builds.read_row(connection, older["build_number"], None)
        walk = lineage.children(connection, [Node(found["id"], found["attempt"])])
        start = lineage.builds_of(connection, [found["id"]])[found["id"]]
        moved = lineage.moved(connection, (), walk.rows)
    return list(_children(walk, start, newest, moved, is_seen))


def _item(
    row: Row,
    parent: Row,
    newest: Newest,
    is_seen: IsSeen,
    through: str | None,
    *,
    is_told: bool = True,
    has_moved: bool = False,
) -> Row:
    """Return what a caller sees of a build of the lineage.

    `through` is the build between, or the one that is asked about. `state` is that of the child of
    the two, and `newest` the newest good build of the parent's image. `is_other_project`: it is a
    build of another project, whose names are None, as are the artifact and its region unless the
    caller knows a build that tells them.
    """
    is_hidden = row["build_number"] is not None and not is_seen(row)
    now = newest.get(image_of(parent)) if parent["build_number"] else None
    names = dict.fromkeys(NAMES) if is_hidden else {name: row[name] for name in NAMES}
    return names | {
        "artifact_id": row["artifact_id"] if is_told else None,
        "region": row["region"] if is_told else None,
        "depth": row["depth"],
        "through": through,
        "state": state_of(parent, now, has_moved=has_moved),
        "newest": now["build_number"] if now and is_seen(parent) else None,
        "is_other_project": is_hidden,
    }


def _with_fate(row: Row, newest: Row | None) -> Row:
    fate = fate_of(row, newest)
    by = newest["build_number"] if newest and fate == "superseded" else None
    return row | {"fate": fate, "superseded_by": by}
