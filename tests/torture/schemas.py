"""F19, F20, F24: the schema changes under a receiver, and a parser has a defect."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import psycopg

from tests.support.receivers import MILEPOST
from tests.support.releases import RELEASES, Release
from tests.torture.machine import Receiver, pause, until
from tests.torture.systems import Fault, System, of_a_release, plain

INTACT = [str(MILEPOST)]
DEFECTIVE = [sys.executable, "-m", "tests.torture.defective_parser"]
NEXT = [sys.executable, "-m", "tests.torture.next_schema"]


def migrate(system: System) -> None:
    """Run the next release's migration behind a long query; kill its first run."""
    tried = len(system.load.tries)
    with psycopg.connect(system.url) as connection:
        connection.execute("SELECT FROM deliveries LIMIT 1")  # holds ACCESS SHARE
        first = subprocess.Popen([*NEXT, system.url])
        pause(1)
        first.kill()
        first.wait(10)
        second = subprocess.Popen([*NEXT, system.url])
        pause(4 if system.brief else 15)
        connection.rollback()
    system.expect(second.wait(60) == 0, "the migration was applied")
    refused = [each for each in system.load.tries[tried:] if each.answer == 503]
    system.expect(len(refused) < len(system.load.tries[tried:]) / 2, "half of all answers were 503")


def run_old_release(system: System) -> None:
    """Run this release on the schema of the next one: its requests, its start."""
    done = subprocess.run([*NEXT, system.url], check=False)
    system.expect(done.returncode == 0, "the migration was applied")
    pause(3)
    system.receiver.stop()
    system.receiver.start()
    system.heal()
    until(lambda: system.receiver.status("/") == 200, 10, "pages are shown")


def roll(release: Release, system: System) -> None:
    """Upgrade two receivers one by one; between, one of the old release restarts, and migrates as
    an init container does."""
    first, second = system.receivers
    old = first.launcher
    system.expect(_migrate(INTACT, system) == 0, "the migration was applied")
    _replace(second, INTACT)
    pause(1 if system.brief else 10)
    code = 0 if release.accepts_newer else 1
    system.expect(_migrate(old, system) == code, f"the old migrate ends with {code}")
    _replace(first, old)
    pause(1 if system.brief else 10)
    _replace(first, INTACT)
    system.is_of_two = True


def _replace(receiver: Receiver, launcher: list[str]) -> None:
    receiver.stop()
    receiver.launcher = launcher
    receiver.start()


def _migrate(launcher: list[str], system: System) -> int:
    environment = system.receiver.environment
    return subprocess.run([*launcher, "migrate"], env=environment, check=False).returncode


@contextmanager
def defective_parser(folder: Path, brief: bool) -> Iterator[System]:
    """Yield a receiver with a defect in its parser of GitLab's deliveries."""
    with plain(folder, brief) as system:
        system.receiver.stop()
        system.receiver.launcher = DEFECTIVE
        system.receiver.start()
        yield system


def replay_quarantined(system: System) -> None:
    """Replace the defective parser and replay: no delivery stays quarantined."""
    pause(4)
    system.expect(_count(system, "quarantined") > 0, "nothing was quarantined")
    system.receiver.stop()
    system.receiver.launcher = INTACT
    system.receiver.start()
    done = system.receiver.run("replay", "--quarantined")
    system.expect(done.returncode == 0, f"milepost replay: {done.stderr}")
    system.expect(_count(system, "quarantined") == 0, "deliveries stayed quarantined")


def _count(system: System, outcome: str) -> int:
    with psycopg.connect(system.url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM deliveries WHERE outcome = %s", [outcome]
        ).fetchone()
    assert row
    count: int = row[0]
    return count


FAULTS = [
    Fault("F19", "migration under load, first one killed", migrate, plain),
    Fault("F20", "old release on the next schema", run_old_release, plain),
    *(
        Fault(
            f"F20{letter}",
            f"two releases at once, from schema {release.schema}",
            partial(roll, release),
            partial(of_a_release, release),
        )
        for letter, release in zip("abc", RELEASES, strict=True)
    ),
    Fault("F24", "a parser with a defect", replay_quarantined, defective_parser),
]
