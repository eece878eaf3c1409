"""The receiver's own work in the background: after an upgrade builds are folded again, and once an
hour tables for the bodies of the next weeks are made and old bodies are deleted. A receiver of a
standby leaves all of it to others."""

import random
import threading
from datetime import UTC, datetime
from functools import partial

from receiver import log
from receiver.app import conninfo
from receiver.config import Config
from receiver.config_files import WatchedFile
from receiver.domain.stage_map import StageMap
from receiver.server.background import attempt
from receiver.storage import body_weeks, outdated, retention
from receiver.storage.db import open_database

EVERY_SECONDS = 3600.0
FIRST_SECONDS = 20.0


def start(config: Config) -> None:
    """Start a thread that ends with the process; each worker has one, and a lock lets one work."""
    threading.Thread(target=_run, args=[config], name="housekeeping", daemon=True).start()


def _run(config: Config) -> None:
    pause = threading.Event()
    pause.wait(FIRST_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311  # jitter is no secret
    while True:
        # Where another worker does one of these, or the database is away, it waits an hour.
        attempt(partial(make_weeks, config), "no weeks of bodies made")
        attempt(partial(refold, config), "not folded again")
        # Not all workers of all receivers at once, and never at the very start.
        pause.wait(EVERY_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311  # jitter is no secret
        attempt(partial(prune, config), "not pruned")


def refold(config: Config) -> int:
    """Fold the builds again that an older release folded last, and return how many."""
    stages = WatchedFile(config.stages, StageMap.parse, StageMap()).get()
    with open_database(conninfo(config), **config.pooling) as database:
        if database.read_only_reason():
            return 0
        count = sum(outdated.refold_all(database, stages))
    if count:
        log.get().info("folded again", builds=count)
    return count


def prune(config: Config) -> int:
    """Delete the bodies that are older than MILEPOST_KEEP_BODIES, and return how many were deleted
    one by one. Where that is a week or more, they go by whole weeks: at most a week later."""
    before = datetime.now(UTC) - config.keep_bodies
    if config.keep_bodies >= body_weeks.WEEK:
        before = body_weeks.week_of(before)
    with open_database(conninfo(config), **config.pooling) as database:
        if database.read_only_reason():
            return 0
        weeks = sum(1 for _ in retention.prune_weeks(database, before, waits=False))
        count = sum(retention.prune_bodies(database, before, waits=False))
    if weeks or count:
        log.get().info("pruned", weeks=weeks, bodies=count)
    return count


def make_weeks(config: Config) -> None:
    """Make the tables for the bodies of the coming weeks; say in the log which cannot be made."""
    with open_database(conninfo(config), **config.pooling) as database:
        if database.read_only_reason():
            return
        unmade = retention.make_weeks(database, datetime.now(UTC))
    if unmade:
        weeks = [f"{begin:%Y-%m-%d}" for begin in unmade]
        log.get().warning("no table for weeks of bodies: see milepost doctor", weeks=weeks)
