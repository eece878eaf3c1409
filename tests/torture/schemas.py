"""F19, F20, F24: the schema changes under a receiver, and a parser has a defect."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import orjson
import psycopg
import requests

from tests.support.receivers import MILEPOST
from tests.support.releases import RELEASES, Release
from tests.support.senders import sign
from tests.torture.machine import Receiver, pause, until
from tests.torture.systems import Fault, System, of_a_release, plain

PROJECTS = '[project."core"]\nowner = "ada"\n'
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
    """Upgrade two receivers one by one; between, the new release writes what the old one has no
    tables for, and one of the old release restarts, and migrates as an init container does."""
    first, second = system.receivers
    old = first.launcher
    system.expect(_migrate(INTACT, system) == 0, "the migration was applied")
    _replace(second, INTACT)
    secret = _write_settings(system)
    pause(1 if system.brief else 10)
    code = 0 if release.accepts_newer else 1
    system.expect(_migrate(old, system) == code, f"the old migrate ends with {code}")
    _replace(first, old)
    pause(1 if system.brief else 10)
    _replace(first, INTACT)
    for receiver in system.receivers:
        system.expect(_knows(receiver, secret), "the new sender is known to each receiver")
    shown = first.run("settings", "show", "projects").stdout
    system.expect(shown == PROJECTS, f"the projects are as they were set: {shown}")
    system.is_of_two = True


def _write_settings(system: System) -> str:
    """Keep a sender and a document in the database; return the sender's secret."""
    projects, key = system.folder / "projects.toml", system.folder / "key"
    projects.write_text(PROJECTS)
    key.write_bytes(bytes(range(64)))
    for receiver in system.receivers:
        receiver.environment["MILEPOST_KEY_FILE"] = str(key)
    second = system.receivers[1]
    _replace(second, INTACT)  # with the key
    for words in (["settings", "set", "projects", str(projects)], ["sender", "add", "new"]):
        done = second.run(*words, "--json")
        system.expect(done.returncode == 0, f"milepost {' '.join(words)}: {done.stderr}")
    return str(orjson.loads(done.stdout)["secret"])


def _knows(receiver: Receiver, secret: str) -> bool:
    """Return whether a receiver understands a sender's envelope, which is none: it keeps nothing of
    that."""
    headers = sign(b"{}", secret) | {"Content-Type": "application/json"}
    answer = requests.post(f"{receiver.url}/webhooks/milepost/new", b"{}", headers=headers)
    return answer.status_code == 422


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
        for letter, release in zip("abcd", RELEASES, strict=True)
    ),
    Fault("F24", "a parser with a defect", replay_quarantined, defective_parser),
]
