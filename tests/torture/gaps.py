"""What a drill of high availability measures: times without an answer, pages, hanging commits."""

import itertools
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import requests

from tests.torture.load import ACCEPTED, Try

PAGES = ("/", "/builds", "/failures", "/api/v1/builds")
PAUSE_SECONDS = 0.2
PAGE_TIMEOUT_SECONDS = 15


@dataclass
class Reader:
    """A reader of pages who never stops: `answers` has when each came, and its status, None without
    an answer."""

    url: str
    answers: list[tuple[float, int | None]] = field(default_factory=list)

    def read(self, stopped: threading.Event) -> None:
        """Ask for one page after the other."""
        while not stopped.wait(PAUSE_SECONDS):
            page = PAGES[len(self.answers) % len(PAGES)]
            status = None
            with suppress(requests.RequestException):
                status = requests.get(self.url + page, timeout=PAGE_TIMEOUT_SECONDS).status_code
            self.answers.append((time.monotonic(), status))

    def bad(self) -> int:
        """Return how many pages were no 200."""
        return sum(status != 200 for _, status in self.answers)

    def gap(self) -> float:
        """Return the longest time without a 200."""
        return longest([at for at, status in self.answers if status == 200], self.answers[-1][0])


@dataclass
class Samples:
    """A figure that is asked for once a second; None while nobody can tell."""

    ask: Callable[[], int]
    values: list[int] = field(default_factory=list)

    def read(self, stopped: threading.Event) -> None:
        """Ask again and again."""
        while not stopped.wait(1.0):
            with suppress(Exception):  # the server that is asked dies on purpose
                self.values.append(self.ask())


class Background:
    """Threads that run until the end of a `with`."""

    def __init__(self, *works: Callable[[threading.Event], None]) -> None:
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=each, args=[self._stopped]) for each in works]

    def __enter__(self) -> None:
        for thread in self._threads:
            thread.start()

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()


def longest(moments: Sequence[float], end: float) -> float:
    """Return the longest time between two of these moments, or from the last one to the end."""
    ordered = [*sorted(moments), end]
    return max((after - before for before, after in itertools.pairwise(ordered)), default=0)


def silence(tries: Sequence[Try], begin: float, end: float) -> float:
    """Return the longest time without a 2xx between two moments, the first of them counted."""
    moments = [
        each.ended for each in tries if each.answer in ACCEPTED and begin <= each.ended <= end
    ]
    return longest([begin, *moments], end)


def first_after(tries: Sequence[Try], moment: float) -> float:
    """Return the seconds until the first 2xx of a request that began after a moment."""
    later = [
        each.ended - moment
        for each in tries
        if each.answer in ACCEPTED and each.ended - each.seconds >= moment
    ]
    return min(later, default=float("inf"))
