"""The memory limit of one request: the worst valid bodies, sent to a real receiver."""

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import requests

from tests.support.deliveries import OWN, body, headers
from tests.support.raw_requests import Answer, head, send
from tests.support.receivers import Running, started

MEBI = 2**20
READ = 5 * MEBI  # a larger body is not read
MOST = 128_000_000  # bytes


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
    """Return the peak of its memory since the last reset, in bytes."""
    text = Path(f"/proc/{process.pid}/status").read_text()
    return int(text.partition("VmHWM:")[2].split()[0]) * 1024


def post(receiver: Running, source: str, content: bytes, **changes: str) -> tuple[Answer, int]:
    """Post a signed body; return the answer, and the bytes by which a worker grew at the most."""
    fields = headers(source, receiver.secrets[source], content) | changes
    fields |= {"Content-Length": str(len(content)), "Connection": "close"}
    workers = psutil.Process(receiver.process.pid).children()
    before = {worker: worker.memory_info().rss for worker in workers}
    for worker in workers:
        Path(f"/proc/{worker.pid}/clear_refs").write_text("5")  # forget the peak
    answer = send(receiver.url, head(f"/webhooks/{source}", fields) + content)
    return answer, max(peak(worker) - before[worker] for worker in workers)


@pytest.mark.parametrize("unit", WORST.values(), ids=WORST)
@pytest.mark.parametrize("source", ["milepost", "packer", "github", "jenkins"])
def test_worst_body_stays_within_the_memory_limit(receiver: Running, source: str, unit: bytes):
    content = body(source, repeated(unit, READ))
    assert READ * 0.95 < len(content) <= READ
    answer, growth = post(receiver, source, content)
    assert answer.status in ((422, 202) if source in OWN else (202,)), answer.body
    assert growth < MOST


@pytest.mark.parametrize("source", ["github", "gitlab", "jenkins", "cloudevents"])
def test_a_forge_s_larger_body_is_kept_unread(receiver: Running, source: str):
    content = body(source, repeated(b"[],", 25 * MEBI))
    answer, growth = post(receiver, source, content)
    assert (answer.status, answer.problem["outcome"]) == (202, "quarantined")
    assert growth < MOST
    kept = requests.get(f"{receiver.url}/api/v1/deliveries/{answer.problem['id']}", timeout=30)
    assert kept.json()["reason"] == "The body has more than 5242880 bytes: it was not read."
    assert kept.json()["body_size"] == len(content)


@pytest.mark.parametrize("size", [READ, 25 * MEBI])
def test_the_worst_form_costs_little(receiver: Running, size: int):
    content = b"payload=" + b"%22" * ((size - 8) // 3)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer, growth = post(receiver, "github", content, **form)
    assert (answer.status, answer.problem["outcome"]) == (202, "quarantined")
    assert growth < MOST
