"""Other programs with the same GitHub deliveries; they do less, and the table says what.

Debian's `webhook` (https://github.com/adnanh/webhook) checks the signature and answers; a plain
Flask route inserts the body too; Buildbot reads it. None of them recognises a duplicate or stores
the state of a build.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg
import requests

from tests.bench import buildbot, github
from tests.bench.goals import Goal, print_row
from tests.bench.load import run_load, write_requests
from tests.support.forges import SECRETS
from tests.support.receivers import free_port, started

JOBS, PUSHES, SECONDS, CONNECTIONS = 4_000, 4_000, 6, 16
SECRET = SECRETS["github"]
HOOK = {
    "id": "github",
    "execute-command": "/bin/true",
    "http-methods": ["POST"],
    "trigger-rule": {
        "match": {
            "type": "payload-hmac-sha256",
            "secret": SECRET,
            "parameter": {"source": "header", "name": "X-Hub-Signature-256"},
        }
    },
}


def measure() -> list[Goal]:
    """Print a row for each program and one for ours, without a goal."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        routes = folder / "routes.toml"
        routes.write_text(github.ROUTES)
        path = write_requests(folder / "requests", github.posts(github.bodies(JOBS, 0), SECRET))
        with started(MILEPOST_ROUTES=str(routes)) as receiver:
            _measure("ours: kept, parsed, folded into builds", receiver.url, path)
            with _plain(receiver.database_url()) as url:
                _measure("plain Flask: signature, body as one row", url, path)
        with _webhook(folder) as url:
            _measure("webhook: signature, runs /bin/true", url, path)
        with _buildbot(folder) as url:
            bodies = buildbot.posts("workflow_run", github.bodies(JOBS, 0), SECRET)
            _measure("Buildbot: signature, JSON", url, write_requests(path, bodies))
            commits = buildbot.posts("push", buildbot.pushes(PUSHES), SECRET)
            _measure("Buildbot: a push's commit as one row", url, write_requests(path, commits))
    return []


def _measure(name: str, url: str, path: Path) -> None:
    result = run_load(url, path, SECONDS, CONNECTIONS)
    figures = f"{result.rate:.0f} a second, p99 {result.p99:.0f} ms, {result.refused} refused"
    print_row(f"peer, {name}", figures)


@contextmanager
def _plain(database_url: str) -> Iterator[str]:
    with psycopg.connect(database_url) as connection:
        connection.execute("CREATE TABLE plain (id BIGSERIAL PRIMARY KEY, body BYTEA NOT NULL)")
    address = f"127.0.0.1:{free_port()}"
    settings = {"PLAIN_SECRET": SECRET, "PLAIN_DATABASE_URL": database_url}
    command = [
        *(sys.executable, "-m", "gunicorn", "--worker-class=gthread", "--workers=2"),
        *("--threads=8", f"--bind={address}", "--log-level=warning", "tests.bench.plain_flask:app"),
    ]
    with _running(command, f"http://{address}", settings) as url:
        yield url


@contextmanager
def _webhook(folder: Path) -> Iterator[str]:
    hooks = folder / "hooks.json"
    hooks.write_text(json.dumps([HOOK]))
    port = free_port()
    command = ["webhook", "-hooks", str(hooks), "-ip", "127.0.0.1", "-port", str(port)]
    with _running([*command, "-urlprefix", "webhooks"], f"http://127.0.0.1:{port}", {}) as url:
        yield url


@contextmanager
def _buildbot(folder: Path) -> Iterator[str]:
    port = free_port()
    command = buildbot.command(folder / "buildbot", port, SECRET)
    with _running(command, f"http://127.0.0.1:{port}", {}, folder / "buildbot") as url:
        yield url


@contextmanager
def _running(
    command: Sequence[str], url: str, settings: dict[str, str], folder: Path | None = None
) -> Iterator[str]:
    process = subprocess.Popen(
        command,
        env=os.environ | settings,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(url)
        yield url
    finally:
        process.terminate()
        process.wait(30)


def _wait(url: str) -> None:
    for _ in range(300):
        try:
            requests.get(url, timeout=5)
        except requests.ConnectionError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"nothing listens at {url}")
