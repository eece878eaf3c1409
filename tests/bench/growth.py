"""What grows with deliveries: a worker's memory, and the database."""

import tempfile
from collections.abc import Iterable
from pathlib import Path

import psycopg

from tests.bench import github
from tests.bench.goals import Goal, at_most
from tests.bench.load import envelopes, sent, written
from tests.support.receivers import FORGES, Running, started

FEW, MANY, PIECE = 2_000, 200_000, 20_000
STORED, STEPS = 3_000, 78  # steps that make a body of 20 kB


def measure() -> list[Goal]:
    """Memory after many deliveries against a few; bytes kept against bytes sent."""
    with tempfile.TemporaryDirectory() as name:
        return [_memory(Path(name)), _bytes(Path(name))]


def _memory(folder: Path) -> Goal:
    with started() as receiver:
        secret = receiver.secrets["milepost"]
        _all(receiver, folder, envelopes(FEW, FEW, secret, "first"))
        few = receiver.resident()
        for piece in range(MANY // PIECE):
            _all(receiver, folder, envelopes(PIECE, FEW, secret, f"piece{piece}"))
        many = receiver.resident()
    shown = f"{few / 2**20:.1f} → {many / 2**20:.1f} MiB in all workers"
    return at_most(f"memory after {MANY:,} / {FEW:,} deliveries", [many / few], 1.05, shown)


def _bytes(folder: Path) -> Goal:
    """Everything: tables, indexes, and what TOAST keeps, after a vacuum."""
    routes = folder / "routes.toml"
    routes.write_text(github.ROUTES)
    bodies = list(github.bodies(STORED // 3, 0, STEPS))
    with started(MILEPOST_ROUTES=str(routes)) as receiver:
        url = receiver.database_url()
        before = _size(url)
        _all(receiver, folder, github.posts(bodies, FORGES["github"]))
        kept, size = (_size(url) - before) / STORED, sum(map(len, bodies)) / STORED
    shown = f"{kept:,.0f} bytes kept of a body of {size:,.0f}"
    return at_most("bytes stored / body size, GitHub", [kept / size], 1.5, shown)


def _all(receiver: Running, folder: Path, requests: Iterable[bytes]) -> None:
    path = written(folder / "requests", requests)
    seen = sent(receiver.url, path, 600, 16, until_done=True)
    assert (seen.refused, seen.broken) == (0, 0), seen


def _size(url: str) -> int:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM")
        row = connection.execute(
            "SELECT sum(pg_total_relation_size(oid)) FROM pg_class "
            "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        ).fetchone()
    return int(row[0]) if row else 0
