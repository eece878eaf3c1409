"""F1, F2, F15, F16, F27: the receiver's own processes end."""

import signal
from collections import Counter
from functools import partial

import psutil

from tests.torture.machine import pause, until
from tests.torture.systems import Fault, System, embedded, plain, two_receivers


def kill_workers(system: System) -> None:
    """Kill one worker after another by kill -9; gunicorn starts new ones."""
    for _ in range(2 if system.brief else 5):
        victim = system.receiver.workers()[0]
        victim.kill()
        until(partial(_is_renewed, system, victim), 10, "a new worker is there")
        system.heal()
        pause(1)


def kill_master(system: System) -> None:
    """Kill gunicorn's master by kill -9; its workers end, the supervisor starts another."""
    orphans = system.receiver.workers()
    system.receiver.signal(signal.SIGKILL)
    system.receiver.wait(10)
    until(lambda: not any(each.is_running() for each in orphans), 10, "the workers end")
    system.receiver.start()


def terminate(system: System) -> None:
    """Send SIGTERM: /readyz is 503, requests that have begun end, the exit code is 0."""
    tried = len(system.load.tries)
    system.receiver.signal(signal.SIGTERM)
    until(lambda: system.receiver.status("/readyz") == 503, 5, "/readyz is 503 while it drains")
    system.expect(system.receiver.wait(15) == 0, "exit 0 after SIGTERM")
    broken = Counter(each.problem for each in system.load.tries[tried:] if each.answer is None)
    del broken["refused"]
    system.expect(not broken, f"requests were cut off: {dict(broken)}")
    system.receiver.start()


def reload(system: System) -> None:
    """Send SIGHUP: new workers start first, and every request has an answer."""
    before = {worker.pid for worker in system.receiver.workers()}
    tried = len(system.load.tries)
    system.receiver.signal(signal.SIGHUP)
    until(
        lambda: (
            len(system.receiver.workers()) == 2
            and not before & {worker.pid for worker in system.receiver.workers()}
        ),
        20,
        "new workers are there",
    )
    pause(2)
    unanswered = [each for each in system.load.tries[tried:] if each.answer is None]
    system.expect(not unanswered, f"{len(unanswered)} requests had no answer during SIGHUP")


def terminate_twice(system: System) -> None:
    """Send SIGTERM twice, then SIGKILL."""
    system.receiver.signal(signal.SIGTERM)
    pause(0.2)
    system.receiver.signal(signal.SIGTERM)
    children = system.receiver.workers()
    system.receiver.signal(signal.SIGKILL)
    system.receiver.wait(10)
    until(lambda: not any(each.is_running() for each in children), 15, "the workers end")
    system.receiver.start()


def kill_one_of_two(system: System) -> None:
    """Kill one of two receivers on one database by kill -9."""
    victim = system.receivers[1]
    workers = victim.workers()
    victim.signal(signal.SIGKILL)
    victim.wait(10)
    pause(2)
    until(lambda: not any(each.is_running() for each in workers), 10, "the workers end")
    victim.start()


def _is_renewed(system: System, victim: psutil.Process) -> bool:
    pids = {worker.pid for worker in system.receiver.workers()}
    return victim.pid not in pids and len(pids) == 2


FAULTS = [
    Fault("F1", "kill -9 of workers", kill_workers, plain),
    Fault("F2", "kill -9 of gunicorn's master", kill_master, plain),
    Fault("F2e", "the same, embedded", kill_master, embedded),
    Fault("F15", "SIGTERM under load", terminate, plain),
    Fault("F15h", "SIGHUP under load", reload, plain),
    Fault("F16", "SIGTERM twice, then SIGKILL", terminate_twice, plain),
    Fault("F27", "two receivers, kill -9 of one", kill_one_of_two, two_receivers),
]
