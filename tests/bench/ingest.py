"""The rate of deliveries, against an empty answer and against pgbench; and a burst."""

import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median

import psycopg

from tests.bench import github, pgbench
from tests.bench.goals import Goal, at_least, at_most
from tests.bench.history import History
from tests.bench.load import THREADS, LoadResult, envelopes, raw, run_load, write_requests
from tests.support.forges import SECRETS
from tests.support.receivers import Running, started

ROUNDS = 3
BUILDS, CONNECTIONS = 2_000, 16
OFFERED, JOBS = 24_000, 5_000  # more than a receiver accepts in the time
SECONDS = 8
BURST, BURST_CONNECTIONS = 20_000, 64


class Rates:
    """A receiver under load, and the results of each round."""

    def __init__(self, receiver: Running, folder: Path) -> None:
        self.receiver, self.folder = receiver, folder
        self.livez: list[LoadResult] = []
        self.posts: list[LoadResult] = []
        self.github: list[LoadResult] = []
        self.half: list[LoadResult] = []
        self.pgbench: list[float] = []

    def round(self, number: int, script: Path) -> None:
        """Measure everything once, one after the other."""
        self.livez.append(self._send([raw("/livez")] * THREADS))
        self.posts.append(self.envelopes(f"round{number}"))
        database = self.receiver.database_url()
        self.pgbench.append(pgbench.rate(database, script, CONNECTIONS, SECONDS))
        bodies = github.bodies(JOBS, number * JOBS)
        self.github.append(self._send(github.posts(bodies, SECRETS["github"])))
        assert self.github[-1].requests < 3 * JOBS, "some were sent twice"
        pause = CONNECTIONS / (self.posts[-1].rate / 2) * 1000 - self.posts[-1].p50
        self.half.append(self.envelopes(f"half{number}", max(pause, 1)))

    def envelopes(self, prefix: str, pause: float = 0) -> LoadResult:
        """Send envelopes about builds of this prefix, each once."""
        secret = self.receiver.secrets["milepost"]
        result = self._send(envelopes(OFFERED, BUILDS, secret, prefix), pause)
        assert result.requests < OFFERED, "some were sent twice"
        return result

    def _send(self, requests: Iterable[bytes], pause: float = 0) -> LoadResult:
        """Send for some seconds; no request may be refused."""
        path = write_requests(self.folder / "requests", requests)
        result = run_load(self.receiver.url, path, SECONDS, CONNECTIONS, pause)
        assert (result.refused, result.broken) == (0, 0), result
        return result


def measure() -> list[Goal]:
    """Measure the rates of deliveries, and a burst."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        routes = folder / "routes.toml"
        routes.write_text(github.ROUTES)
        with started(MILEPOST_ROUTES=str(routes)) as receiver:
            script = folder / "delivery.sql"
            pgbench.prepare(receiver.database_url(), BUILDS, script)
            rates = Rates(receiver, folder)
            for number in range(ROUNDS):
                rates.round(number, script)
        return [*_rows(rates), *burst(folder)]


def _rows(rates: Rates) -> list[Goal]:
    livez, posts, forge = (
        [each.rate for each in results] for results in (rates.livez, rates.posts, rates.github)
    )
    tails = [each.p99 / each.p50 for each in rates.half]
    half = ", ".join(f"{each.p50:.1f} → {each.p99:.1f} ms" for each in rates.half)
    pairs = (
        ("our envelope with a manifest, 16 connections / `/livez`", posts, livez, 0.25),
        ("the same / pgbench with the same statements", posts, rates.pgbench, 0.9),
        ("GitHub's `workflow_job` bodies / `/livez`", forge, livez, 0.16),
    )
    return [
        *(at_least(name, _ratios(*sides), goal, _rates(*sides)) for name, *sides, goal in pairs),
        at_most("p99 / p50, our envelope at half the rate", tails, 4, half),
    ]


def _ratios(these: Sequence[float], others: Sequence[float]) -> list[float]:
    return [this / other for this, other in zip(these, others, strict=True)]


def _rates(these: Sequence[float], others: Sequence[float]) -> str:
    return f"{median(these):,.0f} and {median(others):,.0f} a second"


def among_many(history: History) -> list[Goal]:
    """Measure the rate with many events of other builds against an empty database, in turns."""
    with started() as empty, tempfile.TemporaryDirectory() as name:
        rates = [
            [
                Rates(each, Path(name)).envelopes(f"round{number}").rate
                for each in (history.receiver, empty)
            ]
            for number in range(ROUNDS)
        ]
    sides = list(zip(*rates, strict=True))
    what = f"the rate with {history.events:,} events of other builds / an empty database"
    return [at_least(what, _ratios(*sides), 0.9, _rates(*sides))]


def burst(folder: Path) -> list[Goal]:
    """Send without pause: each delivery is stored once, or refused with 503 and sent again."""
    with started() as receiver:
        secret = receiver.secrets["milepost"]
        path = write_requests(folder / "burst", envelopes(BURST, BUILDS, secret, "burst"))
        began, stored, refused = time.perf_counter(), 0, 0
        while stored < BURST and time.perf_counter() - began < 300:
            refused += run_load(receiver.url, path, 120, BURST_CONNECTIONS, until_done=True).refused
            with psycopg.connect(receiver.database_url()) as connection:
                row = connection.execute("SELECT count(*) FROM deliveries").fetchone()
            stored = row[0] if row else 0
        seconds = time.perf_counter() - began
        memory = receiver.resident()
    figures = f"{seconds:.0f} s, {refused} refused and sent again, workers {memory // 2**20} MiB"
    name = f"stored of a burst of {BURST:,} over {BURST_CONNECTIONS} connections / what was sent"
    return [at_least(name, [stored / BURST], 1, figures)]
