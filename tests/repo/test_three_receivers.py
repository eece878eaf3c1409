"""Three receivers behind nginx and PgBouncer: nothing is lost, doubled or refused while they go."""

import json
import os
import shutil
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from typing import NamedTuple

import orjson
import psutil
import psycopg
import pytest
import requests

from tests.support.deliveries import SECRETS
from tests.support.nginx import nginx
from tests.support.senders import envelope, proof, stage
from tests.torture.machine import Receiver, Server, pause, until
from tests.torture.pgbouncer import PgBouncer

NUMBERS = count(1)
Delivery = tuple[bytes, dict[str, str]]  # its body and its headers


class Fleet(NamedTuple):
    """What listens, and the database itself."""

    url: str
    receivers: list[Receiver]
    database_url: str


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    folder = Path(tempfile.mkdtemp(prefix="milepost-fleet-"))
    folder.chmod(0o755)
    server = Server(folder)
    server.make()
    server.start()
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        stack.callback(server.stop, "immediate")
        url = server.database()
        bouncer = PgBouncer(folder, server)
        bouncer.start()
        stack.callback(bouncer.stop)
        key = folder / "key"
        key.write_bytes(os.urandom(32))
        settings = {"MILEPOST_DB_POOL": "transaction", "DATABASE_ADMIN_URL": url}
        settings["MILEPOST_KEY_FILE"] = str(key)
        receivers = [
            Receiver(folder / f"receiver {place}", server.url(port=bouncer.port), **settings)
            for place in range(3)
        ]
        for receiver in receivers:
            stack.callback(receiver.stop)
            receiver.start()
        places = [each.url.removeprefix("http://") for each in receivers]
        yield Fleet(stack.enter_context(nginx(folder, *places)), receivers, url)


def delivery() -> Delivery:
    body = orjson.dumps(envelope(stage("Base"), number=f"b-{next(NUMBERS)}"))
    return body, proof("milepost", SECRETS["milepost"], body) | {"Content-Type": "application/json"}


def post(fleet: Fleet, told: Delivery) -> str:
    """Post it once, and never again, as GitHub does. Return the status, and why it is no 2xx.

    A receiver that is killed between the head and the body of an answer has kept the delivery, and
    nobody can take the head back: the status counts.
    """
    body, headers = told
    url = f"{fleet.url}/webhooks/milepost"
    with requests.post(url, body, headers=headers, timeout=30, stream=True) as answer:
        return str(answer.status_code) if answer.ok else f"{answer.status_code} {answer.text}"


def kept(fleet: Fleet, told: list[Delivery]) -> tuple[int, int]:
    """Return how many rows and how many of these deliveries the inbox has."""
    statement = """
        SELECT count(*), count(DISTINCT delivery_key) FROM deliveries WHERE delivery_key = ANY(%s)
    """
    with psycopg.connect(fleet.database_url) as connection:
        keys = [headers["webhook-id"] for _, headers in told]
        row = connection.execute(statement, [keys]).fetchone()
    assert row
    return row[0], row[1]


def test_what_comes_twice_at_once_is_kept_once(fleet: Fleet):
    told = [delivery() for _ in range(60)]
    with ThreadPoolExecutor(16) as pool:
        answers = Counter(pool.map(lambda each: post(fleet, each), [*told, *told]))
    assert answers == {"202": 60, "200": 60}
    assert kept(fleet, told) == (60, 60)


def test_of_64_equal_deliveries_at_once_one_is_new(fleet: Fleet):
    told = delivery()
    with ThreadPoolExecutor(64) as pool:
        answers = Counter(pool.map(lambda each: post(fleet, each), [told] * 64))
    assert answers == {"202": 1, "200": 63}
    assert kept(fleet, [told]) == (1, 1)


