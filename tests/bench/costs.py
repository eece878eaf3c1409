"""The CPU time of a delivery, and its saving when several share a commit.

Measured in this process, one delivery after the other: without HTTP and Flask. BEFORE in the
environment is a checkout of another release where `make bench PARTS=costs` has run: its own bench
measures it in turns with this one.
"""

import os
import re
import subprocess
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from statistics import median
from typing import NamedTuple

import psutil

from receiver import config
from receiver.app import create_app
from receiver.domain.delivery import Delivery, Outcome, Request
from receiver.ingest.accept import accept
from receiver.ingest.batching import DeliveryBatcher
from receiver.ingest.services import Services
from receiver.sources import SOURCES
from receiver.storage import record
from tests.bench import github
from tests.bench.goals import Goal, Table, at_most, print_row
from tests.bench.load import envelopes
from tests.support.forges import SECRETS
from tests.support.receivers import Running, started

BEFORE = os.environ.get("BEFORE")
SIZES, SHARED = (1, 2, 4, 8, 16), 8  # deliveries in a commit; so many are usual under load
ROUNDS, BUILDS, COUNT = 3, 2_000, 900
HEAD = (
    "deliveries in a commit",
    "envelope: read + record + PostgreSQL",
    "GitHub: read + record + PostgreSQL",
)
ROW = "cost, GitHub, {} share a commit"
FIGURES = "read {:.2f} ms, record {:.2f} ms, PostgreSQL {:.2f} ms a delivery"


class Cost(NamedTuple):
    """Milliseconds a delivery: this process reads and records it, and the server's part."""

    read: float
    record: float
    server: float


class Collector(DeliveryBatcher):
    """Collects the deliveries to record."""

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []

    def submit(self, item: Delivery) -> Outcome:
        """Collect it."""
        self.deliveries.append(item)
        return Outcome(item.id, "stored")


def measure() -> list[Goal | Table]:
    """Measure each number of deliveries in a commit, in rounds, and the release before."""
    own, forge = ({size: list[Cost]() for size in SIZES} for _ in range(2))
    before = []
    with tempfile.TemporaryDirectory() as name, started() as receiver:
        services = _services(receiver, Path(name) / "routes.toml")
        for number, size in product(range(ROUNDS), SIZES):
            prefix = f"costs-{number}-{size}"
            posts = envelopes(COUNT, BUILDS, receiver.secrets["milepost"], prefix)
            own[size].append(_cost(services, "milepost", posts, size))
            first = (number * len(SIZES) + SIZES.index(size)) * COUNT
            posts = github.posts(github.bodies(COUNT // 3, first), SECRETS["github"])
            forge[size].append(_cost(services, "github", posts, size))
            if BEFORE and size == SHARED:
                before.append(_cost_before(BEFORE))
        services.database.close()
    rows = [(str(size), _middle(own[size]), _middle(forge[size])) for size in SIZES]
    print_row(ROW.format(SHARED), FIGURES.format(*_medians(forge[SHARED])))
    return [Table("CPU time of a delivery", HEAD, rows), *_against(before, forge[SHARED])]


def _against(before: Sequence[Cost], now: Sequence[Cost]) -> list[Goal]:
    """Return the goal of GitHub's deliveries; none where nothing was measured before."""
    if not before:
        return []
    figures = f"{_middle(now)} and {_middle(before)}"
    ratios = [sum(one) / sum(other) for one, other in zip(now, before, strict=True)]
    name = "CPU of Python and PostgreSQL a delivery of GitHub's, eight share a commit / before"
    return [at_most(name, ratios, 0.6, figures)]


def _medians(costs: Sequence[Cost]) -> Cost:
    return Cost(*map(median, zip(*costs, strict=True)))


def _middle(costs: Sequence[Cost]) -> str:
    return "{:.2f} + {:.2f} + {:.2f} ms".format(*_medians(costs))


def _cost_before(folder: str) -> Cost:
    """Return what the bench of that checkout measures; it prints the same row."""
    python = str(Path(folder).absolute() / ".venv/bin/python")
    command = [python, "-m", "tests.bench", "costs"]
    env = {name: value for name, value in os.environ.items() if name != "BEFORE"}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=True)
    row = next(line for line in done.stdout.splitlines() if line.startswith(ROW.format(SHARED)))
    return Cost(*map(float, re.findall(r"([\d.]+) ms", row)))


def _services(receiver: Running, routes: Path) -> Services:
    routes.write_text(github.ROUTES)
    secrets = {f"MILEPOST_SECRET_{name.upper()}": text for name, text in receiver.secrets.items()}
    settings = {"MILEPOST_ROUTES": str(routes), "DATABASE_URL": receiver.database_url(), **secrets}
    services: Services = create_app(config.load(settings)).extensions["milepost"]
    services.rules.renew()
    return services


def _cost(services: Services, source: str, requests: Iterable[bytes], size: int) -> Cost:
    read, deliveries = _accept(services, source, requests)
    return Cost(read, *_record(services, deliveries, size))


def _accept(
    services: Services, source: str, requests: Iterable[bytes]
) -> tuple[float, Sequence[Delivery]]:
    """Accept each request; return the milliseconds of one, and the deliveries to record."""
    collector, sender = Collector(), services.rules.sender(source, "")
    assert sender
    services = replace(services, batcher=collector)
    accepted = [_request(each) for each in requests]
    began = time.process_time()
    for each in accepted:
        accept(services, SOURCES[source], sender, each)
    return (time.process_time() - began) / len(accepted) * 1000, collector.deliveries


def _record(services: Services, deliveries: Sequence[Delivery], size: int) -> tuple[float, float]:
    """Record them in commits of this size; return milliseconds of this process and its backend."""
    with services.database.transaction() as connection:
        backend = psutil.Process(connection.info.backend_pid)
    server, own = sum(backend.cpu_times()[:2]), time.process_time()
    for start in range(0, len(deliveries), size):
        outcomes = record.record_batch(
            services.database, deliveries[start : start + size], services.rules.stages()
        )
        assert all(isinstance(each, Outcome) for each in outcomes), outcomes
    own, server = time.process_time() - own, sum(backend.cpu_times()[:2]) - server
    return own / len(deliveries) * 1000, server / len(deliveries) * 1000


def _request(raw: bytes) -> Request:
    head, body = raw.split(b"\r\n\r\n", 1)
    lines = (line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    headers = {name.lower(): value for name, value in lines}
    return Request(headers, body, "", datetime.now(UTC))
