"""What the bench compares with does what the receiver does, and its tables say what was met."""

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.bench import pgbench, report
from tests.bench.goals import Goal, Table, at_least, at_most


def test_pgbench_keeps_and_folds_deliveries_as_the_receiver_does(url: str, tmp_path: Path):
    script = tmp_path / "delivery.sql"
    pgbench.prepare(url, 3, script)
    before = _kept(url)
    assert pgbench.rate(url, script, clients=2, seconds=1) > 0
    assert all(was < now for was, now in zip(before, _kept(url), strict=True))


def test_the_report_tells_both_sides_of_a_ratio_and_whether_its_goal_is_met(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    results: list[Goal | Table] = [
        at_least("deliveries / pgbench", [0.1, 0.9, 0.95], 0.9, "9 and 10 a second"),
        at_most("p99 / p50", [2, 5, 6], 4, "1 → 5 ms"),
        Table("Peers", ("who", "rate"), [("ours", "9")]),
    ]
    text = report.write(results, {"ingest": 90})
    assert "| deliveries | pgbench | 0.9 | ≥ 0.9 | 9 and 10 a second |\n" in text
    assert "| p99 | p50 | **5** | ≤ 4 | 1 → 5 ms |\n" in text
    assert text.endswith("## Peers\n\n| who | rate |\n| --- | --- |\n| ours | 9 |\n")
    assert text == report.TABLES.read_text(encoding="utf-8")
    goals = json.loads(report.RESULT.read_text())["goals"]
    assert [each["met"] for each in goals] == [True, False]


def _kept(url: str) -> tuple[Any, ...]:
    """How many deliveries and events, and when a build was last written."""
    tables = "(SELECT count(*) FROM deliveries), (SELECT count(*) FROM events)"
    written = "(SELECT max(written_at) FROM builds)"
    with psycopg.connect(url) as connection:
        row = connection.execute(f"SELECT {tables}, {written}".encode()).fetchone()
    assert row
    return row