def sender_command(receiver: Receiver, *arguments: str) -> dict[str, str]:
    """Run `milepost sender …` beside one receiver, and return what it prints."""
    done = receiver.run("sender", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    said: dict[str, str] = json.loads(done.stdout)
    return said


def post_as(url: str, name: str, secret: str) -> int:
    """Post a new delivery of a named sender once; return the status."""
    body = orjson.dumps(envelope(stage("Base"), number=f"b-{next(NUMBERS)}"))
    headers = proof("milepost", secret, body) | {"Content-Type": "application/json"}
    return requests.post(
        f"{url}/webhooks/milepost/{name}", body, headers=headers, timeout=30
    ).status_code


def test_a_sender_and_its_next_secret_work_at_the_first_delivery_on_each_receiver(fleet: Fleet):
    first, *others = fleet.receivers
    for each in fleet.receivers:  # each has just asked for the versions
        assert post_as(each.url, "team-a", SECRETS["milepost"]) == 404
    secret = sender_command(first, "add", "team-a")["secret"]
    assert [post_as(each.url, "team-a", secret) for each in (*others, first)] == [202] * 3
    renewed = sender_command(others[0], "rotate", "team-a")["secret"]
    assert [post_as(fleet.url, "team-a", renewed) for _ in range(12)] == [202] * 12
    assert [post_as(each.url, "team-a", secret) for each in fleet.receivers] == [202] * 3


def test_a_sender_that_is_removed_on_one_receiver_is_refused_on_each(fleet: Fleet):
    first, *others = fleet.receivers
    secret = sender_command(first, "add", "team-b")["secret"]
    assert post_as(others[1].url, "team-b", secret) == 202
    sender_command(others[0], "remove", "team-b")
    for each in fleet.receivers:
        # Both workers of each, once they have asked for the versions again.
        until(partial(is_refused, each, secret), 20, "the removed sender is refused")


def is_refused(receiver: Receiver, secret: str) -> bool:
    return {post_as(receiver.url, "team-b", secret) for _ in range(8)} == {404}


def test_eight_senders_are_added_at_once_beside_three_receivers(fleet: Fleet):
    def add(place: int) -> tuple[str, str]:
        receiver = fleet.receivers[place % 3]
        return f"eight-{place}", sender_command(receiver, "add", f"eight-{place}")["secret"]

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(add, range(8)))
    for name, secret in made:
        assert [post_as(each.url, name, secret) for each in fleet.receivers] == [202] * 3


@contextmanager
def load(fleet: Fleet) -> Iterator[tuple[list[Delivery], Counter[str]]]:
    """Post deliveries from four senders that never repeat one; yield them and their answers."""
    told: list[Delivery] = []
    answers: Counter[str] = Counter()
    is_over = threading.Event()

    def send() -> None:
        while not is_over.is_set():
            each = delivery()
            told.append(each)
            answers[post(fleet, each)] += 1

    with ThreadPoolExecutor(4) as pool:
        senders = [pool.submit(send) for _ in range(4)]
        try:
            yield told, answers
        finally:
            is_over.set()
    for sender in senders:
        sender.result()


def kill(receiver: Receiver) -> None:
    """Kill its master and its workers by kill -9."""
    assert receiver.process
    for process in (*receiver.workers(), psutil.Process(receiver.process.pid)):
        process.kill()
    receiver.process.wait(30)


@pytest.mark.parametrize("end", [Receiver.stop, kill], ids=["SIGTERM", "kill -9"])
def test_receivers_that_go_one_after_the_other_refuse_nothing(
    fleet: Fleet, end: Callable[[Receiver], None]
):
    with load(fleet) as (told, answers):
        for receiver in fleet.receivers:
            pause(0.5)
            end(receiver)
            pause(0.5)
            receiver.start()
    # A delivery whose first receiver was killed after its commit is the other's "had it before".
    assert set(answers) <= {"200", "202"}, answers
    assert sum(answers.values()) == len(told) > 30
    assert kept(fleet, told) == (len(told), len(told))
