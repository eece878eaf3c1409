"""The thread of a worker that says, every few seconds, which settings files this receiver reads."""

import random
import threading

from receiver import log
from receiver.config import Config
from receiver.ingest.announced_files import RECEIVER
from receiver.ingest.rules import Rules
from receiver.server.background import attempt
from receiver.storage import settings_files
from receiver.storage.db import DriverError, connect
from receiver.storage.settings_files import EVERY_SECONDS


def start(rules: Rules) -> None:
    """Start a thread that ends with the process."""
    threading.Thread(target=_run, args=[rules], name="announcer", daemon=True).start()


def _run(rules: Rules) -> None:
    pause = threading.Event()
    while True:
        # Where it fails, the last word counts on.
        attempt(rules.announced.say_again, "settings files not announced")
        # Not all workers of all receivers at once.
        pause.wait(EVERY_SECONDS * random.uniform(0.7, 1.3))  # noqa: S311  # jitter is no secret


def forget(config: Config) -> None:
    """Forget what the receiver said, since it ends: its file of stages counts no more. An embedded
    database has no other receiver."""
    if config.database_url is None:
        return
    try:
        with connect(config.database_url) as connection:
            settings_files.forget(connection, RECEIVER)
    except DriverError as error:  # its word ends a minute later by itself
        log.get().info("settings files not forgotten", reason=type(error).__name__)
