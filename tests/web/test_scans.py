"""No page and no list reads a whole table that grows with the history.

PostgreSQL counts the scans of each table. It is told to avoid sequential ones, so that one that is
left has no index: https://www.postgresql.org/docs/current/monitoring-stats.html
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

import psycopg
import pytest
from flask.testing import FlaskClient

from receiver.config import Config
from receiver.storage.db import Database
from tests.bench.dataset import TABLES, fill
from tests.bench.paths import PATHS

BUILDS = 3_000
SCANS = "SELECT relname, seq_scan FROM pg_stat_user_tables WHERE relname = ANY(%s)"


@pytest.fixture
def history(
    url: str, serve: Callable[[Config], FlaskClient], config: Config
) -> Iterator[tuple[FlaskClient, Callable[[], dict[str, int]]]]:
    """A receiver with a history and one connection, and how often its tables were scanned."""
    fill(url, BUILDS)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER ROLE CURRENT_USER SET enable_seqscan = off")
        client = serve(replace(config, public_read=True, threads=2))
        database: Database = client.application.extensions["milepost"].database

        def scans() -> dict[str, int]:
            with database.transaction() as own:  # the counts of its connection come with its end
                own.execute("SELECT pg_stat_force_next_flush()")
            with database.transaction() as own:
                own.execute("SELECT 1")
            return dict(connection.execute(SCANS, [list(TABLES)]).fetchall())

        yield client, scans
        connection.execute("ALTER ROLE CURRENT_USER RESET enable_seqscan")


def test_no_page_and_no_list_scans_a_growing_table(
    history: tuple[FlaskClient, Callable[[], dict[str, int]]],
):
    client, scans = history
    scanned, before = {}, scans()
    assert set(before) == set(TABLES)
    for path in PATHS:
        answer = client.get(path, headers={"Accept": "text/html, application/json"})
        assert answer.status_code in (200, 302), path
        after = scans()
        if after != before:
            scanned[path] = [name for name in TABLES if after[name] != before[name]]
        before = after
    assert scanned == {}


def test_a_scan_would_be_seen(history: tuple[FlaskClient, Callable[[], dict[str, int]]]):
    client, scans = history
    before = scans()
    database: Database = client.application.extensions["milepost"].database
    with database.transaction() as connection:
        connection.execute("SELECT count(*) FROM builds WHERE created_by IS NULL")
    assert scans()["builds"] == before["builds"] + 1
