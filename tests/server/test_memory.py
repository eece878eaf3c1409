"""What one request may cost: the worst bodies that are rightly signed, to a real receiver."""

import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.support.bad_input import OWN, SOURCES, body, headers
from tests.support.raw_requests import head, send
from tests.support.receivers import Running, started

MEBI = 2**20
LIMIT = {source: (5 if source in OWN else 25) * MEBI for source in SOURCES}
MOST = 64_000_000  # bytes
SECONDS = 10  # it takes one or less; this machine may be busy with other things


@pytest.fixture(scope="module")
def receiver(module_url: str) -> Iterator[Running]:
    with started(module_url) as running:
        yield running


def repeated(unit: bytes, size: int) -> bytes:
    return b"[" + unit * ((size - 3_000) // len(unit)) + b"0]"


# Each fills a free place of a right body up to the limit.
WORST = {
    "empty lists": b"[],",
    "empty objects": b"{},",
    "numbers": b"1,",
    "long numbers": b"1234567890123456789,",
    "short texts": b'"",',
    "texts": b'"' + b"x" * 60_000 + b'",',
    "wide texts": b'"' + "\N{GRINNING FACE}".encode() + b"x" * 60_000 + b'",',
    "escapes": rb'"\\\"\u0041",',
    "deep": b"[",
    "cut texts": b'"a',
}


def peak(process: psutil.Process) -> int:
    """The most memory it had since the last reset, in bytes."""
    text = Path(f"/proc/{process.pid}/status").read_text()
    return int(text.partition("VmHWM:")[2].split()[0]) * 1024


@pytest.mark.parametrize("unit", WORST.values(), ids=WORST)
@pytest.mark.parametrize("source", ["milepost", "packer", "github", "jenkins"])
def test_the_worst_body_costs_little(receiver: Running, source: str, unit: bytes):
    content = body(source, repeated(unit, LIMIT[source]))
    assert LIMIT[source] * 0.95 < len(content) <= LIMIT[source]
    given = headers(source, receiver.secrets[source], content)
    given |= {"Content-Length": str(len(content)), "Connection": "close"}
    workers = psutil.Process(receiver.process.pid).children()
    before = {worker: worker.memory_info().rss for worker in workers}
    for worker in workers:
        Path(f"/proc/{worker.pid}/clear_refs").write_text("5")  # forget the peak
    began = time.monotonic()
    answer = send(receiver.url, head(f"/webhooks/{source}", given) + content)
    took = time.monotonic() - began
    assert answer.status in ((422, 202) if source in OWN else (202,)), answer.body
    grown = max(peak(worker) - before[worker] for worker in workers)
    assert grown < MOST
    assert took < SECONDS
