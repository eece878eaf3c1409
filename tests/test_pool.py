"""What a migration or a slow worker does to a connection that is in use."""

import time

import psycopg
import pytest

from receiver import log
from receiver.db import Database
from receiver.errors import Invalid, Unavailable


@pytest.fixture
def database(url: str):
    pool = Database(url, size=1)
    pool.open()
    yield pool
    pool.close()


def test_a_plan_that_a_migration_made_stale_is_503_and_then_made_anew(database: Database, url: str):
    def look() -> int:
        with database.transaction() as connection:
            row = connection.execute("SELECT * FROM changing", prepare=True).fetchone()
        return len(row or {})

    with psycopg.connect(url, autocommit=True) as other:
        other.execute("CREATE TABLE changing AS SELECT 1 AS one")
        try:
            assert look() == 1
            other.execute("ALTER TABLE changing ADD COLUMN two INTEGER")
            with pytest.raises(Unavailable):
                look()
            assert look() == 2
        finally:
            other.execute("DROP TABLE changing")


def test_a_transaction_that_idled_too_long_is_503(database: Database):
    def idle() -> None:
        with database.transaction() as connection:
            connection.execute("SET LOCAL idle_in_transaction_session_timeout = '50ms'")
            time.sleep(0.5)
            connection.execute("SELECT 1")

    with pytest.raises(Unavailable):
        idle()
    with database.transaction() as connection:
        assert connection.execute("SELECT 1 AS one").fetchone() == {"one": 1}


@pytest.mark.parametrize(
    "statement",
    ["SELECT '\"\\u0000\"'::jsonb", "SELECT 'x'::integer", "CREATE INDEX ON long (text)"],
)
def test_a_value_that_the_database_cannot_hold_is_refused_and_not_tried_again(
    database: Database, statement: str, capsys: pytest.CaptureFixture[str]
):
    def hold() -> None:
        with database.transaction() as connection:
            connection.execute(
                "CREATE TEMP TABLE long AS SELECT string_agg(sha256(n::text::bytea)::text, '') "
                "AS text FROM generate_series(1, 500) AS n"
            )
            connection.execute(statement.encode())

    log.configure()
    with pytest.raises(Invalid):
        hold()
    assert "sqlstate" in capsys.readouterr().out
