"""`milepost` whose clock is away from the machine's by as many minutes as a file says."""

import os
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import time_machine

from receiver.cli.main import main

FILE = Path(os.environ.pop("TORTURE_CLOCK", os.devnull))


def _follow(coordinates: time_machine.Traveller) -> None:
    """Jump whenever the file changes."""
    away, pause = 0, threading.Event()
    while not pause.wait(0.1):
        wanted = int(FILE.read_text() or away)
        coordinates.shift((wanted - away) * 60)
        away = wanted


def _begin() -> None:
    """In each worker, since a fork keeps no thread."""
    threading.Thread(target=_follow, args=[_coordinates], daemon=True).start()


if __name__ == "__main__":
    _coordinates = time_machine.travel(datetime.now(UTC), tick=True).start()
    os.register_at_fork(after_in_child=_begin)
    sys.exit(main())
