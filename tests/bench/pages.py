"""What pages and lists cost with a long history, against a short one."""

import statistics
import time

import requests

from tests.bench.filled import fill
from tests.bench.goals import Goal, at_most, told
from tests.bench.paths import PATHS
from tests.receivers import Running, started

SHORT, RUNS = 10_000, 15
EXTRA = 0.003  # seconds that a page may always take more: what a timer cannot tell apart


def measure(long: int) -> list[Goal]:
    """One row for the page that grew the most, one for the overview."""
    with started() as small, started() as large:
        fill(small.database_url(), SHORT)
        fill(large.database_url(), long)
        ratios: dict[str, float] = {}
        for path in PATHS:
            fast, slow = _seconds(small, path), _seconds(large, path)
            ratios[path] = slow / (fast + EXTRA)
            told(path, f"{fast * 1000:7.1f} → {slow * 1000:7.1f} ms")
        worst = max(ratios, key=lambda path: ratios[path])
        overview = _seconds(large, "/") / _seconds(large, "/livez")
    return [
        at_most(f"pages at {long:,} / {SHORT:,} builds", [ratios[worst]], 1.5, f"worst: {worst}"),
        at_most(f"overview at {long:,} builds / livez", [overview], 20, "300 combinations"),
    ]


def _seconds(receiver: Running, path: str) -> float:
    """The median of a few requests, over one connection, after one that does not count."""
    with requests.Session() as session:
        session.headers["Accept"] = "text/html, application/json"
        times = []
        for _ in range(RUNS + 1):
            began = time.perf_counter()
            answer = session.get(receiver.url + path, timeout=60)
            times.append(time.perf_counter() - began)
            assert answer.status_code in (200, 404), (path, answer.status_code)
    return statistics.median(times[1:])
