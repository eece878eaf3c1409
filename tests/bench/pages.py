"""The time of pages and lists with a long history, against a short one.

A worker caches a rendered page until the next commit. A commit before each request makes the
measurement one of reading and rendering.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

import psycopg
import requests

from tests.bench.dataset import fill
from tests.bench.goals import Goal, at_most, print_row
from tests.bench.history import EVENTS, History
from tests.bench.paths import PATHS
from tests.support.receivers import Running, started

SHORT, RUNS = 10_000, 15


class Client:
    """A client of a receiver's pages, over one connection."""

    def __init__(self, url: str, database: psycopg.Connection, session: requests.Session) -> None:
        self._url, self._database, self._session = url, database, session

    def seconds(self, path: str) -> float:
        """Return the seconds of one GET."""
        self._database.execute("SELECT pg_current_xact_id()")
        began = time.perf_counter()
        answer = self._session.get(self._url + path, timeout=60)
        seconds = time.perf_counter() - began
        assert answer.status_code == 200, (path, answer.status_code)
        return seconds


def measure(history: History) -> list[Goal]:
    """Measure every page; return one goal for the slowest page and one for the overview."""
    with started() as small:
        fill(small.database_url(), SHORT, deliveries=EVENTS)
        with _client(small) as short_client, _client(history.receiver) as long_client:
            times = {path: _times(path, short_client, long_client) for path in PATHS}
            _, overview, empty = _medians(
                [(short_client, "/"), (long_client, "/"), (long_client, "/livez")]
            )
    worst = max(times, key=lambda path: times[path][1] / times[path][0])
    short, long = times[worst]
    pages = f"every page and list at {history.builds:,} builds / at {SHORT:,}"
    grid = f"the overview of 300 images at {history.builds:,} builds / `/livez`"
    figures = f"worst: `{worst}`, {long * 1000:.1f} and {short * 1000:.1f} ms"
    return [
        at_most(pages, [long / short], 1.3, figures),
        at_most(grid, [overview / empty], 12, f"{overview * 1000:.1f} and {empty * 1000:.1f} ms"),
    ]


@contextmanager
def _client(receiver: Running) -> Iterator[Client]:
    with (
        psycopg.connect(receiver.database_url(), autocommit=True) as database,
        requests.Session() as session,
    ):
        session.headers["Accept"] = "text/html, application/json"
        yield Client(receiver.url, database, session)


def _times(path: str, short_client: Client, long_client: Client) -> list[float]:
    """Return the median seconds with a short history, and with a long one."""
    times = _medians([(short_client, path), (long_client, path)])
    print_row(path, f"{times[0] * 1000:7.1f} → {times[1] * 1000:7.1f} ms")
    return times


def _medians(requests: list[tuple[Client, str]]) -> list[float]:
    """Return the median seconds of each request, in rounds, without the first round."""
    rounds = [[client.seconds(path) for client, path in requests] for _ in range(RUNS + 1)]
    return [median(times) for times in zip(*rounds[1:], strict=True)]
