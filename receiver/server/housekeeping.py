"""The receiver's own work in the background: after an upgrade builds are folded again, and once an
hour old bodies are deleted."""

import random
import threading
from datetime import UTC, datetime

from receiver import log
from receiver.app import conninfo
from receiver.config import Config
from receiver.config_files import WatchedFile
from receiver.domain.stage_map import StageMap
from receiver.errors import MilepostError
from receiver.storage import outdated, retention
from receiver.storage.db import DriverError, open_database

EVERY_SECONDS = 3600.0
FIRST_SECONDS = 20.0


def start(config: Config) -> None:
    """Start a thread that ends with the process; each worker has one, and a lock lets one work."""
    threading.Thread(target=_run, args=[config], name="housekeeping", daemon=True).start()


def _run(config: Config) -> None:
    pause = threading.Event()
    pause.wait(FIRST_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311  # jitter is no secret
    while True:
        try:
            refold(config)
        except (DriverError, MilepostError) as error:  # another worker does it, or it waits an hour
            log.get().info("not folded again", reason=type(error).__name__)
        # Not all workers of all receivers at once, and never at the very start.
        pause.wait(EVERY_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311  # jitter is no secret
        try:
            prune(config)
        except (DriverError, MilepostError) as error:  # another worker does it, or it waits an hour
            log.get().info("not pruned", reason=type(error).__name__)


def refold(config: Config) -> int:
    """Fold the builds again that an older release folded last, and return how many."""
    stages = WatchedFile(config.stages, StageMap.parse, StageMap()).get()
    with open_database(conninfo(config), **config.pooling) as database:
        count = sum(outdated.refold_all(database, stages))
    if count:
        log.get().info("folded again", builds=count)
    return count


def prune(config: Config) -> int:
    """Delete the bodies that are older than MILEPOST_KEEP_BODIES, and return how many."""
    with open_database(conninfo(config), **config.pooling) as database:
        before = datetime.now(UTC) - config.keep_bodies
        count = sum(retention.prune_bodies(database, before, waits=False))
    if count:
        log.get().info("pruned", bodies=count)
    return count
