"""The receiver's own work in the background: old bodies are deleted once an hour."""

import random
import threading
from datetime import UTC, datetime

from receiver import log
from receiver.app import conninfo
from receiver.config import Config
from receiver.errors import MilepostError
from receiver.storage import retention
from receiver.storage.db import DriverError, open_database

EVERY_SECONDS = 3600.0


def start(config: Config) -> None:
    """Start a thread that ends with the process; each worker has one, and a lock lets one work."""
    threading.Thread(target=_run, args=[config], name="housekeeping", daemon=True).start()


def _run(config: Config) -> None:
    pause = threading.Event()
    while True:
        # Not all workers of all receivers at once, and never at the very start.
        pause.wait(EVERY_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311  # jitter is no secret
        try:
            prune(config)
        except (DriverError, MilepostError) as error:
            log.get().warning("not pruned", reason=type(error).__name__)


def prune(config: Config) -> int:
    """Delete the bodies that are older than MILEPOST_KEEP_BODIES, and return how many."""
    with open_database(conninfo(config), prepare=config.prepare) as database:
        before = datetime.now(UTC) - config.keep_bodies
        count = sum(retention.prune_bodies(database, before))
    if count:
        log.get().info("pruned", bodies=count)
    return count
