"""Growth with the number of deliveries: the memory of workers, the size of the database."""

import tempfile
from collections.abc import Iterable
from pathlib import Path

import psycopg

from tests.bench import github
from tests.bench.goals import Goal, at_most
from tests.bench.load import envelopes, run_load, write_requests
from tests.support.forges import SECRETS
from tests.support.receivers import Running, started

FEW, CHUNK = 2_000, 20_000
STORED, STEPS = 3_000, 78  # steps that make a body of 20 kB


def measure(many: int) -> list[Goal]:
    """Measure memory after many deliveries against a few, and bytes stored against bytes sent."""
    with tempfile.TemporaryDirectory() as name:
        return [_memory(Path(name), many), _database_size(Path(name))]


def _memory(folder: Path, deliveries: int) -> Goal:
    with started() as receiver:
        secret = receiver.secrets["milepost"]
        _send_all(receiver, folder, envelopes(FEW, FEW, secret, "first"))
        few = receiver.resident()
        for chunk in range(deliveries // CHUNK):
            _send_all(receiver, folder, envelopes(CHUNK, FEW, secret, f"chunk{chunk}"))
        many = receiver.resident()
    figures = f"{many / 2**20:.1f} and {few / 2**20:.1f} MiB"
    name = f"memory of the workers after {deliveries:,} deliveries / after {FEW:,}"
    return at_most(name, [many / few], 1.05, figures)


def _database_size(folder: Path) -> Goal:
    """Measure tables with indexes and TOAST, after a vacuum."""
    routes = folder / "routes.toml"
    routes.write_text(github.ROUTES)
    bodies = list(github.bodies(STORED // 3, 0, STEPS))
    with started(MILEPOST_ROUTES=str(routes)) as receiver:
        url = receiver.database_url()
        before = _size(url)
        _send_all(receiver, folder, github.posts(bodies, SECRETS["github"]))
        stored, size = (_size(url) - before) / STORED, sum(map(len, bodies)) / STORED
    figures = f"{stored:,.0f} and {size:,.0f} bytes"
    name = "bytes stored for GitHub's bodies of 20 kB, all tables and indexes / their size"
    return at_most(name, [stored / size], 0.6, figures)


def _send_all(receiver: Running, folder: Path, requests: Iterable[bytes]) -> None:
    path = write_requests(folder / "requests", requests)
    result = run_load(receiver.url, path, 600, 16, until_done=True)
    assert (result.refused, result.broken) == (0, 0), result


def _size(url: str) -> int:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM")
        row = connection.execute(
            "SELECT sum(pg_total_relation_size(oid)) FROM pg_class "
            "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        ).fetchone()
    return int(row[0]) if row else 0
