"""The thread of a worker that adds its counts of refused deliveries to the table.

A worker that ends loses those of its last second.
"""

import threading

from flask import Flask

from receiver import log
from receiver.errors import MilepostError, ReadOnly
from receiver.ingest.services import Services
from receiver.storage.db import DriverError
from receiver.web import refusals
from receiver.web.refusals import RefusalCounts

EVERY_SECONDS = 1.0
AFTER_FAILURE_SECONDS = 10.0
STANDBY_SECONDS = 60.0


def start(app: Flask) -> None:
    """Start a thread that ends with the process."""
    arguments = [app.extensions["milepost"], refusals.counts(app)]
    threading.Thread(target=_run, args=arguments, name="refusals", daemon=True).start()


def _run(services: Services, counts: RefusalCounts) -> None:
    pause = threading.Event()
    while True:
        pause.wait(EVERY_SECONDS)
        try:
            refusals.write(services, counts)
        except ReadOnly:  # a standby: its receiver shows its own counts alone
            pause.wait(STANDBY_SECONDS)
        except (DriverError, MilepostError) as error:  # the counts wait in memory
            log.get().info("refusals not written", reason=type(error).__name__)
            pause.wait(AFTER_FAILURE_SECONDS)
        except Exception as error:  # noqa: BLE001  # the next turn tries again
            log.unexpected(error)
            pause.wait(AFTER_FAILURE_SECONDS)
