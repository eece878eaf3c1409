"""What others do with the same GitHub deliveries; they do less, and the table says what.

Debian's `webhook` (https://github.com/adnanh/webhook) checks the signature and answers; a plain
Flask route inserts the body too; Buildbot reads it. None of them knows a duplicate or keeps
anything of a build.
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
from tests.bench.goals import Goal, told
from tests.bench.load import sent, written
from tests.support.receivers import FORGES, free_port, started

JOBS, PUSHES, SECONDS, CONNECTIONS = 4_000, 4_000, 6, 16
SECRET = FORGES["github"]
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
    """One row each, without a goal; ours beside them."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        routes = folder / "routes.toml"
        routes.write_text(github.ROUTES)
        path = written(folder / "requests", github.posts(github.bodies(JOBS, 0), SECRET))
        with started(MILEPOST_ROUTES=str(routes)) as receiver:
            _tell("ours: kept, parsed, folded into builds", receiver.url, path)
            with _plain(receiver.database_url()) as url:
                _tell("plain Flask: signature, body as one row", url, path)
        with _webhook(folder) as url:
            _tell("webhook: signature, runs /bin/true", url, path)
        with _buildbot(folder) as url:
            bodies = buildbot.posts("workflow_run", github.bodies(JOBS, 0), SECRET)
            _tell("Buildbot: signature, JSON", url, written(path, bodies))
            commits = buildbot.posts("push", buildbot.pushes(PUSHES), SECRET)
            _tell("Buildbot: a push's commit as one row", url, written(path, commits))
    return []


def _tell(name: str, url: str, path: Path) -> None:
    seen = sent(url, path, SECONDS, CONNECTIONS)
    told(
        f"peer, {name}", f"{seen.rate:.0f} a second, p99 {seen.p99:.0f} ms, {seen.refused} refused"
    )


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
