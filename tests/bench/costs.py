"""What a delivery costs in CPU time, and what it saves that several share a commit.

In this process, one after the other, so that nothing else is in it: neither HTTP nor Flask.
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
from receiver.domain.model import Delivery, Outcome, Request
from receiver.ingest.accept import accept
from receiver.ingest.batching import DeliveryBatcher
from receiver.ingest.services import Services
from receiver.sources import SOURCES
from receiver.storage import record
from tests.bench import github
from tests.bench.goals import Goal, told
from tests.bench.load import envelopes
from tests.support.receivers import FORGES, Running, started

SHARES = (1, 2, 4, 8, 16)
BUILDS, COUNT = 2_000, 3_000


class Collector(DeliveryBatcher):
    """Collects the deliveries that are to be recorded."""

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []

    def submit(self, item: Delivery) -> Outcome:
        """Collect it."""
        self.deliveries.append(item)
        return Outcome(item.id, "stored")


def measure() -> list[Goal]:
    """Rows without a goal: CPU milliseconds a delivery, of this process and of PostgreSQL."""
    with tempfile.TemporaryDirectory() as name, started() as receiver:
        services = _services(receiver, Path(name) / "routes.toml")
        for place, share in enumerate(SHARES):
            own = envelopes(COUNT, BUILDS, receiver.secrets["milepost"], f"costs{place}")
            _tell("envelopes", services, "milepost", own, share)
        for place, share in enumerate(SHARES):
            bodies = github.bodies(COUNT // 3, place * COUNT)
            _tell("GitHub", services, "github", github.posts(bodies, FORGES["github"]), share)
        services.database.close()
    return []


def _services(receiver: Running, routes: Path) -> Services:
    routes.write_text(github.ROUTES)
    secrets = {f"MILEPOST_SECRET_{name.upper()}": text for name, text in receiver.secrets.items()}
    settings = {"MILEPOST_ROUTES": str(routes), "DATABASE_URL": receiver.database_url(), **secrets}
    found: Services = create_app(config.load(settings)).extensions["milepost"]
    return found


def _tell(
    name: str, services: Services, source: str, requests: Iterable[bytes], share: int
) -> None:
    read, deliveries = _read(services, source, requests)
    python, server = _record(services, deliveries, share)
    told(
        f"cost, {name}, {share} share a commit",
        f"read {read:.2f} ms, record {python:.2f} ms, PostgreSQL {server:.2f} ms a delivery",
    )


def _read(
    services: Services, source: str, requests: Iterable[bytes]
) -> tuple[float, Sequence[Delivery]]:
    """Verify and understand each; the milliseconds of one, and what is to be recorded."""
    collector, sender = Collector(), services.rules.sender(source, "")
    assert sender
    services = replace(services, batcher=collector)
    taken = [_request(each) for each in requests]
    began = time.process_time()
    for each in taken:
        accept(services, SOURCES[source], sender, each)
    return (time.process_time() - began) / len(taken) * 1000, collector.deliveries


def _record(services: Services, deliveries: Sequence[Delivery], share: int) -> tuple[float, float]:
    """Record them, so many in a commit; milliseconds of this process and of its backend."""
    with services.database.transaction() as connection:
        backend = psutil.Process(connection.info.backend_pid)
    server, own = sum(backend.cpu_times()[:2]), time.process_time()
    for start in range(0, len(deliveries), share):
        outcomes = record.record_batch(
            services.database, deliveries[start : start + share], services.rules.stages()
        )
        assert all(isinstance(each, Outcome) for each in outcomes), outcomes
    own, server = time.process_time() - own, sum(backend.cpu_times()[:2]) - server
    return own / len(deliveries) * 1000, server / len(deliveries) * 1000


def _request(sent: bytes) -> Request:
    head, body = sent.split(b"\r\n\r\n", 1)
    lines = (line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    headers = {name.lower(): value for name, value in lines}
    return Request(headers, body, "", datetime.now(UTC))
