"""Migrations beside releases at work: newer schemas, locks, deadlocks, indexes without a lock."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner, Result
from flask.testing import FlaskClient
from psycopg.conninfo import make_conninfo

from receiver.cli.main import main
from receiver.config import Config
from receiver.errors import MigrationError
from receiver.storage import migrate
from receiver.storage.migrate import Migration
from tests.support.senders import SECRET, envelope, post, stage

FILES = migrate.migration_files()
ONE_TABLE_FROM = "0064"  # older files are as they were released
TWO = Migration.read("0001_two", "CREATE TABLE a (n INT); CREATE TABLE b (n INT);")
BOTH = Migration.read("0002_both", "ALTER TABLE a ADD m INT; ALTER TABLE b ADD m INT;")
ALONE = Migration.read(
    "0002_alone",
    "-- concurrently\nCREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS idx_a\n    ON a (n);\n"
    "DROP INDEX CONCURRENTLY IF EXISTS idx_b;\n",
)
LOCKED = """
    SELECT DISTINCT relation FROM pg_locks
    WHERE pid = pg_backend_pid() AND locktype = 'relation' AND mode IN
        ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
"""
RELATIONS = """
    SELECT oid, relname FROM pg_class
    WHERE relkind IN ('r', 'p', 'v', 'm') AND relnamespace = 'public'::regnamespace
"""


@pytest.fixture
def fresh(server_url: str) -> Iterator[str]:
    """An empty database of its own."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS fresh WITH (FORCE)")
        connection.execute("CREATE DATABASE fresh")
    yield make_conninfo(server_url, dbname="fresh")
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute("DROP DATABASE fresh WITH (FORCE)")


def next_release(text: str) -> Migration:
    return Migration.read("9000_later", text)


def run(url: str, *arguments: str, **more: str) -> Result:
    return CliRunner().invoke(main, arguments, env={"DATABASE_URL": url, **more})


def test_a_newer_schema_is_no_error_and_is_named(fresh: str):
    migrate.migrate(fresh, [*FILES, next_release("ALTER TABLE deliveries ADD later TEXT;")])
    for arguments in (["migrate"], ["migrate", "--check"]):
        result = run(fresh, *arguments)
        assert result.exit_code == 0, result.output
        assert "of a newer release, which this one works with: 9000_later." in result.output
    assert '"newer": [\n    "9000_later"' in run(fresh, "migrate", "--json").output


def test_a_newer_schema_is_ready_and_takes_deliveries(
    fresh: str, serve: Callable[[Config], FlaskClient], tmp_path: Path
):
    migrate.migrate(fresh, [*FILES, next_release("ALTER TABLE deliveries ADD later TEXT;")])
    client = serve(Config(tmp_path, fresh, secrets={"milepost": (SECRET,)}))
    assert client.get("/readyz").status_code == 200
    assert post(client, envelope(stage("Base"))).status_code == 202


def test_a_newer_schema_that_breaks_this_release_is_refused_with_the_release_that_it_needs(
    fresh: str, serve: Callable[[Config], FlaskClient], tmp_path: Path
):
    breaking = next_release("-- breaks before: 99.1\nALTER TABLE deliveries ADD later TEXT;")
    migrate.migrate(fresh, [*FILES, breaking])
    result = run(fresh, "migrate")
    assert result.exit_code == 1
    assert "9000_later, which needs Milepost 99.1 or newer" in result.output
    ready = serve(Config(tmp_path, fresh)).get("/readyz")
    assert ready.status_code == 503
    assert "needs Milepost 99.1 or newer" in ready.get_json()["migrations"]


def test_a_newer_schema_that_breaks_only_older_releases_is_no_error(fresh: str):
    migrate.migrate(fresh, [*FILES, next_release("-- breaks before: 0.1\nCREATE TABLE later ();")])
    assert run(fresh, "migrate").exit_code == 0


def test_a_ledger_of_an_older_release_is_read_and_extended(fresh: str):
    migrate.migrate(fresh, FILES[:3])
    with psycopg.connect(fresh) as connection:
        connection.execute("ALTER TABLE schema_migrations DROP breaks_before")
    assert migrate.read_schema(fresh).pending == [each.name for each in FILES[3:]]
    migrate.migrate(fresh)
    assert migrate.read_schema(fresh) == migrate.Schema([], [])


def test_a_deadlock_with_a_receiver_is_tried_again(fresh: str):
    migrate.migrate(fresh, [TWO])
    with psycopg.connect(fresh) as receiver:
        receiver.execute("SET deadlock_timeout = '1min'")  # so that the migration is the victim
        receiver.execute("LOCK b")
        applied: list[str] = []
        runner = threading.Thread(
            target=lambda: applied.extend(migrate.migrate(fresh, [TWO, BOTH]))
        )
        runner.start()
        wait_for_lock(fresh, "b")
        receiver.execute("LOCK a")  # granted once the migration has given way
    runner.join(60)
    assert applied == ["0002_both"]


