"""The pool through migrations, slow workers, long absences, silent networks and PgBouncer."""

import socket
import threading
import time

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from receiver import log
from receiver.errors import Invalid, Unavailable
from receiver.storage.connections import LIMITS
from receiver.storage.db import Database, open_database


@pytest.fixture
def database(url: str):
    pool = Database(url, size=1)
    pool.open()
    yield pool
    pool.close()


def test_stale_plan_after_a_migration_is_503_once(database: Database, url: str):
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


def test_idle_transaction_is_503_after_its_timeout(database: Database):
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
def test_value_that_the_database_cannot_hold_is_refused_for_good(
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


def test_pool_works_again_after_many_waits_that_timed_out(url: str):
    away = [True]

    def conninfo() -> str:
        if away[0]:
            raise psycopg.OperationalError("away")
        return url

    refusals: list[Unavailable] = []

    def ask() -> None:
        try:
            with pool.transaction():
                pass
        except Unavailable as error:
            refusals.append(error)

    with open_database(conninfo) as pool:
        threads = [threading.Thread(target=ask) for _ in range(64)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(refusals) == 64
        wait_until_empty(pool)
        away[0] = False
        with pool.transaction() as connection:
            assert connection.execute("SELECT 1 AS one").fetchone() == {"one": 1}


def test_a_silent_first_host_leaves_time_for_the_second(url: str):
    there = conninfo_to_dict(url)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        there |= {
            "host": f"127.0.0.1,{there['host']}",
            "port": f"{silent.getsockname()[1]},{there['port']}",
        }
        with open_database(make_conninfo("", **there)) as pool, pool.transaction() as connection:
            assert connection.execute("SELECT 1 AS one").fetchone() == {"one": 1}


def wait_until_empty(database: Database) -> None:
    """Wait until the pool stops trying, after five seconds; the next request makes it try again."""
    for _ in range(150):
        if database.stats()["pool_size"] == 0:
            return
        time.sleep(0.1)
    raise AssertionError("the pool still tries")


def test_session_behind_pgbouncer_keeps_nothing(url: str):
    with open_database(url, prepare=False) as database:
        for _ in range(10):
            with database.transaction() as connection:
                for name, value in LIMITS.items():
                    shown = connection.execute(f"SHOW {name}".encode()).fetchone() or {}
                    assert [value] == list(shown.values())
        with database.transaction() as connection:
            found = connection.execute("SELECT count(*) AS count FROM pg_prepared_statements")
            assert found.fetchone() == {"count": 0}
    with psycopg.connect(url) as plain:
        assert plain.execute("SHOW statement_timeout").fetchone() == ("0",)


def test_missing_answer_is_503_and_its_connection_is_replaced(
    database: Database,
):
    def wait() -> None:
        with database.transaction() as connection:
            connection.execute("SET LOCAL statement_timeout = 0")  # as a silent network has none
            connection.execute("SELECT pg_sleep(60)")

    began = time.monotonic()
    with pytest.raises(Unavailable):
        wait()
    assert time.monotonic() - began < 30
    with database.transaction() as connection:
        assert connection.execute("SELECT 1 AS one").fetchone() == {"one": 1}
