"""The CPU time of a delivery, and its saving when several share a commit.

Measured in this process, one delivery after the other: without HTTP and Flask.
"""

import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

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
from tests.bench.goals import Goal, print_row
from tests.bench.load import envelopes
from tests.support.forges import SECRETS
from tests.support.receivers import Running, started

BATCH_SIZES = (1, 2, 4, 8, 16)
BUILDS, COUNT = 2_000, 3_000


class Collector(DeliveryBatcher):
    """Collects the deliveries to record."""

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []

    def submit(self, item: Delivery) -> Outcome:
        """Collect it."""
        self.deliveries.append(item)
        return Outcome(item.id, "stored")


def measure() -> list[Goal]:
    """Print CPU milliseconds a delivery, of this process and of PostgreSQL; without a goal."""
    with tempfile.TemporaryDirectory() as name, started() as receiver:
        services = _services(receiver, Path(name) / "routes.toml")
        for index, size in enumerate(BATCH_SIZES):
            own = envelopes(COUNT, BUILDS, receiver.secrets["milepost"], f"costs{index}")
            _measure("envelopes", services, "milepost", own, size)
        for index, size in enumerate(BATCH_SIZES):
            bodies = github.bodies(COUNT // 3, index * COUNT)
            _measure("GitHub", services, "github", github.posts(bodies, SECRETS["github"]), size)
        services.database.close()
    return []


def _services(receiver: Running, routes: Path) -> Services:
    routes.write_text(github.ROUTES)
    secrets = {f"MILEPOST_SECRET_{name.upper()}": text for name, text in receiver.secrets.items()}
    settings = {"MILEPOST_ROUTES": str(routes), "DATABASE_URL": receiver.database_url(), **secrets}
    services: Services = create_app(config.load(settings)).extensions["milepost"]
    services.rules.renew()
    return services


def _measure(
    name: str, services: Services, source: str, requests: Iterable[bytes], size: int
) -> None:
    accepted, deliveries = _accept(services, source, requests)
    python, server = _record(services, deliveries, size)
    print_row(
        f"cost, {name}, {size} share a commit",
        f"read {accepted:.2f} ms, record {python:.2f} ms, PostgreSQL {server:.2f} ms a delivery",
    )


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
