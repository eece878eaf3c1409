"""F26, L4, L5, O9: hooks without a receiver, and many senders at once on one delivery or build."""

import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import orjson
import psycopg

from tests.support.senders import SECRET, envelope, stage
from tests.torture.load import STAGES, Post
from tests.torture.systems import Fault, World, plain

HOOK = Path(sys.executable).with_name("milepost-hook")
AT_ONCE = 64
EVENTS, CONNECTIONS = 500, 32
FIRSTS = 100


def spool(world: World) -> None:
    """Hooks while the receiver is gone: each exits 0, and later all arrives, once, in order."""
    env = {
        "PATH": "/usr/bin:/bin",
        "MILEPOST_URL": world.receiver.url,
        "MILEPOST_SECRET": SECRET,
        "MILEPOST_SPOOL_DIR": str(world.folder / "spool"),
        "MILEPOST_BUILD_NUMBER": "spooled",
    }
    world.receiver.stop()
    for name in STAGES:
        done = subprocess.run([HOOK, "stage", name], env=env, check=False, capture_output=True)
        world.expect(done.returncode == 0, f"a hook ended with {done.returncode}")
    world.receiver.start()
    world.heal()
    for _ in range(2):
        done = subprocess.run([HOOK, "flush"], env=env, check=False, capture_output=True)
        world.expect(done.returncode == 0, f"flush ended with {done.returncode}")
    world.told_besides = len(STAGES)
    found = world.receiver.told("/api/v1/builds/spooled")["states"]
    assert isinstance(found, list)
    world.expect([row["stage"] for row in found] == list(STAGES), "stages are missing or moved")


def repeat(world: World) -> None:
    """64 times the same delivery at once, for 50 ids: one is 202, the others are 200."""
    for place in range(5 if world.brief else 50):
        post = _event(f"same-{place}", 0)
        _at_once([post] * AT_ONCE, world, AT_ONCE)
        answers = Counter(each.answer for each in world.load.tries if each.digest == post.digest)
        world.expect(answers[202] == 1, f"{answers[202]} answers of one id were 202")
        world.expect(answers[200] == AT_ONCE - 1, f"{answers[200]} answers of one id were 200")


def crowd(world: World) -> None:
    """500 events of one build over 32 connections: no two deliveries wait for each other."""
    posts = [_event("hot", place) for place in range(100 if world.brief else EVENTS)]
    _at_once(posts, world, CONNECTIONS)
    with psycopg.connect(world.url) as connection:
        found = connection.execute("SELECT sum(deadlocks) FROM pg_stat_database").fetchone()
    world.expect(found == (0,), f"{found} deadlocks")


def begin(world: World) -> None:
    """100 first events of one build at once make one build."""
    _at_once([_event("new", place) for place in range(FIRSTS)], world, FIRSTS)
    with psycopg.connect(world.url) as connection:
        found = connection.execute("SELECT count(*) FROM builds WHERE build_number = 'new'")
        world.expect(found.fetchone() == (1,), "100 first events made more than one build")


def _event(number: str, place: int) -> Post:
    name, status = STAGES[place % len(STAGES)], ("started", "completed")[place % 2]
    return Post(
        "milepost",
        orjson.dumps(envelope(stage(name, status, minutes=place), number=number, run=number)),
    )


def _at_once(posts: list[Post], world: World, connections: int) -> None:
    def send(part: int) -> None:
        for post in posts[part::connections]:
            world.load.offer("crowd", post)

    threads = [threading.Thread(target=send, args=[part]) for part in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


FAULTS = [
    Fault("F26", "hooks without a receiver", spool, plain),
    Fault("L4", "64 equal deliveries at once, 50 ids", repeat, plain),
    Fault("L5", "500 events of one build at once", crowd, plain),
    Fault("O9", "100 first events of a build at once", begin, plain),
]
