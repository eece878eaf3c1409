"""The thread of a worker that adds its counts of refused deliveries to the table.

A worker that ends loses those of its last second.
"""

import threading
from functools import partial

from flask import Flask

from receiver.errors import ReadOnly
from receiver.ingest.services import Services
from receiver.server.background import attempt
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
        if not attempt(partial(_write, services, counts, pause), "refusals not written"):
            pause.wait(AFTER_FAILURE_SECONDS)  # the counts wait in memory


def _write(services: Services, counts: RefusalCounts, pause: threading.Event) -> None:
    try:
        refusals.write(services, counts)
    except ReadOnly:  # a standby: its receiver shows its own counts alone
        pause.wait(STANDBY_SECONDS)
