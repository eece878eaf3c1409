"""Load on a receiver whose standby goes away: who is acknowledged, refused and shown a page."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import count

import orjson
import requests

from tests.support.deliveries import SECRETS
from tests.support.senders import at, envelope, proof, stage
from tests.torture.machine import Receiver

NUMBERS = count(1)


class Load:
    """Twenty-four senders of fresh deliveries, heartbeats and API writes, and readers of pages."""

    def __init__(self, receiver: Receiver, head: dict[str, str]) -> None:
        self.receiver, self.head = receiver, head
        self.acknowledged: list[str] = []
        self.answers: Counter[str] = Counter()
        self.refused_pages: list[str] = []
        self.is_over = threading.Event()

    def deliver(self) -> None:
        number = f"b-{next(NUMBERS)}"
        body = orjson.dumps(envelope(stage("Base"), number=number, run=number))
        headers = proof("milepost", SECRETS["milepost"], body)
        status = self._post("/webhooks/milepost", body, headers)
        if status < 300:
            self.acknowledged.append(headers["webhook-id"])

    def beat(self) -> None:
        body = orjson.dumps(envelope({"kind": "heartbeat", "at": at(1)}, number="beating"))
        self._post("/webhooks/milepost", body, proof("milepost", SECRETS["milepost"], body))

    def write(self) -> None:
        body = orjson.dumps({"build_number": f"api-{next(NUMBERS)}"})
        self._post("/api/v1/builds", body, self.head)

    def read(self) -> None:
        answer = requests.get(f"{self.receiver.url}/builds", timeout=30)
        if answer.status_code != 200:
            self.refused_pages.append(answer.text)

    def _post(self, path: str, body: bytes, headers: dict[str, str]) -> int:
        headers = headers | {"Content-Type": "application/json"}
        answer = requests.post(self.receiver.url + path, body, headers=headers, timeout=30)
        reason = answer.json()["detail"] if answer.status_code == 503 else ""
        self.answers[f"{answer.status_code} {reason}".strip()] += 1
        return answer.status_code


@contextmanager
def load(receiver: Receiver, head: dict[str, str]) -> Iterator[Load]:
    load = Load(receiver, head)

    def repeat(each: Callable[[], None]) -> None:
        while not load.is_over.wait(0.02):
            with suppress(requests.ConnectionError):
                each()

    each = [*[load.deliver] * 24, *[load.beat] * 4, *[load.write] * 2, *[load.read] * 2]
    with ThreadPoolExecutor(len(each)) as pool:
        running = [pool.submit(repeat, one) for one in each]
        try:
            yield load
        finally:
            load.is_over.set()
    for one in running:
        one.result()
