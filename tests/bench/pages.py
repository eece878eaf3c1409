"""What pages and lists cost with a long history, against a short one.

A worker keeps a page that it rendered until something is committed; so something is, before each
request, and what is measured is reading and rendering.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

import psycopg
import requests

from tests.bench.dataset import fill
from tests.bench.goals import Goal, at_most, told
from tests.bench.paths import PATHS
from tests.support.receivers import Running, started

SHORT, RUNS = 10_000, 15


class Reader:
    """Somebody who asks a receiver for pages, over one connection."""

    def __init__(self, url: str, database: psycopg.Connection, session: requests.Session) -> None:
        self._url, self._database, self._session = url, database, session

    def seconds(self, path: str) -> float:
        """Until the whole of it is there."""
        self._database.execute("SELECT pg_current_xact_id()")
        began = time.perf_counter()
        answer = self._session.get(self._url + path, timeout=60)
        taken = time.perf_counter() - began
        assert answer.status_code == 200, (path, answer.status_code)
        return taken


def measure(long: int) -> list[Goal]:
    """One row for the page that grew the most, one for the overview."""
    with started() as small, started() as large:
        fill(small.database_url(), SHORT)
        fill(large.database_url(), long)
        with _reader(small) as before, _reader(large) as now:
            ratios = {path: _ratio(path, before, now) for path in PATHS}
            _, overview, empty = _medians([(before, "/"), (now, "/"), (now, "/livez")])
    worst = max(ratios, key=lambda path: ratios[path])
    shown = f"300 combinations, {overview * 1000:.1f} ms, {empty * 1000:.1f} ms"
    return [
        at_most(f"pages at {long:,} / {SHORT:,} builds", [ratios[worst]], 1.5, f"worst: {worst}"),
        at_most(f"overview at {long:,} builds / livez", [overview / empty], 20, shown),
    ]


@contextmanager
def _reader(receiver: Running) -> Iterator[Reader]:
    with (
        psycopg.connect(receiver.database_url(), autocommit=True) as database,
        requests.Session() as session,
    ):
        session.headers["Accept"] = "text/html, application/json"
        yield Reader(receiver.url, database, session)


def _ratio(path: str, before: Reader, now: Reader) -> float:
    fast, slow = _medians([(before, path), (now, path)])
    told(path, f"{fast * 1000:7.1f} → {slow * 1000:7.1f} ms")
    return slow / fast


def _medians(asked: list[tuple[Reader, str]]) -> list[float]:
    """Of a few rounds in turns, after one that does not count."""
    rounds = [[reader.seconds(path) for reader, path in asked] for _ in range(RUNS + 1)]
    return [median(times) for times in zip(*rounds[1:], strict=True)]
