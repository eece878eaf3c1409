"""F3 to F8, F13, F14, F17, F18, F23: the database ends, fills up, is locked, is another."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psycopg

from tests.torture.machine import Server, fill, pause, until
from tests.torture.systems import (
    Fault,
    World,
    bounced,
    embedded,
    plain,
    small_data,
    small_wal,
    with_standby,
)

FEW = 30


@contextmanager
def few(folder: Path, brief: bool) -> Iterator[World]:
    """A server with few places, and none of them kept for superusers."""
    settings = {"max_connections": str(FEW), "superuser_reserved_connections": "0"}
    with plain(folder, brief, **settings) as world:
        yield world


def kill_postmaster(world: World) -> None:
    """kill -9 of the postmaster; five seconds later somebody starts it."""
    world.server.kill()
    _away(world)
    pause(2 if world.brief else 5)
    world.server.start()


def kill_embedded_postmaster(world: World) -> None:
    """kill -9 of the embedded postmaster; the workers start it again."""
    for _ in range(1 if world.brief else 3):
        os.kill(_embedded(world), signal.SIGKILL)
        world.heal()
        until(lambda: world.receiver.answers("/readyz") == 200, 60, "it is started again")
        pause(1)


def kill_backend(world: World) -> None:
    """kill -9 of one of its processes in the midst of work: PostgreSQL ends all of them."""
    for _ in range(1 if world.brief else 3):
        os.kill(world.server.backends()[0], signal.SIGKILL)
        until(lambda: world.server.backends(), 30, "PostgreSQL recovers")
        world.heal()
        pause(2)


def restart(world: World) -> None:
    """Restarts, fast and immediate by turns."""
    for turn in range(2 if world.brief else 20):
        world.server.stop("immediate" if turn % 2 else "fast")
        world.server.start()
        world.heal()
        pause(1)


def be_away(world: World) -> None:
    """Forty seconds without a database, and two minutes."""
    for seconds in (40, 120):
        world.server.stop()
        _away(world)
        pause(seconds)
        world.server.start()
        world.heal()
        pause(5)


def fill_data(world: World) -> None:
    """No space for tables."""
    ballast = fill(world.server.data.parent)
    until(lambda: _refused(world), 30, "a full disk is 503")
    pause(3)
    ballast.unlink()


def fill_wal(world: World) -> None:
    """No space for the log of changes: PostgreSQL panics, and is started again with space."""
    ballast = fill(Path(os.path.realpath(world.server.data / "pg_wal")).parent)
    until(lambda: _refused(world), 60, "a full log is 503")
    pause(3)
    ballast.unlink()
    if not _runs(world.server):
        world.server.start()


def lock(world: World) -> None:
    """Somebody locks a table for ten seconds: the pool is used up."""
    with psycopg.connect(world.url) as connection:
        connection.execute("LOCK TABLE builds IN ACCESS EXCLUSIVE MODE")
        pause(4 if world.brief else 10)
        connection.commit()


def use_up_connections(world: World) -> None:
    """Others hold every connection, and the receiver loses its own."""
    with ExitStack() as stack:
        boss = stack.enter_context(psycopg.connect(world.url, autocommit=True))
        for _ in range(2 * FEW):
            boss.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> "
                "pg_backend_pid() AND application_name <> 'hog' AND usename = 'milepost'"
            )
            with suppress(psycopg.OperationalError):
                url = f"{world.url}?application_name=hog"
                stack.enter_context(psycopg.connect(url, autocommit=True))
        until(lambda: _refused(world), 20, "no connection is 503")
        pause(2)


def demote(world: World) -> None:
    """The primary becomes read-only under its sessions, and the standby becomes the primary."""
    assert world.standby
    world.server.execute("ALTER SYSTEM SET default_transaction_read_only = on")
    world.server.execute("SELECT pg_reload_conf()")
    pause(1)
    world.standby.promote()


def fail_over(world: World) -> None:
    """kill -9 of the primary, promote; the old one comes back as one that nobody may write to."""
    assert world.standby
    world.server.kill()
    pause(1)
    world.standby.promote()
    world.heal()
    world.server.settings["default_transaction_read_only"] = "on"
    world.server.start()
    pause(4)


def restart_bouncer(world: World) -> None:
    """PgBouncer is killed and started again, then the server behind it."""
    assert world.bouncer
    world.bouncer.kill()
    until(lambda: _refused(world), 20, "no PgBouncer is 503")
    world.bouncer.start()
    world.heal()
    pause(3)
    world.server.stop("immediate")
    world.server.start()
    world.heal()
    pause(3)
    done = world.receiver.run("prune", "--older-than", "1d")
    world.expect(done.returncode == 0, f"milepost prune: {done.stderr}")


def rebuild(world: World) -> None:
    """REINDEX and VACUUM FULL, each of which locks the inbox."""
    with psycopg.connect(world.url) as connection:
        connection.execute("REINDEX TABLE deliveries")
        pause(4)
        connection.commit()
    world.server.execute("VACUUM FULL deliveries")
    world.server.execute("VACUUM FULL builds")


def prune(world: World) -> None:
    """`milepost prune` under load, with a short memory: bodies go, facts stay."""
    for _ in range(2 if world.brief else 5):
        done = world.receiver.run("prune", "--older-than", "1s")
        world.expect(done.returncode == 0, f"milepost prune: {done.stderr}")
        pause(1)


def _away(world: World) -> None:
    """What is promised of a database that is away: three answers, each soon."""
    began = time.monotonic()
    until(lambda: world.receiver.answers("/readyz") == 503, 15, "/readyz is 503")
    world.expect(time.monotonic() - began < 15, "/readyz says it soon")
    world.expect(world.receiver.told("/readyz").get("database"), "/readyz says why")
    world.expect(world.receiver.answers("/livez") == 200, "/livez is 200")


def _refused(world: World) -> bool:
    """Whether the newest answers are 503."""
    newest = [each.answer for each in world.load.tries[-8:] if each.answer]
    return newest.count(503) >= 3


def _embedded(world: World) -> int:
    with psycopg.connect(world.url) as connection:
        found = connection.execute("SHOW data_directory").fetchone()
    assert found
    return int(Path(found[0], "postmaster.pid").read_text().split()[0])


def _runs(server: Server) -> bool:
    with suppress(psycopg.OperationalError, OSError):
        psycopg.connect(server.url(), connect_timeout=3).close()
        return True
    return False


FAULTS = [
    Fault("F3", "kill -9 of the postmaster, 5 s", kill_postmaster, plain),
    Fault("F3e", "the same, embedded", kill_embedded_postmaster, embedded),
    Fault("F4", "kill -9 of a backend", kill_backend, plain),
    Fault("F5", "restarts, fast and immediate", restart, plain),
    Fault("F6", "40 s and 120 s away", be_away, plain),
    Fault("F7", "disk of the tables full", fill_data, small_data),
    Fault("F8", "disk of the log (WAL) full", fill_wal, small_wal),
    Fault("F13", "a table locked for 10 s", lock, plain),
    Fault("F14", "max_connections reached", use_up_connections, few),
    Fault("F17", "demoted primary, standby promoted", demote, with_standby),
    Fault("F17k", "primary killed, standby promoted", fail_over, with_standby),
    Fault("F18", "PgBouncer and its server restarted", restart_bouncer, bounced),
    Fault("F23", "REINDEX, VACUUM FULL", rebuild, plain),
    Fault("F28", "milepost prune under load", prune, plain),
]
