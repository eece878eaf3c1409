"""Real parts on this machine: PostgreSQL servers, receivers and volumes."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import DEVNULL
from typing import Any

import psutil
import psycopg
import requests

from receiver.storage.embedded import binaries
from tests.support.deliveries import SECRETS
from tests.support.receivers import MILEPOST, free_port
from tests.support.samples import ROUTES

ROLE = "milepost"
READY_SECONDS = 60.0


def until(condition: Callable[[], object], seconds: float, description: str) -> None:
    """Wait until the condition is true; raise AssertionError if it is not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {description}"
        pause(0.05)


def pause(seconds: float) -> None:
    """Wait so many seconds."""
    threading.Event().wait(seconds)


class Server:
    """A PostgreSQL on a port of loopback; its data and WAL may lie on other volumes."""

    def __init__(
        self, folder: Path, data: Path | None = None, wal: Path | None = None, **settings: str
    ) -> None:
        self.folder, self.data, self.port = folder, data or folder / "pg", free_port()
        self.user = binaries.server_user(self.data)
        self.bindir = binaries.reachable_binaries(binaries.find_binaries(), folder, self.user)
        self.settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": ""} | settings
        self._wal = wal

    def make(self) -> None:
        """Create an empty cluster."""
        self.user.make_private(self.data)
        more = []
        if self._wal:
            self.user.make_private(self._wal)
            more = [f"--waldir={self._wal}"]
        more += ["--encoding=UTF8", "--locale=C", "--auth=trust", "--no-sync"]
        self._must_run("initdb", "-D", self.data, "-U", ROLE, *more)

    def start(self) -> None:
        """Start it; retry while the remains of a killed server are in the way."""
        until(self._try_to_start, READY_SECONDS, "PostgreSQL starts")

    def stop(self, mode: str = "fast") -> None:
        """Stop it, in mode fast or immediate."""
        self._run("pg_ctl", "stop", "-D", self.data, "-m", mode, "-w")

    def kill(self) -> None:
        """Kill the postmaster by kill -9."""
        os.kill(self.pid(), signal.SIGKILL)

    def pid(self) -> int:
        """Return the postmaster's process id."""
        return int((self.data / "postmaster.pid").read_text().split()[0])

    def promote(self) -> None:
        """Make a standby the primary."""
        self._must_run("pg_ctl", "promote", "-D", self.data, "-w")

    def standby(self, folder: Path) -> "Server":
        """Return a standby of this server, not started yet."""
        copy = Server(folder, None, None, **self.settings)
        copy.user.make_private(copy.data)
        source = f"host=127.0.0.1 port={self.port} user={ROLE} application_name=standby"
        more = ["--wal-method=stream", "--checkpoint=fast", "--no-sync", "--write-recovery-conf"]
        copy._must_run("pg_basebackup", "-d", source, "-D", copy.data, *more)
        return copy

    def url(self, name: str = ROLE, port: int | None = None) -> str:
        """Return the URL of a database, at the server's own port or a proxy's."""
        return f"postgresql://{ROLE}@127.0.0.1:{port or self.port}/{name}"

    def database(self, name: str = ROLE, launcher: Sequence[str] = (str(MILEPOST),)) -> str:
        """Create a database with the schema of this `milepost`; return its URL."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        done = subprocess.run(
            [*launcher, "migrate"],
            env={"PATH": os.environ["PATH"], "DATABASE_URL": self.url(name)},
            check=False,
            capture_output=True,
        )
        assert done.returncode == 0, done.stderr
        return self.url(name)

    def execute(self, statement: str) -> None:
        """Execute one statement, outside a transaction."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(statement.encode())

    def backends(self) -> list[int]:
        """Return the ids of the backends that serve receivers; none while the server is down."""
        try:
            with psycopg.connect(self.url()) as connection:
                rows = connection.execute(
                    "SELECT pid FROM pg_stat_activity "
                    "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
                ).fetchall()
        except psycopg.OperationalError:
            return []
        return [pid for (pid,) in rows]

    def _try_to_start(self) -> bool:
        options = " ".join(f"-c {name}='{value}'" for name, value in self.settings.items())
        log = self.folder / "pg.log"
        log.touch()
        os.chown(log, self.user.uid, self.user.gid)
        done = self._run(
            *("pg_ctl", "start", "-D", self.data, "-w", "-t", "30", "-l", log),
            *("-o", f"-p {self.port} {options}"),
        )
        return done.returncode == 0

    def _run(self, program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return self.user.run(self.bindir / program, *arguments, stream=DEVNULL)

    def _must_run(self, program: str, *arguments: str | Path) -> None:
        done = self.user.run(self.bindir / program, *arguments)
        assert done.returncode == 0, done.stderr


@contextmanager
def started_server(
    folder: Path, launcher: Sequence[str] = (str(MILEPOST),), **more: Any
) -> Iterator[Server]:
    """Yield a running server with the schema of `launcher`; `more` are arguments of Server."""
    server = Server(folder, **more)
    server.make()
    server.start()
    try:
        server.database(launcher=launcher)
        yield server
    finally:
        server.stop("immediate")


class Receiver:
    """`milepost serve` on a port of its own, run as a supervisor runs it."""

    def __init__(self, folder: Path, database_url: str | None, **more: str) -> None:
        self.folder, self.port = folder, free_port()
        folder.mkdir(mode=0o755, exist_ok=True)
        routes = folder / "routes.toml"
        routes.write_text(ROUTES)
        self.environment = {
            "PATH": "/usr/sbin:/usr/bin:/bin",
            "MILEPOST_DATA_DIR": str(folder / "data"),
            "MILEPOST_PUBLIC_READ": "1",
            "MILEPOST_ROUTES": str(routes),
            **{f"MILEPOST_SECRET_{name.upper()}": secret for name, secret in SECRETS.items()},
            **({"DATABASE_URL": database_url} if database_url else {}),
            **more,
        }
        self.launcher: list[str] = [str(MILEPOST)]
        self.log: Path = folder / "receiver.log"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and wait until it is ready."""
        self.spawn()
        until(lambda: self.status("/readyz") == 200, READY_SECONDS, "the receiver gets ready")

    def spawn(self) -> None:
        """Start it, and do not wait."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*self.launcher, "serve", "--bind", f"127.0.0.1:{self.port}"],
                env=self.environment,
                stdout=log,
                stderr=log,
            )

    def status(self, path: str) -> int | None:
        """Return the status of a GET; None without an answer."""
        with suppress(requests.RequestException):
            return requests.get(self.url + path, timeout=10).status_code
        return None

    def json(self, path: str) -> dict[str, object]:
        """Return the JSON of a GET."""
        document: dict[str, object] = requests.get(self.url + path, timeout=10).json()
        return document

    def workers(self) -> list[psutil.Process]:
        """Return gunicorn's workers."""
        return psutil.Process(self._running.pid).children()

    def signal(self, number: int) -> None:
        """Send a signal to the master."""
        self._running.send_signal(number)

    def wait(self, seconds: float) -> int:
        """Wait for its end; return the exit code."""
        return self._running.wait(seconds)

    def stop(self) -> None:
        """End it if it runs."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(60)

    def run(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a `milepost` command with its settings."""
        return subprocess.run(
            [*self.launcher, *arguments],
            env=self.environment | more,
            text=True,
            capture_output=True,
            check=False,
        )

    @property
    def _running(self) -> subprocess.Popen[bytes]:
        assert self.process is not None
        return self.process


@contextmanager
def volume(folder: Path, size: str) -> Iterator[Path]:
    """Yield a small file system of its own; raise NotRun if this machine cannot mount."""
    folder.mkdir(exist_ok=True)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "none", str(folder)],
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise NotRun(f"this machine cannot mount: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


class NotRun(Exception):
    """This machine cannot run the fault; the text says why."""


def fill(folder: Path) -> Path:
    """Leave no byte free; return the file to remove."""
    ballast = folder / "ballast"
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    return ballast
