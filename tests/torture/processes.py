"""F1, F2, F15, F16: the receiver's own processes end, in every way."""

import signal
from collections import Counter
from functools import partial

import psutil

from tests.torture.machine import pause, until
from tests.torture.systems import Fault, World, embedded, plain, two_receivers


def kill_workers(world: World) -> None:
    """kill -9 of one worker after another; gunicorn makes new ones."""
    for _ in range(2 if world.brief else 5):
        victim = world.receiver.workers()[0]
        victim.kill()
        until(partial(_renewed, world, victim), 10, "a new worker is there")
        world.heal()
        pause(1)


def kill_master(world: World) -> None:
    """kill -9 of gunicorn's master; its workers leave, the supervisor starts another."""
    orphans = world.receiver.workers()
    world.receiver.signal(signal.SIGKILL)
    world.receiver.wait(10)
    until(lambda: not any(each.is_running() for each in orphans), 10, "the workers leave")
    world.receiver.start()


def terminate(world: World) -> None:
    """SIGTERM as at every deploy: /readyz says it, what was begun ends, exit 0."""
    tried = len(world.load.tries)
    world.receiver.signal(signal.SIGTERM)
    until(lambda: world.receiver.answers("/readyz") == 503, 5, "/readyz is 503 while it drains")
    world.expect(world.receiver.wait(15) == 0, "exit 0 after SIGTERM")
    cut = Counter(each.problem for each in world.load.tries[tried:] if each.answer is None)
    del cut["refused"]
    world.expect(not cut, f"requests were cut off: {dict(cut)}")
    world.receiver.start()


def reload(world: World) -> None:
    """SIGHUP under load: new workers first, nobody notices."""
    before = {worker.pid for worker in world.receiver.workers()}
    tried = len(world.load.tries)
    world.receiver.signal(signal.SIGHUP)
    until(
        lambda: (
            len(world.receiver.workers()) == 2
            and not before & {worker.pid for worker in world.receiver.workers()}
        ),
        20,
        "new workers are there",
    )
    pause(2)
    wrong = [each for each in world.load.tries[tried:] if each.answer is None]
    world.expect(not wrong, f"{len(wrong)} requests had no answer during SIGHUP")


def terminate_twice(world: World) -> None:
    """SIGTERM twice, then SIGKILL of whatever is left."""
    world.receiver.signal(signal.SIGTERM)
    pause(0.2)
    world.receiver.signal(signal.SIGTERM)
    children = world.receiver.workers()
    world.receiver.signal(signal.SIGKILL)
    world.receiver.wait(10)
    until(lambda: not any(each.is_running() for each in children), 15, "the workers leave")
    world.receiver.start()


def kill_one_of_two(world: World) -> None:
    """kill -9 of one of two receivers on one database."""
    lost = world.receivers[1]
    workers = lost.workers()
    lost.signal(signal.SIGKILL)
    lost.wait(10)
    pause(2)
    until(lambda: not any(each.is_running() for each in workers), 10, "the workers leave")
    lost.start()


def _renewed(world: World, dead: psutil.Process) -> bool:
    pids = {worker.pid for worker in world.receiver.workers()}
    return dead.pid not in pids and len(pids) == 2


FAULTS = [
    Fault("F1", "kill -9 of workers", kill_workers, plain),
    Fault("F2", "kill -9 of gunicorn's master", kill_master, plain),
    Fault("F2e", "the same, embedded", kill_master, embedded),
    Fault("F15", "SIGTERM under load", terminate, plain),
    Fault("F15h", "SIGHUP under load", reload, plain),
    Fault("F16", "SIGTERM twice, then SIGKILL", terminate_twice, plain),
    Fault("F27", "two receivers, kill -9 of one", kill_one_of_two, two_receivers),
]
