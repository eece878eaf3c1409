"""PgBouncer between a receiver and its database, to be killed and started."""

import os
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

from tests.support.receivers import free_port
from tests.torture.machine import NotRun, Server


class PgBouncer:
    """PgBouncer in front of a server, as the server's user: it refuses to run as root."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.port, self._user = free_port(), server.user
        self._process: subprocess.Popen[bytes] | None = None
        self._settings = folder / "pgbouncer.ini"
        self._settings.write_text(
            f"[databases]\nmilepost = host=127.0.0.1 port={server.port} user=milepost\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {self.port}\n"
            "auth_type = any\npool_mode = transaction\nunix_socket_dir =\n"
            "max_client_conn = 200\ndefault_pool_size = 6\nserver_login_retry = 1\n"
        )

    def start(self) -> None:
        """Start it in the foreground; raise NotRun if it is not installed."""
        program = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin")
        if not program:
            raise NotRun("there is no pgbouncer: tests/support/system-packages.sh pgbouncer")
        command = [program, "-q", str(self._settings)]
        root = os.geteuid() == 0
        self._process = subprocess.Popen(
            command,
            user=self._user.uid if root else None,
            group=self._user.gid if root else None,
            stderr=subprocess.DEVNULL,
        )

    def kill(self) -> None:
        """End it by kill -9."""
        assert self._process
        self._process.kill()
        self._process.wait(10)

    def stop(self) -> None:
        """End it if it runs."""
        assert self._process
        with suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait(10)
