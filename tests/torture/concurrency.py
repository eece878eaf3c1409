"""F26, L4, L5, O9: hooks without a receiver, and concurrent senders of one delivery or build."""

import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import orjson
import psycopg

from tests.support.senders import SECRET, envelope, stage
from tests.torture.load import STAGES, Post
from tests.torture.systems import Fault, System, plain

HOOK = Path(sys.executable).with_name("milepost-hook")
REPEATS = 64
EVENTS, CONNECTIONS = 500, 32
FIRSTS = 100


def spool(system: System) -> None:
    """Call hooks without a receiver: each exits 0, and later all arrives, once, in order."""
    env = {
        "PATH": "/usr/bin:/bin",
        "MILEPOST_URL": system.receiver.url,
        "MILEPOST_SECRET": SECRET,
        "MILEPOST_SPOOL_DIR": str(system.folder / "spool"),
        "MILEPOST_BUILD_NUMBER": "spooled",
    }
    system.receiver.stop()
    for name in STAGES:
        done = subprocess.run([HOOK, "stage", name], env=env, check=False, capture_output=True)
        system.expect(done.returncode == 0, f"a hook ended with {done.returncode}")
    system.receiver.start()
    system.heal()
    for _ in range(2):
        done = subprocess.run([HOOK, "flush"], env=env, check=False, capture_output=True)
        system.expect(done.returncode == 0, f"flush ended with {done.returncode}")
    system.extra_deliveries = len(STAGES)
    rows = system.receiver.json("/api/v1/builds/spooled")["states"]
    assert isinstance(rows, list)
    system.expect([row["stage"] for row in rows] == list(STAGES), "stages are missing or moved")


def send_repeated(system: System) -> None:
    """Send one delivery 64 times at once, for 50 ids: one answer is 202, the others are 200."""
    for index in range(5 if system.brief else 50):
        post = _event(f"same-{index}", 0)
        _send_at_once([post] * REPEATS, system, REPEATS)
        answers = Counter(each.answer for each in system.load.tries if each.digest == post.digest)
        system.expect(answers[202] == 1, f"{answers[202]} answers of one id were 202")
        system.expect(answers[200] == REPEATS - 1, f"{answers[200]} answers of one id were 200")


def send_many(system: System) -> None:
    """Send 500 events of one build over 32 connections: there is no deadlock."""
    posts = [_event("hot", index) for index in range(100 if system.brief else EVENTS)]
    _send_at_once(posts, system, CONNECTIONS)
    with psycopg.connect(system.url) as connection:
        row = connection.execute("SELECT sum(deadlocks) FROM pg_stat_database").fetchone()
    system.expect(row == (0,), f"{row} deadlocks")


def send_first(system: System) -> None:
    """Send 100 first events of one build at once: they create one build."""
    _send_at_once([_event("new", index) for index in range(FIRSTS)], system, FIRSTS)
    with psycopg.connect(system.url) as connection:
        count = connection.execute("SELECT count(*) FROM builds WHERE build_number = 'new'")
        system.expect(count.fetchone() == (1,), "100 first events made more than one build")


def _event(number: str, index: int) -> Post:
    name, status = STAGES[index % len(STAGES)], ("started", "completed")[index % 2]
    return Post(
        "milepost",
        orjson.dumps(envelope(stage(name, status, minutes=index), number=number, run=number)),
    )


def _send_at_once(posts: list[Post], system: System, connections: int) -> None:
    with ThreadPoolExecutor(connections) as pool:
        list(pool.map(partial(system.load.offer, "concurrent"), posts))


FAULTS = [
    Fault("F26", "hooks without a receiver", spool, plain),
    Fault("L4", "64 equal deliveries at once, 50 ids", send_repeated, plain),
    Fault("L5", "500 events of one build at once", send_many, plain),
    Fault("O9", "100 first events of a build at once", send_first, plain),
]
