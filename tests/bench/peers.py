"""Other programs with the same deliveries, side by side; they do less, and the table says what.

A plain Flask route inserts the body; Debian's `webhook` (https://github.com/adnanh/webhook) checks
who sent it and runs a program; Buildbot reads it.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import psycopg
import requests

from tests.bench import buildbot, github
from tests.bench.goals import Goal, Table, at_least, print_row
from tests.bench.load import LoadResult, envelopes, run_load, write_requests
from tests.support.forges import SECRETS
from tests.support.receivers import Running, free_port, started

ROUNDS, SECONDS, CONNECTIONS = 3, 6, 16
JOBS, PUSHES, ENVELOPES, BUILDS = 4_000, 4_000, 20_000, 2_000
SECRET = SECRETS["github"]
BEARER = "bearer:a-token-of-the-bench"
SIGNED = {
    "type": "payload-hmac-sha256",
    "secret": SECRET,
    "parameter": {"source": "header", "name": "X-Hub-Signature-256"},
}
TOLD = {
    "type": "value",
    "value": BEARER.replace("bearer:", "Bearer "),
    "parameter": {"source": "header", "name": "Authorization"},
}
HOOKS = [
    {
        "id": name,
        "execute-command": "/bin/true",
        "http-methods": ["POST"],
        "trigger-rule": {"match": rule},
        "trigger-rule-mismatch-http-response-code": 403,
    }
    for name, rule in (("github", SIGNED), ("milepost", TOLD))
]
HEAD = (
    "who",
    "checks the sender",
    "stores",
    "leaves out duplicates",
    "folds",
    "answers after the commit",
    "GitHub's bodies a second, p99",
    "our envelope a second, p99",
)


@dataclass(frozen=True)
class Peer:
    """A program, what it does, and its results for GitHub's bodies and for our envelope."""

    name: str
    does: Sequence[str]  # a cell for each question of the table
    url: str
    github: list[LoadResult] = field(default_factory=list)
    envelope: list[LoadResult] = field(default_factory=list)


def measure() -> list[Goal | Table]:
    """Measure all of them in turns, in rounds."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        routes = folder / "routes.toml"
        routes.write_text(github.ROUTES)
        receiver = stack.enter_context(started(MILEPOST_ROUTES=str(routes)))
        peers = _started(stack, receiver, folder)
        for number in range(ROUNDS):
            _measure_github(peers, folder / "requests", number)
            _measure_envelopes(peers, folder / "requests", number, receiver.secrets["milepost"])
    for peer in peers:
        print_row(f"peer, {peer.name}", f"{_cell(peer.github)}; {_cell(peer.envelope)}")
    rows = [(each.name, *each.does, _cell(each.github), _cell(each.envelope)) for each in peers]
    return [*_goals(*peers[:2]), Table("Peers", HEAD, rows)]


def _started(stack: ExitStack, receiver: Running, folder: Path) -> list[Peer]:
    """Start all of them; return ours first, then the plain route."""
    plain, hook, master = (
        stack.enter_context(each)
        for each in (_plain(receiver), _webhook(folder), _buildbot(folder))
    )
    answer = ("-", "no", "-")
    return [
        Peer("Milepost", ("yes", "all of it", "yes", "into builds", "yes"), receiver.url),
        Peer(
            "a plain Flask route, same gunicorn",
            ("yes", "the body, one row", "no", "no", "yes"),
            plain,
        ),
        Peer(
            "Debian's `webhook`, Go, runs `/bin/true`",
            ("GitHub's signature; of an envelope a token alone", "nothing", *answer),
            hook,
        ),
        Peer(
            "Buildbot's GitHub hook, `workflow_run`",
            ("yes", "nothing, it reads the body", *answer),
            master,
        ),
        Peer(
            "the same, a push",
            ("yes", "the commit, one row in SQLite", "no", "no", "yes"),
            master,
        ),
    ]


def _measure_github(peers: Sequence[Peer], path: Path, number: int) -> None:
    *others, reads, stores = peers
    bodies = list(github.bodies(JOBS, number * JOBS))
    write_requests(path, github.posts(bodies, SECRET))
    for peer in others:
        peer.github.append(_load(peer.url, path))
    assert others[0].github[-1].requests < len(bodies), "some were sent twice"
    write_requests(path, buildbot.posts("workflow_run", bodies, SECRET))
    reads.github.append(_load(reads.url, path))
    write_requests(path, buildbot.posts("push", buildbot.pushes(PUSHES), SECRET))
    stores.github.append(_load(stores.url, path))


def _measure_envelopes(peers: Sequence[Peer], path: Path, number: int, secret: str) -> None:
    ours, plain, hook, *_ = peers
    for peer in (ours, plain, hook):
        proof = BEARER if peer is hook else secret
        write_requests(path, envelopes(ENVELOPES, BUILDS, proof, f"peers{number}"))
        peer.envelope.append(_load(peer.url, path))
    assert ours.envelope[-1].requests < ENVELOPES, "some were sent twice"


def _load(url: str, path: Path) -> LoadResult:
    result = run_load(url, path, SECONDS, CONNECTIONS)
    assert (result.refused, result.broken) == (0, 0), (url, result)
    return result


def _goals(ours: Peer, plain: Peer) -> list[Goal]:
    """Return the goal of GitHub's bodies."""
    pairs = zip(ours.github, plain.github, strict=True)
    name = "GitHub's `workflow_job` bodies / a plain Flask route that inserts one row"
    ratios = [one.rate / other.rate for one, other in pairs]
    figures = " and ".join(
        f"{median(each.rate for each in peer.github):,.0f}" for peer in (ours, plain)
    )
    return [at_least(name, ratios, 0.5, f"{figures} a second")]


def _cell(results: Sequence[LoadResult]) -> str:
    if not results:
        return "-"
    rate, tail = (median(each) for each in zip(*((r.rate, r.p99) for r in results), strict=True))
    return f"{rate:,.0f}, {tail:.0f} ms"


@contextmanager
def _plain(receiver: Running) -> Iterator[str]:
    database_url = receiver.database_url()
    with psycopg.connect(database_url) as connection:
        connection.execute("CREATE TABLE plain (id BIGSERIAL PRIMARY KEY, body BYTEA NOT NULL)")
    address = f"127.0.0.1:{free_port()}"
    settings = {
        "PLAIN_GITHUB": SECRET,
        "PLAIN_MILEPOST": receiver.secrets["milepost"],
        "PLAIN_DATABASE_URL": database_url,
    }
    command = [
        *(sys.executable, "-m", "gunicorn", "--worker-class=gthread", "--workers=2"),
        *("--threads=8", f"--bind={address}", "--log-level=warning", "tests.bench.plain_flask:app"),
    ]
    with _running(command, f"http://{address}", settings) as url:
        yield url


@contextmanager
def _webhook(folder: Path) -> Iterator[str]:
    hooks = folder / "hooks.json"
    hooks.write_text(json.dumps(HOOKS))
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
