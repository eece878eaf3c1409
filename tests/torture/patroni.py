"""Drills on three PostgreSQL under Patroni, with deploy/patroni/patroni.yml and an etcd.

The Patroni of the PATH, such as Debian's: every user of the machine must be able to run it, since
root's own environment is hidden from the user that PostgreSQL runs as. Before 4.0 it knows no
quorum, and the leader names one standby.
"""

import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psutil
import psycopg
import requests

from receiver.storage.embedded import binaries
from receiver.storage.embedded.binaries import ServerUser
from tests.support import ROOT
from tests.support.receivers import MILEPOST, free_port
from tests.torture.drills import Row, Stage, count, gap, staged, under_load
from tests.torture.machine import NotRun, until

NAMES = ("one", "two", "three")
PASSWORD = "torture"
TTL = float(re.findall(r"ttl: (\d+)", (ROOT / "deploy/patroni/patroni.yml").read_text())[0])
DEATH_SECONDS, SWITCH_SECONDS = TTL + 5, 6.0
START_SECONDS = 240.0
QUORUM, NAMED = "synchronous_mode: quorum", "synchronous_mode: true"


class Member:
    """One Patroni with its PostgreSQL."""

    def __init__(self, name: str, folder: Path, user: ServerUser, bindir: Path, etcd: str) -> None:
        self.name, self.port, self.api, self._user = name, free_port(), free_port(), user
        self.data = folder / name / "data"
        user.make_private(folder / name)
        self._log = folder / f"{name}.log"
        self._file = folder / "patroni.yml"
        self._environment = {
            "PATH": f"{bindir}:/usr/bin:/bin",
            "MILEPOST_PASSWORD_FILE": str(folder / "password"),
            "PATRONI_NAME": name,
            "PATRONI_ETCD3_HOSTS": etcd,
            "PATRONI_RESTAPI_LISTEN": f"127.0.0.1:{self.api}",
            "PATRONI_RESTAPI_CONNECT_ADDRESS": f"127.0.0.1:{self.api}",
            "PATRONI_POSTGRESQL_LISTEN": f"127.0.0.1:{self.port}",
            "PATRONI_POSTGRESQL_CONNECT_ADDRESS": f"127.0.0.1:{self.port}",
            "PATRONI_POSTGRESQL_DATA_DIR": str(self.data),
            "PATRONI_POSTGRESQL_BIN_DIR": str(bindir),
            "PATRONI_POSTGRESQL_PGPASS": str(folder / name / "pgpass"),
            "PATRONI_SUPERUSER_PASSWORD": PASSWORD,
            "PATRONI_REPLICATION_PASSWORD": PASSWORD,
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start Patroni."""
        root = os.geteuid() == 0
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [shutil.which("patroni") or "patroni", str(self._file)],
                env=self._environment,
                cwd=self.data.parent,
                user=self._user.uid if root else None,
                group=self._user.gid if root else None,
                extra_groups=[] if root else None,
                stdout=log,
                stderr=log,
            )

    def is_leader(self) -> bool:
        """Return whether it has the lock."""
        return self._status("/primary") == 200

    def is_replica(self) -> bool:
        """Return whether it follows the leader."""
        return self._status("/replica") == 200

    def is_confirming(self) -> bool:
        """Return whether the leader waits for it, or for one of several of which it is one."""
        return 200 in (self._status("/synchronous"), self._status("/quorum"))

    def switch_to(self, candidate: str) -> None:
        """Hand over to another member; return when it has the lock."""
        wanted = {"leader": self.name, "candidate": candidate}
        answer = requests.post(f"http://127.0.0.1:{self.api}/switchover", json=wanted, timeout=60)
        assert answer.ok, answer.text

    def kill(self) -> None:
        """Kill Patroni and every process of its PostgreSQL, as the loss of a machine does."""
        if self._process:
            self._process.kill()
            self._process.wait(10)
        self.kill_postgres()

    def kill_postgres(self) -> None:
        """Kill every process of its PostgreSQL, and leave Patroni alone."""
        with suppress(FileNotFoundError, psutil.NoSuchProcess):
            main = psutil.Process(int((self.data / "postmaster.pid").read_text().split()[0]))
            processes = [main, *main.children(recursive=True)]
            for each in processes:
                with suppress(psutil.NoSuchProcess):
                    each.send_signal(signal.SIGKILL)
            psutil.wait_procs(processes, timeout=10)

    def _status(self, path: str) -> int | None:
        with suppress(requests.RequestException):
            return requests.get(f"http://127.0.0.1:{self.api}{path}", timeout=5).status_code
        return None


class Members:
    """The cluster."""

    def __init__(self, members: list[Member]) -> None:
        self.members = members

    def leader(self) -> Member:
        """Return the one that has the lock."""
        (found,) = [each for each in self.members if each.is_leader()]
        return found

    def is_whole(self) -> bool:
        """Return whether there are a leader, followers, and one of them that must confirm."""
        followers = [each for each in self.members if each.is_replica()]
        is_safe = any(each.is_confirming() for each in followers)
        return is_safe and len(followers) == len(self.members) - 1

    def url(self, attributes: str, database: str, user: str = "milepost") -> str:
        """Return the URL that names every member."""
        hosts = ",".join(f"127.0.0.1:{each.port}" for each in self.members)
        address = f"postgresql://{user}:{PASSWORD}@{hosts}/{database}"
        return f"{address}?target_session_attrs={attributes}"

    def create(self, database: str) -> None:
        """Wait until the cluster is whole; make a database with Milepost's schema."""
        until(self.is_whole, START_SECONDS, "Patroni's cluster is whole")
        admin = self.url("read-write", "postgres", "postgres")
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {database} OWNER milepost".encode())
        _migrate(self.url("read-write", database))


@contextmanager
def cluster() -> Iterator[Members]:
    """Yield a cluster that starts. Raises NotRun where a program is missing."""
    missing = [each for each in ("patroni", "etcd") if not shutil.which(each)]
    if missing:
        raise NotRun(f"there is no {' and no '.join(missing)}: tests/support/system-packages.sh")
    folder = Path(tempfile.mkdtemp(prefix="milepost-patroni-", dir="/var/tmp"))
    folder.chmod(0o755)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        user = binaries.server_user(folder / "none")
        bindir = binaries.reachable_binaries(binaries.find_binaries(), folder, user)
        etcd = stack.enter_context(_etcd(folder))
        _write_files(folder)
        members = Members([Member(name, folder, user, bindir, etcd) for name in NAMES])
        for each in members.members:
            stack.callback(each.kill)
            each.start()
        yield members


@contextmanager
def _etcd(folder: Path) -> Iterator[str]:
    """Yield HOST:PORT of an etcd of one member: it is not what is tried."""
    client, peer = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    command = ["etcd", "--data-dir", str(folder / "etcd"), "--log-level", "error"]
    command += ["--listen-client-urls", client, "--advertise-client-urls", client]
    command += ["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer]
    command += ["--initial-cluster", f"default={peer}"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield client.removeprefix("http://")
    finally:
        process.kill()
        process.wait(10)


def _write_files(folder: Path) -> None:
    """Write what every member reads: the file of deploy/patroni with this machine's paths."""
    source = ROOT / "deploy" / "patroni"
    script = folder / "create-database.sh"
    shutil.copy(source / script.name, script)
    text = (source / "patroni.yml").read_text()
    assert QUORUM in text
    if version() < (4, 0):
        text = text.replace(QUORUM, NAMED)
    (folder / "patroni.yml").write_text(text.replace("/etc/patroni", str(folder)))
    (folder / "password").write_text(PASSWORD)


def version() -> tuple[int, ...]:
    """Return the version of Patroni."""
    done = subprocess.run(["patroni", "--version"], capture_output=True, text=True, check=True)
    return tuple(map(int, re.findall(r"\d+", done.stdout)[:2]))


def _migrate(url: str) -> None:
    env: Mapping[str, str] = {"PATH": os.environ["PATH"], "DATABASE_URL": url}
    done = subprocess.run(
        [MILEPOST, "migrate"], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


Act = Callable[["Members", Stage], None]


def kill_leader(members: Members, on: Stage) -> None:
    """Kill the leader and its Patroni; wait until another one leads."""
    leader = members.leader()
    leader.kill()
    on.breaks()
    _await_leader(members, on)


def kill_postgres(members: Members, on: Stage) -> None:
    """Kill the leader's PostgreSQL alone: Patroni starts it again, or another one leads."""
    members.leader().kill_postgres()
    on.breaks()
    _await_leader(members, on)


def switch(members: Members, on: Stage) -> None:
    """Hand over to a member that confirms, as before maintenance."""
    leader = members.leader()
    followers = [each for each in members.members if each.is_replica()]
    candidate = next(each for each in followers if each.is_confirming())
    on.breaks()
    leader.switch_to(candidate.name)
    _await_leader(members, on)


def _await_leader(members: Members, on: Stage) -> None:
    begun = len(on.load.tries)
    until(
        lambda: (
            any(each.answer == 202 for each in on.load.tries[begun:][-8:])
            and any(each.is_leader() for each in members.members)
        ),
        120,
        "deliveries are taken again",
    )
    on.heals()


def drills() -> Iterator[Row]:
    """Yield a row for each drill on one cluster, each with a database of its own; the loss of a
    member is the last of them. Raises NotRun."""
    with cluster() as members:
        for number, (name, act, most) in enumerate(DRILLS):
            database = f"drill_{number}"
            members.create(database)
            yield _row(name, act, most, members, database)


def _row(name: str, act: Act, most: float, members: Members, database: str) -> Row:
    write, read = (members.url(each, database) for each in ("read-write", "prefer-standby"))
    with staged(write, read) as on:
        under_load(on, lambda stage: act(members, stage), lambda: None)
        common, note = count(on)
        pages = f"pages of a writer were away for {on.writer_pages.gap():.1f} s"
        used = f"Patroni {'.'.join(map(str, version()))}"
        return Row(name, [gap(on, most), *common], [note, pages, used])


DRILLS: tuple[tuple[str, Act, float], ...] = (
    ("Patroni: planned switchover", switch, SWITCH_SECONDS),
    ("Patroni: PostgreSQL killed alone", kill_postgres, DEATH_SECONDS),
    ("Patroni: leader and its Patroni killed", kill_leader, DEATH_SECONDS),
)
