"""F9, F21, F22: the machine's disk, memory and clock."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import orjson

from tests.support.receivers import MILEPOST
from tests.support.senders import envelope, manifest, stage
from tests.torture.load import Post
from tests.torture.machine import fill, pause, volume
from tests.torture.systems import Fault, World, plain

# In a name space of its own; a checkout that lies in /tmp itself stays where it is.
FULL_TMP = """
mount --bind "$0" /mnt && mount -t tmpfs -o size=64k none /tmp || exit 1
case "$0" in /tmp/*) mkdir -p "$0" && mount --bind /mnt "$0" ;; esac
cat /dev/zero >/tmp/full 2>/dev/null
exec "$@"
"""
MEMORY_BYTES = 768 * 2**20
BIG_BODIES = 64


@contextmanager
def full_tmp(folder: Path, brief: bool) -> Iterator[World]:
    """A receiver whose /tmp has no byte left, and whose log is on a small disk."""
    with volume(folder / "log", "4m") as place, plain(folder, brief) as world:
        world.receiver.stop()
        whole = ["unshare", "--mount", "sh", "-c", FULL_TMP, str(MILEPOST.parents[2])]
        world.receiver.launcher = [*whole, *world.receiver.launcher]
        world.receiver.log = place / "receiver.log"
        world.receiver.start()
        yield world


@contextmanager
def little_memory(folder: Path, brief: bool) -> Iterator[World]:
    """A receiver whose processes may have little more than they have at the start."""
    with plain(folder, brief) as world:
        world.receiver.stop()
        limited = ["prlimit", f"--as={MEMORY_BYTES}", *world.receiver.launcher]
        world.receiver.launcher = limited
        world.receiver.environment["MALLOC_ARENA_MAX"] = "2"
        world.receiver.start()
        yield world


@contextmanager
def false_clock(folder: Path, brief: bool) -> Iterator[World]:
    """A receiver whose clock is away from ours by what a file says."""
    clock = folder / "clock"
    clock.write_text("0")
    with plain(folder, brief) as world:
        world.receiver.stop()
        world.receiver.launcher = [sys.executable, "-m", "tests.torture.clock"]
        world.receiver.environment["TORTURE_CLOCK"] = str(clock)
        world.receiver.start()
        yield world


def fill_log(world: World) -> None:
    """Nothing can be logged any more, and no sender notices."""
    fill(world.folder / "log")
    pause(3)
    world.expect(all(each.answer for each in world.load.tries), "some had no answer")


def swamp(world: World) -> None:
    """64 bodies of nearly 5 MiB at once."""
    threads = [
        threading.Thread(target=world.load.offer, args=("big", _big(place)))
        for place in range(BIG_BODIES)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def jump(world: World) -> None:
    """Ten minutes ahead, ten behind, and right again."""
    world.load.tolerated = frozenset({401})  # what a signature's time is too far away for
    for minutes in (10, -10, 0):
        (world.folder / "clock").write_text(str(minutes))
        world.heal()
        pause(4)
    refused = {each.sender for each in world.load.tries if each.answer == 401}
    signed = {"hook 1", "hook 2", "hook 3"}
    world.expect(signed <= refused, "a signature of another time was believed")
    world.expect(refused <= signed | {"again"}, f"401 for {sorted(refused - signed)}")


def _big(place: int) -> Post:
    custom = {f"key-{part}": str(uuid4()) * 1_600 for part in range(80)}
    document = envelope(
        stage("Storage", minutes=place),
        number=f"big-{place}",
        run=f"big-{place}",
        manifest=manifest({"custom_data": custom, "build_time": 1_767_261_600}),
    )
    return Post("milepost", orjson.dumps(document))


FAULTS = [
    Fault("F9", "/tmp and the log's disk full", fill_log, full_tmp),
    Fault("F21", "64 bodies of 5 MiB, little memory", swamp, little_memory),
    Fault("F22", "clock +10 and -10 minutes", jump, false_clock),
]
