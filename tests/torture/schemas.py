"""F19, F20, F24: the schema changes under a receiver, and a parser has a defect."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.support.receivers import MILEPOST
from tests.torture.machine import pause, until
from tests.torture.systems import Fault, World, plain

SOUND = [str(MILEPOST)]
BROKEN = [sys.executable, "-m", "tests.torture.defective_parser"]
NEXT = [sys.executable, "-m", "tests.torture.next_schema"]


def migrate(world: World) -> None:
    """The next release's migration while a long query is in its way; its first run is killed."""
    tried = len(world.load.tries)
    with psycopg.connect(world.url) as connection:
        connection.execute("SELECT FROM deliveries LIMIT 1")  # and keep ACCESS SHARE
        first = subprocess.Popen([*NEXT, world.url])
        pause(1)
        first.kill()
        first.wait(10)
        second = subprocess.Popen([*NEXT, world.url])
        pause(4 if world.brief else 15)
        connection.rollback()
    world.expect(second.wait(60) == 0, "the migration was applied")
    late = [each for each in world.load.tries[tried:] if each.answer == 503]
    world.expect(len(late) < len(world.load.tries[tried:]) / 2, "half of all answers were 503")


def go_back(world: World) -> None:
    """The release before works on the schema of the next one: its requests, its start."""
    done = subprocess.run([*NEXT, world.url], check=False)
    world.expect(done.returncode == 0, "the migration was applied")
    pause(3)
    world.receiver.stop()
    world.receiver.start()
    world.heal()
    until(lambda: world.receiver.answers("/") == 200, 10, "pages are shown")


@contextmanager
def broken(folder: Path, brief: bool) -> Iterator[World]:
    """A receiver whose parser of GitLab's deliveries has a defect."""
    with plain(folder, brief) as world:
        world.receiver.stop()
        world.receiver.launcher = BROKEN
        world.receiver.start()
        yield world


def mend(world: World) -> None:
    """What the parser broke on is kept, shown, and read again once it is mended."""
    pause(4)
    world.expect(_count(world, "quarantined") > 0, "nothing was quarantined")
    world.receiver.stop()
    world.receiver.launcher = SOUND
    world.receiver.start()
    done = world.receiver.run("replay", "--quarantined")
    world.expect(done.returncode == 0, f"milepost replay: {done.stderr}")
    world.expect(_count(world, "quarantined") == 0, "something stayed quarantined")


def _count(world: World, outcome: str) -> int:
    with psycopg.connect(world.url) as connection:
        found = connection.execute(
            "SELECT count(*) FROM deliveries WHERE outcome = %s", [outcome]
        ).fetchone()
    assert found
    count: int = found[0]
    return count


FAULTS = [
    Fault("F19", "migration under load, first one killed", migrate, plain),
    Fault("F20", "old release on the next schema", go_back, plain),
    Fault("F24", "a parser with a defect", mend, broken),
]
