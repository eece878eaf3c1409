"""Where a fault happens: receivers, their database and what lies between, ready to be broken."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from receiver.storage.embedded import cluster
from tests.torture.load import Load, Post
from tests.torture.machine import NotRun, Receiver, Server, pause, until, volume
from tests.torture.pgbouncer import Bouncer
from tests.torture.proxy import Proxy, proxying
from tests.torture.verdicts import Verdict, different, judge, kept, replayed

WARM_SECONDS, AFTER_SECONDS, SETTLE_SECONDS = 2.0, 3.0, 60.0
BRIEF = 0.5  # of the first two


@dataclass
class World:
    """What a fault may lay its hands on; `url` is the database, past any proxy."""

    folder: Path
    url: str
    receivers: list[Receiver]
    load: Load
    brief: bool
    _server: Server | None = None
    _proxy: Proxy | None = None
    standby: Server | None = None
    bouncer: Bouncer | None = None
    healed: float = 0.0
    told_besides: int = 0  # deliveries that a fault sends by other means than the load
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
        """From here on recovery counts."""
        self.healed = time.monotonic()

    def expect(self, holds: object, what: str) -> None:
        """Note what is not as promised."""
        if not holds:
            self.problems.append(what)


Setup = Callable[[Path, bool], Any]  # a context manager of a World


@dataclass(frozen=True)
class Fault:
    """One fault: what is set up, and what is done to it."""

    code: str
    name: str
    act: Callable[[World], None]
    setup: Setup


def run(fault: Fault, *, brief: bool) -> Verdict:
    """Do it to a receiver under load, and judge."""
    folder = Path(tempfile.mkdtemp(prefix="milepost-torture-", dir="/var/tmp"))
    folder.chmod(0o755)  # not in /tmp, which a fault fills
    try:
        with fault.setup(folder, brief) as world:
            return _judged(fault, world)
    except NotRun as reason:
        return Verdict(fault.code, fault.name, not_run=str(reason))
    except AssertionError as error:  # before anything could be judged
        return Verdict(fault.code, fault.name, problems=(str(error),))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _judged(fault: Fault, world: World) -> Verdict:
    share = BRIEF if world.brief else 1.0
    world.load.start()
    try:
        pause(WARM_SECONDS * share)
        fault.act(world)
        if not world.healed:
            world.heal()
        pause(AFTER_SECONDS * share)
    except (AssertionError, psycopg.Error, subprocess.SubprocessError) as error:
        world.problems.append(str(error))
    finally:
        world.load.finish(SETTLE_SECONDS)
    expected = _expected(world)
    inbox = kept(world.url, world.load.offered)
    world.expect(inbox.strange == world.told_besides, f"{inbox.strange} deliveries nobody sent")
    verdict = judge(fault.code, fault.name, world.load, inbox, world.healed)
    world.problems += different(world.url, expected)
    return replace(verdict, problems=(*world.problems, *verdict.problems))


def _expected(world: World) -> str:
    """A second database, filled by a second receiver with all that the first one has."""
    with psycopg.connect(world.url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE expected")
        found = connection.execute(
            "SELECT encode(body_sha256, 'hex'), source, body FROM deliveries"
        ).fetchall()
    url = make_conninfo(world.url, dbname="expected")
    reference = Receiver(world.folder / "reference", url)
    assert reference.run("migrate").returncode == 0
    try:
        reference.start()
        known = world.load.offered
        replayed(
            [known.get(digest) or Post(source, body) for digest, source, body in found], reference
        )
    finally:
        reference.stop()
    return url


# Setups.


@contextmanager
def plain(folder: Path, brief: bool, **more: Any) -> Iterator[World]:
    """One receiver on a PostgreSQL of its own."""
    with _serving(folder, **more) as server, _receiving(folder, server.url()) as receiver:
        yield _world(folder, server.url(), [receiver], brief, _server=server)


@contextmanager
def embedded(folder: Path, brief: bool) -> Iterator[World]:
    """One receiver with its own embedded PostgreSQL."""
    data = folder / "receiver 0" / "data"
    with _receiving(folder, None) as receiver:
        url = cluster.start(data, stop_at_exit=False)
        cluster.release(data, stop_if_last=False)
        yield _world(folder, url, [receiver], brief)


@contextmanager
def two_receivers(folder: Path, brief: bool) -> Iterator[World]:
    """Two receivers on one database; senders take turns."""
    with ExitStack() as stack:
        server = stack.enter_context(_serving(folder))
        both = [stack.enter_context(_receiving(folder, server.url(), place)) for place in (0, 1)]
        yield _world(folder, server.url(), both, brief, _server=server)


@contextmanager
def proxied(folder: Path, brief: bool) -> Iterator[World]:
    """A proxy between the receiver and its database."""
    with ExitStack() as stack:
        server = stack.enter_context(_serving(folder))
        proxy = stack.enter_context(proxying(server.port))
        receiver = stack.enter_context(_receiving(folder, server.url(port=proxy.port)))
        yield _world(folder, server.url(), [receiver], brief, _server=server, _proxy=proxy)


@contextmanager
def small_data(folder: Path, brief: bool) -> Iterator[World]:
    """Tables on a small file system, the log of changes elsewhere."""
    with (
        volume(folder / "small", "128m") as place,
        plain(folder, brief, data=place / "pg", wal=folder / "wal") as made,
    ):
        yield made


@contextmanager
def small_wal(folder: Path, brief: bool) -> Iterator[World]:
    """The log of changes on a small file system, tables elsewhere."""
    with volume(folder / "small", "96m") as place, plain(folder, brief, wal=place / "wal") as made:
        yield made


@contextmanager
def with_standby(folder: Path, brief: bool) -> Iterator[World]:
    """A primary that commits when its standby has it, and a receiver that knows both."""
    second = folder / "second"
    second.mkdir()
    with _serving(folder, synchronous_commit="on") as server:
        standby = server.standby(second)
        standby.start()
        try:
            until(lambda: _follows(server), 30, "the standby follows")
            server.execute("ALTER SYSTEM SET synchronous_standby_names = 'standby'")
            server.execute("SELECT pg_reload_conf()")
            both = f"127.0.0.1:{server.port},127.0.0.1:{standby.port}"
            url = f"postgresql://milepost@{both}/milepost?target_session_attrs=read-write"
            with _receiving(folder, url) as receiver:
                yield _world(folder, url, [receiver], brief, _server=server, standby=standby)
        finally:
            standby.stop("immediate")


@contextmanager
def bounced(folder: Path, brief: bool) -> Iterator[World]:
    """PgBouncer, which pools transactions, between the receiver and its database."""
    with ExitStack() as stack:
        server = stack.enter_context(_serving(folder))
        bouncer = Bouncer(folder, server)
        bouncer.start()
        stack.callback(bouncer.stop)
        url = server.url(port=bouncer.port)
        receiver = _receiving(folder, url, MILEPOST_DB_PREPARE="0", DATABASE_ADMIN_URL=server.url())
        receivers = [stack.enter_context(receiver)]
        yield _world(folder, server.url(), receivers, brief, _server=server, bouncer=bouncer)


@contextmanager
def _serving(folder: Path, **more: Any) -> Iterator[Server]:
    server = Server(folder, **more)
    server.make()
    server.start()
    try:
        server.database()
        yield server
    finally:
        server.stop("immediate")


@contextmanager
def _receiving(folder: Path, url: str | None, place: int = 0, **more: str) -> Iterator[Receiver]:
    receiver = Receiver(folder / f"receiver {place}", url, **more)
    try:
        receiver.start()
        yield receiver
    finally:
        receiver.stop()


def _follows(server: Server) -> bool:
    with psycopg.connect(server.url()) as connection:
        return connection.execute("SELECT 1 FROM pg_stat_replication").fetchone() is not None


def _world(folder: Path, url: str, receivers: list[Receiver], brief: bool, **more: Any) -> World:
    load = Load([receiver.url for receiver in receivers])
    return World(folder, url, receivers, load, brief, **more)
