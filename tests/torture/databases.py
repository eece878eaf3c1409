"""F3 to F8, F13, F14, F17, F18, F23, F28: the database ends, is full, is locked, is replaced."""

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
    System,
    bounced,
    embedded,
    plain,
    small_data,
    small_wal,
    with_standby,
)

MAX_CONNECTIONS = 30


@contextmanager
def few_connections(folder: Path, brief: bool) -> Iterator[System]:
    """Yield a server with few connections, none of them reserved for superusers."""
    settings = {"max_connections": str(MAX_CONNECTIONS), "superuser_reserved_connections": "0"}
    with plain(folder, brief, **settings) as system:
        yield system


def kill_postmaster(system: System) -> None:
    """Kill the postmaster by kill -9; start it five seconds later."""
    system.server.kill()
    _expect_unavailable(system)
    pause(2 if system.brief else 5)
    system.server.start()


def kill_embedded_postmaster(system: System) -> None:
    """Kill the embedded postmaster by kill -9; the workers start it again."""
    for _ in range(1 if system.brief else 3):
        os.kill(_embedded_pid(system), signal.SIGKILL)
        system.heal()
        until(lambda: system.receiver.status("/readyz") == 200, 60, "it is started again")
        pause(1)


def kill_backend(system: System) -> None:
    """Kill one working backend by kill -9: PostgreSQL ends all of them."""
    for _ in range(1 if system.brief else 3):
        os.kill(system.server.backends()[0], signal.SIGKILL)
        until(lambda: system.server.backends(), 30, "PostgreSQL recovers")
        system.heal()
        pause(2)


def restart(system: System) -> None:
    """Restart, fast and immediate in turns."""
    for turn in range(2 if system.brief else 20):
        system.server.stop("immediate" if turn % 2 else "fast")
        system.server.start()
        system.heal()
        pause(1)


def stop_for_long(system: System) -> None:
    """Stop the database for forty seconds, and for two minutes."""
    for seconds in (40, 120):
        system.server.stop()
        _expect_unavailable(system)
        pause(seconds)
        system.server.start()
        system.heal()
        pause(5)


def fill_data(system: System) -> None:
    """Fill the disk of the tables."""
    ballast = fill(system.server.data.parent)
    until(lambda: _is_refusing(system), 30, "a full disk is 503")
    pause(3)
    ballast.unlink()


def fill_wal(system: System) -> None:
    """Fill the disk of the WAL: PostgreSQL panics, and is started again with space."""
    ballast = fill(Path(os.path.realpath(system.server.data / "pg_wal")).parent)
    until(lambda: _is_refusing(system), 60, "a full log is 503")
    pause(3)
    ballast.unlink()
    if not _is_running(system.server):
        system.server.start()


def lock(system: System) -> None:
    """Lock a table for ten seconds: the pool is used up."""
    with psycopg.connect(system.url) as connection:
        connection.execute("LOCK TABLE builds IN ACCESS EXCLUSIVE MODE")
        pause(4 if system.brief else 10)
        connection.commit()


def use_up_connections(system: System) -> None:
    """Open every connection elsewhere, and end those of the receiver."""
    with ExitStack() as stack:
        admin = stack.enter_context(psycopg.connect(system.url, autocommit=True))
        for _ in range(2 * MAX_CONNECTIONS):
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> "
                "pg_backend_pid() AND application_name <> 'hog' AND usename = 'milepost'"
            )
            with suppress(psycopg.OperationalError):
                url = f"{system.url}?application_name=hog"
                stack.enter_context(psycopg.connect(url, autocommit=True))
        until(lambda: _is_refusing(system), 20, "no connection is 503")
        pause(2)


def demote(system: System) -> None:
    """Make the primary read-only under its sessions, and the standby the primary."""
    assert system.standby
    system.server.execute("ALTER SYSTEM SET default_transaction_read_only = on")
    system.server.execute("SELECT pg_reload_conf()")
    pause(1)
    system.standby.promote()


def fail_over(system: System) -> None:
    """Kill the primary by kill -9, promote the standby; the old one comes back read-only."""
    assert system.standby
    system.server.kill()
    pause(1)
    system.standby.promote()
    system.heal()
    system.server.settings["default_transaction_read_only"] = "on"
    system.server.start()
    pause(4)


def restart_bouncer(system: System) -> None:
    """Kill and start PgBouncer, then restart the server behind it."""
    assert system.bouncer
    system.bouncer.kill()
    until(lambda: _is_refusing(system), 20, "no PgBouncer is 503")
    system.bouncer.start()
    system.heal()
    pause(3)
    system.server.stop("immediate")
    system.server.start()
    system.heal()
    pause(3)
    done = system.receiver.run("prune", "--older-than", "1d")
    system.expect(done.returncode == 0, f"milepost prune: {done.stderr}")


def rebuild(system: System) -> None:
    """Run REINDEX and VACUUM FULL, each of which locks the inbox."""
    with psycopg.connect(system.url) as connection:
        connection.execute("REINDEX TABLE deliveries")
        pause(4)
        connection.commit()
    system.server.execute("VACUUM FULL deliveries")
    system.server.execute("VACUUM FULL builds")


def prune(system: System) -> None:
    """Run `milepost prune` under load: it removes bodies and keeps events."""
    for _ in range(2 if system.brief else 5):
        done = system.receiver.run("prune", "--older-than", "1s")
        system.expect(done.returncode == 0, f"milepost prune: {done.stderr}")
        pause(1)


def _expect_unavailable(system: System) -> None:
    """Expect the three answers of the probes without a database, in time."""
    began = time.monotonic()
    until(lambda: system.receiver.status("/readyz") == 503, 15, "/readyz is 503")
    system.expect(time.monotonic() - began < 15, "/readyz is 503 in time")
    system.expect(system.receiver.json("/readyz").get("database"), "/readyz names the database")
    system.expect(system.receiver.status("/livez") == 200, "/livez is 200")


def _is_refusing(system: System) -> bool:
    """Return whether the newest answers are 503."""
    newest = [each.answer for each in system.load.tries[-8:] if each.answer]
    return newest.count(503) >= 3


def _embedded_pid(system: System) -> int:
    with psycopg.connect(system.url) as connection:
        row = connection.execute("SHOW data_directory").fetchone()
    assert row
    return int(Path(row[0], "postmaster.pid").read_text().split()[0])


def _is_running(server: Server) -> bool:
    with suppress(psycopg.OperationalError, OSError):
        psycopg.connect(server.url(), connect_timeout=3).close()
        return True
    return False


FAULTS = [
    Fault("F3", "kill -9 of the postmaster, 5 s", kill_postmaster, plain),
    Fault("F3e", "the same, embedded", kill_embedded_postmaster, embedded),
    Fault("F4", "kill -9 of a backend", kill_backend, plain),
    Fault("F5", "restarts, fast and immediate", restart, plain),
    Fault("F6", "40 s and 120 s away", stop_for_long, plain),
    Fault("F7", "disk of the tables full", fill_data, small_data),
    Fault("F8", "disk of the log (WAL) full", fill_wal, small_wal),
    Fault("F13", "a table locked for 10 s", lock, plain),
    Fault("F14", "max_connections reached", use_up_connections, few_connections),
    Fault("F17", "demoted primary, standby promoted", demote, with_standby),
    Fault("F17k", "primary killed, standby promoted", fail_over, with_standby),
    Fault("F18", "PgBouncer and its server restarted", restart_bouncer, bounced),
    Fault("F23", "REINDEX, VACUUM FULL", rebuild, plain),
    Fault("F28", "milepost prune under load", prune, plain),
]
