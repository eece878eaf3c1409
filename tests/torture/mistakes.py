"""F29 to F32: wrong settings, slow clients, hostile text and a build without an end."""

import signal
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from functools import partial

import orjson
import requests

from tests.support.senders import envelope, stage, verdict
from tests.torture.load import ACCEPTED, TIMEOUT_SECONDS, Post
from tests.torture.machine import pause, until
from tests.torture.processes import kill_workers
from tests.torture.systems import Fault, System, plain

TRICKLERS, SILENT = 32, 300
BYTE_SECONDS = 2
HELD_UP_SECONDS = 5.0  # promised is one; other load on this machine is no defect
POISON = "-eyJ" * 16_000  # 64 kB that look like the beginning of a token, again and again
POISONED_BUILDS, READERS = 70, 6
READ_SECONDS = 0.5  # until a reader leaves
ENDLESS = 100_000  # events of one build
REPORT, TAKEN = 990, 5  # events of one report; reports that fit, with a verdict, in any order


def break_settings(system: System) -> None:
    """Break the file of routes, kill workers, and renew all of them; then mend the file."""
    routes = system.receiver.folder / "routes.toml"
    right = routes.read_text()
    routes.write_text("[[route\n")
    until(lambda: "warning" in system.receiver.json("/readyz"), 10, "/readyz warns of the file")
    kill_workers(system)
    system.receiver.signal(signal.SIGHUP)
    pause(2 if system.brief else 5)
    system.expect(system.receiver.status("/readyz") == 200, "/readyz is not 200")
    routes.unlink()
    kill_workers(system)
    routes.write_text(right)
    until(lambda: "warning" not in system.receiver.json("/readyz"), 10, "the warning ends")


def trickle(system: System) -> None:
    """Let 32 clients send a byte every two seconds, and 300 be silent: nobody else waits."""
    tried = len(system.load.tries)
    with ExitStack() as stack:
        slow = [stack.enter_context(_connected(system)) for _ in range(TRICKLERS)]
        for _ in range(SILENT):
            stack.enter_context(_connected(system))
        for place, each in enumerate(slow):
            whole = b"POST /webhooks/milepost HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n"
            each.sendall(whole if place % 2 else whole[:20])
        for _ in range(3 if system.brief else 10):
            for each in slow:
                with suppress(OSError):
                    each.sendall(b"x")
            pause(BYTE_SECONDS)
    slowest = max(each.seconds for each in system.load.tries[tried:])
    system.expect(slowest < HELD_UP_SECONDS, f"an answer took {slowest:.1f} s")


def poison(system: System) -> None:
    """Send failures with a text that is costly to mask, and let readers ask for them and leave."""
    posts = [_poisoned(build) for build in range(10 if system.brief else POISONED_BUILDS)]
    ended = threading.Event()
    readers = [
        threading.Thread(target=_read_and_leave, args=(system, ended)) for _ in range(READERS)
    ]
    for each in readers:
        each.start()
    try:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(partial(system.load.offer, "poison"), posts))
        pause(2 if system.brief else 10)
    finally:
        ended.set()
        for each in readers:
            each.join()
    unanswered = [each for each in system.load.tries if each.answer is None]
    system.expect(not unanswered, f"{len(unanswered)} requests had no answer")


def send_endlessly(system: System) -> None:
    """Report 100,000 stages of one build: what is past the bound is refused, its verdict taken."""
    most = 10_000 if system.brief else ENDLESS
    answers: Counter[int] = Counter()
    tried = len(system.load.tries)
    for first in range(0, most, REPORT):
        events = [
            stage(f"step {place}", minutes=place / 60) for place in range(first, first + REPORT)
        ]
        answers[_until_answered(system, _endless(*events))] += 1
    answers[_until_answered(system, _endless(verdict("completed", most / 60 + 1)))] += 1
    system.extra_deliveries = sum(answers[status] for status in ACCEPTED)
    refused = len(range(0, most, REPORT)) - TAKEN
    system.expect(answers[422] == refused, f"not all but {TAKEN} reports were refused: {answers}")
    build = system.receiver.json("/api/v1/builds/endless")
    system.expect(build["status"] == "completed", "the verdict of the endless build was not taken")
    unanswered = [each for each in system.load.tries[tried:] if each.answer is None]
    system.expect(not unanswered, f"{len(unanswered)} requests had no answer")


@contextmanager
def _connected(system: System) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", system.receiver.port), TIMEOUT_SECONDS) as each:
        yield each


def _read_and_leave(system: System, ended: threading.Event) -> None:
    """Ask for pages with the texts, and leave before the answer."""
    paths = ("/failures", "/builds/poisoned-1", "/api/v1/failures", "/feed.atom")
    while not ended.is_set():
        for path in paths:
            with suppress(OSError), _connected(system) as each:
                each.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
                ended.wait(READ_SECONDS)


def _poisoned(build: int) -> Post:
    failure = {"message": POISON, "details": {"log": POISON}}
    failed = stage("Storage", "failed", minutes=build, failure=failure)
    document = envelope(failed, number=f"poisoned-{build}", run=f"poisoned-{build}")
    return Post("milepost", orjson.dumps(document))


def _endless(*events: dict[str, object]) -> Post:
    return Post("milepost", orjson.dumps(envelope(*events, number="endless", run="endless")))


def _until_answered(system: System, post: Post) -> int:
    """Send a delivery until the receiver takes or refuses it. Return the status."""
    for _ in range(100):
        with suppress(requests.RequestException):
            answer = post.send(system.receiver.url)
            if answer.status_code != 503:
                return answer.status_code
        pause(0.3)
    return 503


FAULTS = [
    Fault("F29", "a broken and a lost settings file, workers killed", break_settings, plain),
    Fault("F30", "clients that trickle or are silent", trickle, plain),
    Fault("F31", "text that is costly to mask, readers that leave", poison, plain),
    Fault("F32", "a build of 100,000 events", send_endlessly, plain),
]
