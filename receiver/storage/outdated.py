"""Fold builds again that an older release folded last, in batches, each a transaction of its own.

It can be stopped at any time: what is done is marked (builds.fold_version), and the rest is found
again. One process works at a time; deliveries do not wait for it.
"""

from collections.abc import Iterator, Sequence
from uuid import UUID

from receiver.domain.fold.fold import FOLD_VERSION
from receiver.domain.fold.projection import BuildRows
from receiver.domain.stage_map import StageMap
from receiver.errors import Contended, Unavailable
from receiver.storage import projections, refold, stage_maps
from receiver.storage.db import Connection, Database, array, query

LOCK = 0x666F6C64  # "fold": any number that nobody else uses
BATCH = 20  # builds; each may have thousands of events
TRIES = 3  # of a batch that met deliveries


def refold_all(database: Database, stages: StageMap) -> Iterator[int]:
    """Fold every build that an older fold wrote last. Yield the number of each batch.

    Raises Unavailable where another process folds them, or the database is away.
    """
    after = UUID(int=0)
    while build_ids := _tried(database, after, stages):
        after = build_ids[-1]
        yield len(build_ids)


def _tried(database: Database, after: UUID, stages: StageMap) -> list[UUID]:
    for _ in range(TRIES - 1):
        try:
            return _batch(database, after, stages)
        except Contended:
            continue
    return _batch(database, after, stages)


def _batch(database: Database, after: UUID, stages: StageMap) -> list[UUID]:
    """Fold the next builds behind an id. Return their ids, in order."""
    with database.transaction() as connection:
        lock = connection.execute(query("outdated/try_lock"), {"key": LOCK}).fetchone()
        if not lock or not lock["locked"]:
            raise Unavailable("Another process folds the builds at the moment.")
        parameters = {"after": after, "version": FOLD_VERSION, "limit": BATCH}
        rows = connection.execute(query("outdated/outdated_builds"), parameters).fetchall()
        build_ids = [row["id"] for row in rows]
        if build_ids:
            fold_again(connection, build_ids, stages)
    return build_ids


def fold_again(connection: Connection, build_ids: Sequence[UUID], stages: StageMap) -> None:
    """Fold builds in the caller's transaction; one without events keeps its rows."""
    parameters = {"build_ids": array(build_ids)}
    builds = connection.execute(query("record/lock_builds"), parameters).fetchall()
    stages = stage_maps.newest(connection, builds, stages)
    folded = refold.fold_builds(connection, [build["id"] for build in builds], stages)
    known = [build for build in builds if folded[build["id"]] != BuildRows()]
    projections.write(connection, known, folded, {}, {}, stages.version)
    empty = [build["id"] for build in builds if folded[build["id"]] == BuildRows()]
    if empty:
        kept = {"build_ids": array(empty), "version": FOLD_VERSION}
        connection.execute(query("outdated/keep_builds"), kept)
