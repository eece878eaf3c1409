"""What the bench compares with does what the receiver does."""

from pathlib import Path
from typing import Any

import psycopg

from tests.bench import pgbench


def test_pgbench_keeps_and_folds_deliveries_as_the_receiver_does(url: str, tmp_path: Path):
    script = tmp_path / "delivery.sql"
    pgbench.prepare(url, 3, script)
    before = _kept(url)
    assert pgbench.rate(url, script, clients=2, seconds=1) > 0
    assert all(was < now for was, now in zip(before, _kept(url), strict=True))


def _kept(url: str) -> tuple[Any, ...]:
    """How many deliveries and events, and when a build was last written."""
    tables = "(SELECT count(*) FROM deliveries), (SELECT count(*) FROM events)"
    written = "(SELECT max(written_at) FROM builds)"
    with psycopg.connect(url) as connection:
        row = connection.execute(f"SELECT {tables}, {written}".encode()).fetchone()
    assert row
    return row
