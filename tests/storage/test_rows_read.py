"""No page or list reads more rows as the history grows: the server counts the rows."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import psycopg
import pytest
from flask.testing import FlaskClient
from psycopg.conninfo import make_conninfo

from receiver.config import Config
from receiver.storage import migrate
from tests.bench.dataset import fill
from tests.bench.paths import PATHS

BUILDS = 30_000  # three of the windows of 10,000 that some pages look at
MOST = 70_000  # rows that one page may read
FIXED = ("platforms", "os_versions", "image_types", "projects", "tokens", "schema_migrations")
COUNTS = """
SELECT
    coalesce(sum(seq_tup_read) FILTER (WHERE relname <> ALL(%s)), 0),
    coalesce(sum(idx_tup_fetch), 0)
FROM pg_stat_user_tables
"""


@pytest.fixture(scope="module")
def filled(server_url: str) -> Iterator[str]:
    """A database with a history, of its own."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS filled")
        connection.execute("CREATE DATABASE filled")
    url = make_conninfo(server_url, dbname="filled")
    migrate.migrate(url)
    fill(url, BUILDS)
    yield url
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute("DROP DATABASE filled WITH (FORCE)")


def rows_read(url: str) -> tuple[int, int]:
    """Return the rows read so far by scans of tables that grow, and through indexes."""
    with psycopg.connect(url) as connection:
        row = connection.execute(COUNTS, [list(FIXED)]).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


@pytest.mark.parametrize("path", PATHS)
def test_rows_read_for_a_page_do_not_grow_with_the_history(
    path: str, filled: str, serve: Callable[[Config], FlaskClient], config: Config
):
    client = serve(replace(config, database_url=filled))
    scanned, fetched = rows_read(filled)
    answer = client.get(path)
    # A backend reports its counts when it ends.
    client.application.extensions["milepost"].database.close()
    scanned_after, fetched_after = rows_read(filled)
    assert answer.status_code in (200, 302, 404), answer.text  # a search leads to its one result
    assert scanned_after == scanned
    assert 0 <= fetched_after - fetched <= MOST