def wait_for_lock(url: str, table: str) -> None:
    """Wait until another session waits for this table."""
    with psycopg.connect(url, autocommit=True) as connection:
        for _ in range(200):
            waiting = connection.execute(
                "SELECT FROM pg_locks WHERE relation = to_regclass(%s) AND NOT granted", [table]
            ).fetchone()
            if waiting is not None:
                return
            threading.Event().wait(0.05)
    raise AssertionError("nobody waits")


def test_an_invalid_index_of_a_failed_try_is_made_again(fresh: str):
    migrate.migrate(fresh, [TWO])
    with psycopg.connect(fresh) as connection:
        connection.execute("INSERT INTO a VALUES (1), (1)")
    with pytest.raises(psycopg.errors.UniqueViolation):
        migrate.migrate(fresh, [TWO, ALONE])
    assert is_valid(fresh, "idx_a") is False
    with psycopg.connect(fresh) as connection:
        connection.execute("DELETE FROM a")
    assert migrate.migrate(fresh, [TWO, ALONE]) == ["0002_alone"]
    assert is_valid(fresh, "idx_a") is True


def is_valid(url: str, index: str) -> bool | None:
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)", [index]
        ).fetchone()
    return bool(row[0]) if row else None


def test_an_index_is_made_while_a_receiver_writes(fresh: str):
    migrate.migrate(fresh, [TWO])
    with psycopg.connect(fresh) as receiver:
        receiver.execute("INSERT INTO a VALUES (1)")
        runner = threading.Thread(target=migrate.migrate, args=[fresh, [TWO, ALONE]])
        runner.start()
        wait_for_any_lock(fresh)
        with psycopg.connect(fresh) as another:  # does not wait behind the migration
            another.execute("SET lock_timeout = '1ms'")
            another.execute("INSERT INTO a VALUES (2)")
    runner.join(60)
    assert is_valid(fresh, "idx_a") is True


def wait_for_any_lock(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for _ in range(200):
            if connection.execute("SELECT FROM pg_locks WHERE NOT granted").fetchone() is not None:
                return
            threading.Event().wait(0.05)
    raise AssertionError("nobody waits")


def test_runners_at_the_same_time_make_an_index_once(fresh: str):
    migrate.migrate(fresh, [TWO])
    applied: list[list[str]] = []
    runners = [
        threading.Thread(target=lambda: applied.append(migrate.migrate(fresh, [TWO, ALONE])))
        for _ in range(3)
    ]
    for runner in runners:
        runner.start()
    for runner in runners:
        runner.join(60)
    assert sorted(applied) == [[], [], ["0002_alone"]]
    assert is_valid(fresh, "idx_a") is True


def test_a_statement_that_cannot_be_repeated_does_not_run_outside_a_transaction(fresh: str):
    half = Migration.read("0002_half", "-- concurrently\nALTER TABLE a ADD m INT;\n")
    migrate.migrate(fresh, [TWO])
    with pytest.raises(MigrationError, match=r"0002_half\.sql: only CREATE INDEX CONCURRENTLY"):
        migrate.migrate(fresh, [TWO, half])


def test_each_file_locks_one_table(fresh: str):
    """Of those that were there before: two would be locked in an order that receivers lack."""
    old = [file for file in FILES if file.name < ONE_TABLE_FROM]
    migrate.migrate(fresh, old)
    locked = {}
    for file in FILES[len(old) :]:
        with psycopg.connect(fresh) as connection:
            before: dict[int, str] = dict(connection.execute(RELATIONS).fetchall())
            if not file.concurrently:
                connection.execute(file.text.encode())
                found = {oid for (oid,) in connection.execute(LOCKED).fetchall()}
                locked[file.name] = sorted(before[oid] for oid in found & before.keys())
        if file.concurrently:
            migrate.migrate(fresh, [*old, file])
    assert {name: tables for name, tables in locked.items() if len(tables) > 1} == {}
    assert locked["0064_build_marks"] == ["builds"]


def test_a_request_that_needs_what_the_schema_lacks_is_503_until_it_is_migrated(
    fresh: str, serve: Callable[[Config], FlaskClient], tmp_path: Path
):
    migrate.migrate(fresh, [file for file in FILES if file.name < "0063"])
    config = Config(tmp_path, fresh, public_read=True, secrets={"milepost": (SECRET,)})
    client = serve(config)
    document = envelope(stage("Base"))
    for answer in (post(client, document), client.get("/api/v1/images")):
        assert (answer.status_code, answer.get_json()["code"]) == (503, "migrate")
        assert answer.headers["Retry-After"].isdecimal()
        assert "run milepost migrate" in answer.get_json()["detail"]
    assert client.get("/readyz").status_code == 503
    migrate.migrate(fresh)
    assert post(client, document).status_code == 202
