"""What a receiver does by itself now and then: forget old bodies."""

import random
import threading
from datetime import UTC, datetime

import psycopg

from receiver import log
from receiver.app import conninfo
from receiver.config import Config
from receiver.errors import MilepostError
from receiver.storage import retention
from receiver.storage.db import opened

EVERY_SECONDS = 3600.0


def start(config: Config) -> None:
    """Begin in a thread that ends with the process; every worker does, and they take turns."""
    threading.Thread(target=_run, args=[config], name="housekeeping", daemon=True).start()


def _run(config: Config) -> None:
    pause = threading.Event()
    while True:
        # Not all workers of all receivers at once, and never at the very start.
        pause.wait(EVERY_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311  # jitter is no secret
        try:
            prune(config)
        except (psycopg.Error, MilepostError) as error:
            log.get().warning("not pruned", reason=type(error).__name__)


def prune(config: Config) -> int:
    """Forget the bodies that are older than the settings say; gives how many."""
    with opened(conninfo(config), prepare=config.prepare) as database:
        before = datetime.now(UTC) - config.keep_bodies
        count = sum(retention.bodies(database, before))
    if count:
        log.get().info("pruned", bodies=count)
    return count
