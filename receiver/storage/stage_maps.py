"""The stage map that builds are folded with: the newest in the database, whichever receiver folds.

A receiver may hold an older one, for a second or for as long as its file is another. With two maps
in turn a build would jump between states.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from receiver import log
from receiver.domain.stage_map import StageMap
from receiver.errors import ConfigError
from receiver.storage import settings, settings_files
from receiver.storage.db import Connection, Database, Row

KIND = "stages"


def newest(connection: Connection, builds: Sequence[Row], stages: StageMap) -> StageMap:
    """Return the map to fold locked builds with, each a row of lock_builds.sql: `stages`, if its
    version is the newest.

    A build can have waited for a lock while another receiver folded it with a newer map than the
    statement has seen. What a newer release wrote and this one cannot read leaves `stages`.
    """
    versions = [max(each["newest_map"] or 0, each["map_version"] or 0) for each in builds]
    if not builds or max(versions) == stages.version:
        return stages
    row = settings.read_document(connection, KIND)
    if row is None:
        return replace(stages, version=0)
    return parsed(row["document"], row["version"]) or stages


def read_state(database: Database) -> tuple[Row | None, list[Row]]:
    """Return version, created_at and created_by of the newest map, None without one, and the files
    of receivers that do not count: host, path and version."""
    with database.transaction() as connection:
        newest = settings.read_document(connection, KIND)
        files = [each for each in settings_files.live(connection) if each.kind == KIND]
    if newest:
        del newest["document"]
    older = [each for each in files if each.is_older]
    return newest, [
        {"host": each.host, "path": each.path, "version": each.version} for each in older
    ]


@lru_cache(maxsize=4)
def parsed(document: str, version: int) -> StageMap | None:
    """Return the map of a document; None where a newer release wrote what this one cannot read."""
    try:
        return replace(StageMap.parse(document, f"{KIND} version {version}"), version=version)
    except ConfigError as error:
        log.get().error("stage map refused", version=version, problems=error.problems)
        return None
