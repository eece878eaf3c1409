"""Where a fault happens: receivers, their database and the connection between them."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psycopg
import requests
from psycopg.conninfo import make_conninfo

from receiver.storage.embedded import cluster
from tests.support.kept_bodies import kept_bodies
from tests.support.receivers import MILEPOST
from tests.support.releases import Release
from tests.torture.load import Load, Post
from tests.torture.machine import NotRun, Receiver, Server, pause, started_server, until, volume
from tests.torture.pgbouncer import PgBouncer
from tests.torture.proxy import Proxy, started_proxy
from tests.torture.verdicts import Verdict, differences, judge, read_inbox, replay

WARM_UP_SECONDS, AFTER_SECONDS, SETTLE_SECONDS = 2.0, 3.0, 60.0
BRIEF = 0.5  # of the first two


@dataclass
class System:
    """Everything that a fault may break; `url` is the database, past any proxy."""

    folder: Path
    url: str
    receivers: list[Receiver]
    load: Load
    brief: bool
    _server: Server | None = None
    _proxy: Proxy | None = None
    standby: Server | None = None
    bouncer: PgBouncer | None = None
    target: object = None  # of notices
    healed: float = 0.0
    extra_deliveries: int = 0  # that a fault sends by other means than the load
    is_of_two: bool = False  # an older release read and folded some of it
    problems: list[str] = field(default_factory=list)

    @property
    def receiver(self) -> Receiver:
        return self.receivers[0]

    @property
    def server(self) -> Server:
        assert self._server
        return self._server

    @property
    def proxy(self) -> Proxy:
        assert self._proxy
        return self._proxy

    def heal(self) -> None:
        """Begin to measure recovery."""
        self.healed = time.monotonic()

    def expect(self, condition: object, problem: str) -> None:
        """Record the problem if the condition is false."""
        if not condition:
            self.problems.append(problem)


Setup = Callable[[Path, bool], Any]  # a context manager of a System


@dataclass(frozen=True)
class Fault:
    """One fault: its system, and the action on it."""

    code: str
    name: str
    act: Callable[[System], None]
    setup: Setup


def run(fault: Fault, *, brief: bool) -> Verdict:
    """Run the fault under load; return the verdict."""
    folder = Path(tempfile.mkdtemp(prefix="milepost-torture-", dir="/var/tmp"))
    folder.chmod(0o755)  # not in /tmp, which a fault fills
    try:
        with fault.setup(folder, brief) as system:
            return _verdict(fault, system)
    except NotRun as reason:
        return Verdict(fault.code, fault.name, not_run=str(reason))
    except (AssertionError, requests.RequestException) as error:  # before a verdict
        return Verdict(fault.code, fault.name, problems=(str(error),))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _verdict(fault: Fault, system: System) -> Verdict:
    share = BRIEF if system.brief else 1.0
    system.load.start()
    try:
        pause(WARM_UP_SECONDS * share)
        fault.act(system)
        if not system.healed:
            system.heal()
        pause(AFTER_SECONDS * share)
    except (AssertionError, psycopg.Error, subprocess.SubprocessError) as error:
        system.problems.append(str(error))
    finally:
        system.load.finish(SETTLE_SECONDS)
    if system.is_of_two:
        _bring_up_to_date(system)
    expected = _expected_url(system)
    inbox = read_inbox(system.url, system.load.offered)
    system.expect(
        inbox.unknown == system.extra_deliveries, f"{inbox.unknown} deliveries that no sender sent"
    )
    verdict = judge(fault.code, fault.name, system.load, inbox, system.healed)
    system.problems += differences(system.url, expected)
    return replace(verdict, problems=(*system.problems, *verdict.problems))


def _bring_up_to_date(system: System) -> None:
    """Read again what an older release read, and fold again what it folded: docs/operations.md."""
    with psycopg.connect(system.url) as connection:
        deliveries = [str(row[0]) for row in connection.execute("SELECT id FROM deliveries")]
    for command in (["replay", *deliveries], ["refold"]):
        done = system.receiver.run(*command)
        system.expect(done.returncode == 0, f"milepost {command[0]}: {done.stderr}")


def _expected_url(system: System) -> str:
    """Fill a second database through a second receiver with every delivery; return its URL."""
    with psycopg.connect(system.url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE expected")
        rows = connection.execute(
            "SELECT encode(body_sha256, 'hex'), source FROM deliveries ORDER BY id"
        ).fetchall()
    bodies = [each or b"" for each in kept_bodies(system.url)]
    url = make_conninfo(system.url, dbname="expected")
    reference = Receiver(system.folder / "reference", url)
    assert reference.run("migrate").returncode == 0
    try:
        reference.start()
        offered = system.load.offered
        posts = [
            offered.get(digest) or Post(source, body)
            for (digest, source), body in zip(rows, bodies, strict=True)
        ]
        replay(posts, reference)
    finally:
        reference.stop()
    return url


@contextmanager
def plain(folder: Path, brief: bool, **more: Any) -> Iterator[System]:
    """Yield one receiver on a PostgreSQL of its own."""
    with started_server(folder, **more) as server, _receiver(folder, server.url()) as receiver:
        yield _system(folder, server.url(), [receiver], brief, _server=server)


@contextmanager
def embedded(folder: Path, brief: bool) -> Iterator[System]:
    """Yield one receiver with its embedded PostgreSQL."""
    data = folder / "receiver 0" / "data"
    with _receiver(folder, None) as receiver:
        url = cluster.start(data, stop_at_exit=False)
        cluster.release(data, stop_if_last=False)
        yield _system(folder, url, [receiver], brief)


@contextmanager
def two_receivers(folder: Path, brief: bool) -> Iterator[System]:
    """Yield two receivers on one database; senders alternate between them."""
    with ExitStack() as stack:
        server = stack.enter_context(started_server(folder))
        both = [stack.enter_context(_receiver(folder, server.url(), index)) for index in (0, 1)]
        yield _system(folder, server.url(), both, brief, _server=server)


@contextmanager
def of_a_release(release: Release, folder: Path, brief: bool) -> Iterator[System]:
    """Yield two receivers of an earlier release on one database of its schema."""
    launcher = release.unpack(folder / "release")
    with ExitStack() as stack:
        server = stack.enter_context(started_server(folder, launcher))
        both = [
            stack.enter_context(_receiver(folder, server.url(), index, launcher))
            for index in (0, 1)
        ]
        system = _system(folder, server.url(), both, brief, _server=server)
        # Its key has the time since 0.3, so that one of each release may keep a repeated one.
        system.load.unrepeated = frozenset({"jenkins"})
        yield system


@contextmanager
def proxied(folder: Path, brief: bool) -> Iterator[System]:
    """Yield a receiver with a proxy before its database."""
    with ExitStack() as stack:
        server = stack.enter_context(started_server(folder))
        proxy = stack.enter_context(started_proxy(server.port))
        receiver = stack.enter_context(_receiver(folder, server.url(port=proxy.port)))
        yield _system(folder, server.url(), [receiver], brief, _server=server, _proxy=proxy)


@contextmanager
def small_data(folder: Path, brief: bool) -> Iterator[System]:
    """Yield a receiver whose tables are on a small file system, without the WAL."""
    with (
        volume(folder / "small", "128m") as small,
        plain(folder, brief, data=small / "pg", wal=folder / "wal") as system,
    ):
        yield system


@contextmanager
def small_wal(folder: Path, brief: bool) -> Iterator[System]:
    """Yield a receiver whose WAL is on a small file system, without the tables."""
    with (
        volume(folder / "small", "96m") as small,
        plain(folder, brief, wal=small / "wal") as system,
    ):
        yield system


@contextmanager
def with_standby(folder: Path, brief: bool) -> Iterator[System]:
    """Yield a receiver with a primary and its synchronous standby."""
    second = folder / "second"
    second.mkdir()
    with started_server(folder, synchronous_commit="on") as server:
        standby = server.standby(second)
        standby.start()
        try:
            until(lambda: _has_standby(server), 30, "the standby follows")
            server.execute("ALTER SYSTEM SET synchronous_standby_names = 'standby'")
            server.execute("SELECT pg_reload_conf()")
            both = f"127.0.0.1:{server.port},127.0.0.1:{standby.port}"
            url = f"postgresql://milepost@{both}/milepost?target_session_attrs=read-write"
            with _receiver(folder, url) as receiver:
                yield _system(folder, url, [receiver], brief, _server=server, standby=standby)
        finally:
            standby.stop("immediate")


@contextmanager
def bounced(folder: Path, brief: bool) -> Iterator[System]:
    """Yield a receiver behind PgBouncer in transaction mode."""
    with ExitStack() as stack:
        server = stack.enter_context(started_server(folder))
        bouncer = PgBouncer(folder, server)
        bouncer.start()
        stack.callback(bouncer.stop)
        url = server.url(port=bouncer.port)
        receiver = _receiver(folder, url, MILEPOST_DB_PREPARE="0", DATABASE_ADMIN_URL=server.url())
        receivers = [stack.enter_context(receiver)]
        yield _system(folder, server.url(), receivers, brief, _server=server, bouncer=bouncer)


@contextmanager
def _receiver(
    folder: Path,
    url: str | None,
    index: int = 0,
    launcher: Sequence[str] = (str(MILEPOST),),
    **more: str,
) -> Iterator[Receiver]:
    receiver = Receiver(folder / f"receiver {index}", url, **more)
    receiver.launcher = [*launcher]
    try:
        receiver.start()
        yield receiver
    finally:
        receiver.stop()


def _has_standby(server: Server) -> bool:
    with psycopg.connect(server.url()) as connection:
        return connection.execute("SELECT 1 FROM pg_stat_replication").fetchone() is not None


def _system(folder: Path, url: str, receivers: list[Receiver], brief: bool, **more: Any) -> System:
    load = Load([receiver.url for receiver in receivers])
    return System(folder, url, receivers, load, brief, **more)
