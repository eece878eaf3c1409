"""F33 to F35: notices of which none may be lost, whatever happens to receiver and target.

What is told is counted by build: each failure has to reach the target once at least. A repeat has
the `webhook-id` of the first.
"""

import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import orjson
import psycopg

from tests.support.senders import SECRET, Json, envelope
from tests.torture.load import ACCEPTED, Post
from tests.torture.machine import pause, until
from tests.torture.mistakes import HELD_UP_SECONDS
from tests.torture.resources import false_clock
from tests.torture.systems import Fault, System

FAILURES = 40
SLOW_SECONDS = 3.0
CLAIM_MINUTES = 4  # after so many a claim of a killed receiver has run out


class Target(ThreadingHTTPServer):
    """Takes notices: answers with `status` after `delay` seconds."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []  # webhook-id, build number
        self.tries, self.status, self.delay = 0, 204, 0.0
        self.lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), _Answer)
        self.url = f"http://127.0.0.1:{self.server_port}/notices"

    def builds(self) -> set[str]:
        """Return the builds that were told of."""
        with self.lock:
            return {number for _, number in self.told}


class _Answer(BaseHTTPRequestHandler):
    server: Target

    def do_POST(self) -> None:  # the name that http.server calls
        body = orjson.loads(self.rfile.read(int(self.headers["content-length"])))
        pause(self.server.delay)
        with self.server.lock:
            self.server.tries += 1
            if self.server.status in ACCEPTED:  # kept also where nobody waits for the answer
                items: list[Json] = body.get("items", [body])
                name = str(self.headers["webhook-id"])
                self.server.told += [(name, item["build_number"]) for item in items]
        with suppress(OSError):
            self.send_response(self.server.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

    def log_message(self, *_: object) -> None:
        """Write nothing."""


@contextmanager
def noticed(folder: Path, brief: bool) -> Iterator[System]:
    """Yield a receiver that tells a target of failures, and whose clock a file moves."""
    with Target() as target, false_clock(folder, brief) as system:
        threading.Thread(target=target.serve_forever, daemon=True).start()
        file = folder / "notices.toml"
        file.write_text(
            f'[[notice]]\nname = "all"\non = ["failed"]\nimage_type = "told-*"\n'
            f'to = ["{target.url}"]\nsecret = "{SECRET}"\nsettle = "1s"\n'
        )
        system.receiver.stop()
        system.receiver.environment["MILEPOST_NOTICES"] = str(file)
        system.receiver.start()
        system.target = target
        yield system
        target.shutdown()


def kill_while_notices_wait(system: System) -> None:
    """Kill the whole receiver by kill -9, while some notices wait and others are being sent."""
    target = _target(system)
    target.status = 503
    wanted = _fail(system, "early", FAILURES)
    until(lambda: target.tries > 0, 30, "a notice is tried")
    target.status, target.delay = 204, SLOW_SECONDS  # so that the next ones are under way
    wanted |= _fail(system, "late", FAILURES)
    pause(SLOW_SECONDS)
    _kill(system)
    target.delay = 0.0
    system.receiver.start()
    system.heal()
    system.load.tolerated = frozenset({401})
    _move_clock(system, CLAIM_MINUTES)
    _expect_told(system, wanted)
    _move_clock(system, 0)


def target_is_down(system: System) -> None:
    """Let the target refuse for an hour, by a clock that is moved on."""
    target = _target(system)
    target.status = 500
    system.load.tolerated = frozenset({401})
    wanted = _fail(system, "down", FAILURES)
    for minutes in (0, 2, 10, 30, 60):
        _move_clock(system, minutes)
        before = target.tries
        until(partial(_has_tried, target, before), 30, f"a try at {minutes} minutes")
    system.expect(not target.builds(), "a notice was taken by a target that refuses")
    target.status = 204
    _move_clock(system, 80)
    _expect_told(system, wanted)
    _move_clock(system, 0)


def target_is_slow(system: System) -> None:
    """Let the target take seconds for each answer: no delivery waits for it."""
    target = _target(system)
    target.delay = SLOW_SECONDS
    tried = len(system.load.tries)
    wanted: set[str] = set()
    for part in range(3 if system.brief else 8):
        wanted |= _fail(system, f"slow-{part}", FAILURES // 4)
        pause(1)
    slowest = max(each.seconds for each in system.load.tries[tried:])
    system.expect(slowest < HELD_UP_SECONDS, f"an answer took {slowest:.1f} s")
    _expect_told(system, wanted)


def _target(system: System) -> Target:
    assert isinstance(system.target, Target)
    return system.target


def _has_tried(target: Target, before: int) -> bool:
    return target.tries > before


def _fail(system: System, name: str, count: int) -> set[str]:
    """Report failed builds, each of an image of its own. Return their numbers."""
    numbers = {f"{name}-{place}" for place in range(count)}
    for number in sorted(numbers):
        until(partial(_is_taken, system, _failed(number)), 30, f"{number} is taken")
    system.extra_deliveries += count
    return numbers


def _is_taken(system: System, post: Post) -> bool:
    with suppress(OSError):
        return post.send(system.receiver.url).status_code in ACCEPTED
    return False


def _failed(number: str) -> Post:
    at = datetime.now(UTC).isoformat()
    step: dict[str, Any] = {"kind": "stage", "stage": "Storage", "at": at}
    failure = {"message": "no route to host"}
    events = [
        step | {"status": "started"},
        step | {"status": "failed", "failure": failure},
        {"kind": "build", "status": "failed", "at": at},
    ]
    image = {"project": "core", "platform": "aws", "os_version": "rhel-9"}
    build = image | {"image_type": f"told-{number}"}
    document = envelope(*events, number=number, run=f"run-{number}", build=build)
    return Post("milepost", orjson.dumps(document))


def _kill(system: System) -> None:
    """Kill master and workers at once."""
    orphans = system.receiver.workers()
    system.receiver.signal(signal.SIGKILL)
    for each in orphans:
        each.kill()
    system.receiver.wait(10)


def _move_clock(system: System, minutes: int) -> None:
    (system.folder / "clock").write_text(str(minutes))


def _expect_told(system: System, wanted: set[str]) -> None:
    """Record a problem unless each failure reaches the target, and each once but for repeats."""
    target = _target(system)
    with suppress(AssertionError):
        until(lambda: wanted <= target.builds(), 90, "all is told")
    lost = wanted - target.builds()
    system.expect(not lost, f"{len(lost)} of {len(wanted)} failures were not told")
    ids: dict[str, set[str]] = {}
    for name, number in target.told:
        ids.setdefault(number, set()).add(name)
    several = [number for number, names in ids.items() if len(names) > 1]
    system.expect(not several, f"{len(several)} failures were told by several messages")
    with psycopg.connect(system.url) as connection:
        rows = connection.execute("SELECT status, count(*) FROM notices GROUP BY 1").fetchall()
    system.expect({status for status, _ in rows} == {"told"}, f"news is {Counter(dict(rows))}")


FAULTS = [
    Fault("F33", "kill -9 while notices wait", kill_while_notices_wait, noticed),
    Fault("F34", "a target that is down for an hour", target_is_down, noticed),
    Fault("F35", "a target that is slow", target_is_slow, noticed),
]
