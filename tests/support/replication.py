"""Two PostgreSQL of the embedded binaries, one the synchronous standby of the other."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg

from tests.support.waiting import wait_until
from tests.torture.machine import ROLE, Server

STANDBY = "standby"  # the name by which the primary knows it
SETTINGS = {
    "fsync": "off",  # no test cuts the machine's power
    "max_connections": "50",
    "shared_buffers": "32MB",
    "wal_receiver_timeout": "5s",
    "wal_retrieve_retry_interval": "100ms",
}


class Pair:
    """A primary and its standby; after `fail_over` the standby is the primary, alone."""

    def __init__(self, folder: Path, **settings: str) -> None:
        (folder / "one").mkdir(mode=0o755)
        (folder / "two").mkdir(mode=0o755)
        self.primary = Server(folder / "one", None, None, **SETTINGS | settings)
        self.primary.make()
        self.primary.start()
        self.primary.database()
        self.standby = self.primary.standby(folder / "two")
        self.standby.start()

    def must_confirm(self, commit: str = "on") -> None:
        """Let every commit wait for the standby; `commit` is synchronous_commit, which the standby
        gets too."""
        self.alter(self.primary, "synchronous_commit", commit)
        self.alter(self.primary, "synchronous_standby_names", STANDBY)
        wait_until(lambda: self.ask("SELECT sync_state FROM pg_stat_replication") == ["sync"])

    def alter(self, server: Server, name: str, value: str) -> None:
        """Change a setting of a server that runs."""
        with psycopg.connect(server.url(), autocommit=True) as connection:
            connection.execute(f"ALTER SYSTEM SET {name} = '{value}'".encode())
            connection.execute("SELECT pg_reload_conf()")

    def url(self, attributes: str = "read-write", **more: str) -> str:
        """Return the URL that names both servers."""
        hosts = f"127.0.0.1:{self.primary.port},127.0.0.1:{self.standby.port}"
        rest = "".join(f"&{name}={value}" for name, value in more.items())
        return f"postgresql://{ROLE}@{hosts}/{ROLE}?target_session_attrs={attributes}{rest}"

    def ask(self, question: str, server: Server | None = None) -> list[Any]:
        """Return the first column of the answer of a server, by default the primary's."""
        with psycopg.connect((server or self.primary).url(), autocommit=True) as connection:
            return [value for value, *_ in connection.execute(question.encode()).fetchall()]

    def hanging(self) -> int:
        """Return how many backends of the primary wait for the standby since half a second."""
        question = """
            SELECT count(*) FROM pg_stat_activity
            WHERE wait_event = 'SyncRep' AND clock_timestamp() - query_start > interval '0.5 s'
        """
        return int(self.ask(question)[0])

    def catch_up(self) -> None:
        """Wait until the standby shows all that the primary has."""
        wrote = self.ask("SELECT pg_current_wal_flush_lsn()::text")[0]
        shows = f"SELECT pg_last_wal_replay_lsn() >= '{wrote}'::pg_lsn"
        wait_until(lambda: self.ask(shows, self.standby) == [True])

    def fail_over(self) -> None:
        """Kill the primary, and make the standby the primary."""
        crash(self.primary)
        self.standby.promote()


def stop(server: Server) -> None:
    """Let every process of a server hang; crash() ends them."""
    for process in _processes(server):
        with suppress(psutil.NoSuchProcess):
            process.suspend()


def _processes(server: Server) -> list[psutil.Process]:
    main = psutil.Process(server.pid())
    return [main, *main.children(recursive=True)]


def crash(server: Server) -> None:
    """Kill every process of a server by kill -9."""
    processes = _processes(server)
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(processes, timeout=10)


@contextmanager
def replicated(**settings: str) -> Iterator[Pair]:
    """Yield a pair that replicates asynchronously, with Milepost's schema; `settings` are of both
    servers."""
    folder = Path(tempfile.mkdtemp(prefix="milepost-pair-"))
    folder.chmod(0o755)
    pair = Pair(folder, **settings)
    try:
        yield pair
    finally:
        for server in (pair.standby, pair.primary):
            server.stop("immediate")
        shutil.rmtree(folder, ignore_errors=True)
