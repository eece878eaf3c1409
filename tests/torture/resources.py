"""F9, F21, F22: the machine's disk, memory and clock."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from uuid import uuid4

import orjson

from tests.support.receivers import MILEPOST
from tests.support.senders import envelope, manifest, stage
from tests.torture.load import Post
from tests.torture.machine import fill, pause, volume
from tests.torture.systems import Fault, System, plain

# Runs in a mount namespace of its own; a checkout in /tmp stays where it is.
FULL_TMP = """
mount --bind "$0" /mnt && mount -t tmpfs -o size=64k none /tmp || exit 1
case "$0" in /tmp/*) mkdir -p "$0" && mount --bind /mnt "$0" ;; esac
cat /dev/zero >/tmp/full 2>/dev/null
exec "$@"
"""
MEMORY_BYTES = 768 * 2**20
LARGE_BODIES = 64


@contextmanager
def full_tmp(folder: Path, brief: bool) -> Iterator[System]:
    """Yield a receiver with a full /tmp, and with its log on a small disk."""
    with volume(folder / "log", "4m") as log_folder, plain(folder, brief) as system:
        system.receiver.stop()
        command = ["unshare", "--mount", "sh", "-c", FULL_TMP, str(MILEPOST.parents[2])]
        system.receiver.launcher = [*command, *system.receiver.launcher]
        system.receiver.log = log_folder / "receiver.log"
        system.receiver.start()
        yield system


@contextmanager
def little_memory(folder: Path, brief: bool) -> Iterator[System]:
    """Yield a receiver whose processes may use little more memory than at the start."""
    with plain(folder, brief) as system:
        system.receiver.stop()
        limited = ["prlimit", f"--as={MEMORY_BYTES}", *system.receiver.launcher]
        system.receiver.launcher = limited
        system.receiver.environment["MALLOC_ARENA_MAX"] = "2"
        system.receiver.start()
        yield system


@contextmanager
def false_clock(folder: Path, brief: bool) -> Iterator[System]:
    """Yield a receiver whose clock is wrong by what a file says."""
    clock = folder / "clock"
    clock.write_text("0")
    with plain(folder, brief) as system:
        system.receiver.stop()
        system.receiver.launcher = [sys.executable, "-m", "tests.torture.clock"]
        system.receiver.environment["TORTURE_CLOCK"] = str(clock)
        system.receiver.start()
        yield system


def fill_log(system: System) -> None:
    """Fill the disk of the log: every request has an answer."""
    fill(system.folder / "log")
    pause(3)
    system.expect(all(each.answer for each in system.load.tries), "requests had no answer")


def send_large_bodies(system: System) -> None:
    """Send 64 bodies of nearly 5 MiB at once."""
    posts = [_large(index) for index in range(LARGE_BODIES)]
    with ThreadPoolExecutor(LARGE_BODIES) as pool:
        list(pool.map(partial(system.load.offer, "large"), posts))


def move_clock(system: System) -> None:
    """Set the clock ten minutes ahead, ten behind, and right again."""
    system.load.tolerated = frozenset({401})  # the time of a signature is too far away
    for minutes in (10, -10, 0):
        (system.folder / "clock").write_text(str(minutes))
        system.heal()
        pause(4)
    refused = {each.sender for each in system.load.tries if each.answer == 401}
    signed = {"hook 1", "hook 2", "hook 3"}
    system.expect(signed <= refused, "a signature of another time was accepted")
    system.expect(refused <= signed | {"repeat"}, f"401 for {sorted(refused - signed)}")


def _large(index: int) -> Post:
    custom = {f"key-{part}": str(uuid4()) * 1_600 for part in range(80)}
    document = envelope(
        stage("Storage", minutes=index),
        number=f"large-{index}",
        run=f"large-{index}",
        manifest=manifest({"custom_data": custom, "build_time": 1_767_261_600}),
    )
    return Post("milepost", orjson.dumps(document))


FAULTS = [
    Fault("F9", "/tmp and the log's disk full", fill_log, full_tmp),
    Fault("F21", "64 bodies of 5 MiB, little memory", send_large_bodies, little_memory),
    Fault("F22", "clock +10 and -10 minutes", move_clock, false_clock),
]
