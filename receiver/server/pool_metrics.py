"""The thread of a worker that notes the state of its pool each second, for /metrics."""

import threading
from functools import partial

from flask import Flask

from receiver.server.background import attempt
from receiver.web import metrics

EVERY_SECONDS = 1.0


def start(app: Flask) -> None:
    """Start a thread that ends with the process."""
    threading.Thread(target=_run, args=[app], name="pool metrics", daemon=True).start()


def _run(app: Flask) -> None:
    pause = threading.Event()
    while True:
        attempt(partial(metrics.note_pool, app), "state of the pool not noted")
        pause.wait(EVERY_SECONDS)
