"""The long history that several parts of a run measure with: filled once, when one needs it."""

import time
from contextlib import ExitStack
from functools import cached_property

import psycopg

from tests.bench.dataset import fill
from tests.bench.goals import print_row
from tests.support.receivers import Running, started

EVENTS = 5  # deliveries of each build, with one statement each


class History(ExitStack):
    """A receiver of so many builds; it runs until the end of the context."""

    def __init__(self, builds: int) -> None:
        super().__init__()
        self.builds, self.events = builds, builds * EVENTS

    @cached_property
    def receiver(self) -> Running:
        """Start and fill it, at the first time; return it."""
        receiver, began = self.enter_context(started()), time.perf_counter()
        fill(receiver.database_url(), self.builds, deliveries=EVENTS)
        with psycopg.connect(receiver.database_url(), autocommit=True) as connection:
            connection.execute("CHECKPOINT")  # else it is written while others are measured
        print_row(f"filled with {self.builds:,} builds", f"{time.perf_counter() - began:.0f} s")
        return receiver
