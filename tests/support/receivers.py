"""A receiver as it runs: `milepost serve` on a port and a data directory of its own."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import psutil
import requests

from tests.support.forges import SECRETS
from tests.support.senders import proof, sign

BIN = Path(sys.executable).parent
MILEPOST = BIN / "milepost"
PORTS = range(20_000, 32_000)
_places = count(os.getpid() * 997)


@dataclass
class Running:
    """A receiver that listens, and the secrets that it printed."""

    url: str
    secrets: dict[str, str]
    process: subprocess.Popen[str]
    environment: dict[str, str]
    log: list[str] = field(default_factory=list)  # its output since, errors too

    def connect(self, timeout: float | None = None) -> socket.socket:
        """Return a bare connection."""
        return socket.create_connection(("127.0.0.1", int(self.url.rsplit(":", 1)[1])), timeout)

    def post(self, document: dict[str, Any], **more: Any) -> requests.Response:
        """Post a signed envelope."""
        body = orjson.dumps(document)
        return self._post("milepost", body, sign(body, self.secrets["milepost"], **more))

    def post_as(self, source: str, body: bytes, **headers: str) -> requests.Response:
        """Post a body as a source's sender would."""
        return self._post(source, body, proof(source, self.secrets[source], body) | headers)

    def _post(self, source: str, body: bytes, headers: dict[str, str]) -> requests.Response:
        headers = {"Content-Type": "application/json"} | headers
        return requests.post(f"{self.url}/webhooks/{source}", body, headers=headers, timeout=30)

    def build(self, number: str) -> dict[str, Any]:
        """Return a build as the API shows it; ask again while a worker has no database."""
        for _ in range(60):
            answer = requests.get(f"{self.url}/api/v1/builds/{number}", timeout=30)
            if answer.status_code != 503:
                break
            threading.Event().wait(0.5)
        document: dict[str, Any] = answer.json()
        return document

    def get(self, path: str) -> str:
        """Return a page, as a browser asks for it."""
        return requests.get(self.url + path, headers={"Accept": "text/html"}, timeout=30).text

    def token(self, scope: str) -> str:
        """Return a new token for pages and API."""
        name = f"{scope}-{uuid4().hex}"
        return self.run("token", "create", "--name", name, "--scope", scope).stdout.strip()

    def resident(self) -> int:
        """Return the bytes of memory that its workers hold."""
        workers = psutil.Process(self.process.pid).children()
        return sum(worker.memory_info().rss for worker in workers)

    def database_url(self) -> str:
        """Return the URL that `milepost db url` prints."""
        return self.run("db", "url").stdout.strip()

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a milepost command with the settings of this receiver."""
        return subprocess.run(
            [MILEPOST, *arguments],
            env=self.environment,
            text=True,
            capture_output=True,
            check=False,
        )


@contextmanager
def started(database_url: str | None = None, **settings: str) -> Iterator[Running]:
    """Start a receiver, wait until it is ready, stop it, and remove its data.

    `database_url` is of a migrated server; without one the receiver has an embedded server.
    `settings` are further variables.
    """
    folder = Path(tempfile.mkdtemp(prefix="milepost-run-"))
    folder.chmod(0o755)
    environment = {
        "PATH": "/usr/sbin:/usr/bin:/bin",
        "MILEPOST_DATA_DIR": str(folder / "my data"),
        **{f"MILEPOST_SECRET_{source.upper()}": secret for source, secret in SECRETS.items()},
        **settings,
    }
    if database_url:
        environment["DATABASE_URL"] = database_url
    port = free_port()
    process = subprocess.Popen(
        [MILEPOST, "serve", "--local", "--bind", f"127.0.0.1:{port}"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    secrets = _secrets(process) | SECRETS
    lines: list[str] = []
    reader = threading.Thread(target=_drain, args=[process, lines])
    reader.start()
    try:
        running = Running(f"http://127.0.0.1:{port}", secrets, process, environment, lines)
        _wait_until_ready(running.url)
        yield running
    finally:
        process.send_signal(signal.SIGINT)  # at once: SIGTERM waits for load balancers first
        code = process.wait(30)
        reader.join()
        shutil.rmtree(folder)
    assert code == 0, code


def _secrets(process: subprocess.Popen[str]) -> dict[str, str]:
    """Return the secrets of the greeting."""
    assert process.stdout is not None
    secrets: dict[str, str] = {}
    for line in process.stdout:
        if match := re.search(r"export MILEPOST_SECRET=(\S+)", line):
            secrets["milepost"] = match[1]
        if match := re.search(r"Authorization: Bearer ([^']+)", line):
            secrets["packer"] = f"bearer:{match[1]}"
            break
    return secrets


def _drain(process: subprocess.Popen[str], lines: list[str]) -> None:
    """Read the log to its end, so that the pipe never fills."""
    assert process.stdout is not None
    with process.stdout as log:
        lines.extend(log)


def free_port() -> int:
    """Return a port that no process listens on, and that this run does not use again.

    It is below the ports that Linux gives to clients, from 32768 on: such a one may be another
    process's before its server listens. Test processes begin far from each other.
    """
    for _ in PORTS:
        port = PORTS[next(_places) % len(PORTS)]
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError(f"no port of {PORTS} is free")


def _wait_until_ready(url: str) -> None:
    for _ in range(300):
        try:
            if requests.get(f"{url}/readyz", timeout=5).status_code == 200:
                return
        except requests.RequestException:  # it does not listen, or a busy machine lets it wait
            pass
        threading.Event().wait(0.1)
    raise AssertionError("the receiver does not get ready")
