"""The rate of deliveries, against an empty answer and against pgbench; and a burst."""

import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import psycopg

from tests.bench import github, pgbench
from tests.bench.dataset import fill
from tests.bench.goals import Goal, at_least, at_most, print_row
from tests.bench.load import THREADS, LoadResult, envelopes, raw, run_load, write_requests
from tests.support.forges import SECRETS
from tests.support.receivers import Running, started

ROUNDS = 3
BUILDS, CONNECTIONS = 2_000, 16
OFFERED, JOBS = 24_000, 4_000  # more than a receiver accepts in the time
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
        self.livez.append(self.send([raw("/livez")] * THREADS, 5))
        self.posts.append(self.send(self._envelopes(f"round{number}"), 10))
        self.pgbench.append(pgbench.rate(self.receiver.database_url(), script, CONNECTIONS, 8))
        bodies = github.bodies(JOBS, number * JOBS)
        self.github.append(self.send(github.posts(bodies, SECRETS["github"]), 8))
        pause = CONNECTIONS / (self.posts[-1].rate / 2) * 1000 - self.posts[-1].p50
        self.half.append(self.send(self._envelopes(f"half{number}"), 8, max(pause, 1)))

    def send(self, requests: Iterable[bytes], seconds: int, pause: float = 0) -> LoadResult:
        """Send for so long; no request may be refused."""
        path = write_requests(self.folder / "requests", requests)
        result = run_load(self.receiver.url, path, seconds, CONNECTIONS, pause)
        assert (result.refused, result.broken) == (0, 0), result
        return result

    def _envelopes(self, prefix: str) -> Iterable[bytes]:
        return envelopes(OFFERED, BUILDS, self.receiver.secrets["milepost"], prefix)


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
    livez = [each.rate for each in rates.livez]
    posts = [each.rate for each in rates.posts]
    pairs = list(zip(posts, livez, rates.pgbench, strict=True))
    figures = (
        f"{_median(posts)}, pgbench {_median(rates.pgbench)}, /livez {_median(livez)} a second"
    )
    forge = [each.rate for each in rates.github]
    tails = [each.p99 / each.p50 for each in rates.half]
    half = ", ".join(f"{each.p50:.1f} → {each.p99:.1f} ms" for each in rates.half)
    return [
        at_least("deliveries / pgbench", [post / bench for post, _, bench in pairs], 0.7, figures),
        at_least("deliveries / livez", [post / empty for post, empty, _ in pairs], 0.5, figures),
        at_least(
            "GitHub deliveries / livez",
            [one / empty for one, empty in zip(forge, livez, strict=True)],
            0.3,
            f"{_median(forge)} a second",
        ),
        at_most("p99 / p50 at half the rate", tails, 5, half),
    ]


def among_many(stored: int) -> list[Goal]:
    """Measure the rate with many events of other builds against an empty database, in turns."""
    ratios, figures = [], []
    with started() as empty, started() as full, tempfile.TemporaryDirectory() as name:
        fill(full.database_url(), stored // 20, deliveries=20, prefix="other")
        for number in range(ROUNDS):
            results = [
                Rates(each, Path(name)).send(
                    envelopes(OFFERED, BUILDS, each.secrets["milepost"], f"r{number}"), 8
                )
                for each in (empty, full)
            ]
            ratios.append(results[1].rate / results[0].rate)
            figures.append(f"{results[1].rate:.0f}/{results[0].rate:.0f}")
    return [at_least(f"with {stored:,} events / empty", ratios, 0.9, " ".join(figures))]


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
    print_row(
        f"burst of {BURST:,} over {BURST_CONNECTIONS} connections",
        f"{stored:,} stored in {seconds:.0f} s, {refused} refused and sent again, "
        f"workers {memory // 2**20} MiB",
    )
    return [at_least("burst: kept / offered", [stored / BURST], 1, f"{stored:,} of {BURST:,}")]


def _median(values: list[float]) -> str:
    return f"{sorted(values)[len(values) // 2]:.0f}"
