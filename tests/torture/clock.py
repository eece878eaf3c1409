"""`milepost` with a clock that is wrong by as many minutes as a file says."""

import os
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import time_machine

from receiver.cli.main import main

FILE = Path(os.environ.pop("TORTURE_CLOCK", os.devnull))


def _follow(coordinates: time_machine.Traveller) -> None:
    """Move the clock whenever the file changes."""
    offset, pause = 0, threading.Event()
    while not pause.wait(0.1):
        minutes = int(FILE.read_text() or offset)
        coordinates.shift((minutes - offset) * 60)
        offset = minutes


def _start() -> None:
    """Start the thread in each worker: a fork has no threads."""
    threading.Thread(target=_follow, args=[_coordinates], daemon=True).start()


if __name__ == "__main__":
    _coordinates = time_machine.travel(datetime.now(UTC), tick=True).start()
    os.register_at_fork(after_in_child=_start)
    sys.exit(main())
