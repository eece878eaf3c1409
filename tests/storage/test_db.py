"""The schema and the queries, on a real PostgreSQL."""

import re
import threading
from pathlib import Path

import psycopg
import pytest
from flask.testing import FlaskClient
from psycopg.conninfo import make_conninfo

from receiver.errors import MigrationError
from receiver.storage import builds, migrate, projections
from receiver.storage.db import SQL_DIR
from tests.support.senders import envelope, post, stage

QUERIES = sorted((SQL_DIR / "queries").glob("*/*.sql"))
UUID, TEXT, WHEN, WHOLE, JSON = "uuid", "text", "timestamp with time zone", "integer", "jsonb"
PROMISED = {
    "platforms": {
        "id": (UUID, "NO"),
        "name": (TEXT, "NO"),
        "display_name": (TEXT, "NO"),
        "cloud_provider": (TEXT, "NO"),
        "region": (TEXT, "YES"),
        "created_at": (WHEN, "NO"),
        "updated_at": (WHEN, "NO"),
    },
    "os_versions": {
        "id": (UUID, "NO"),
        "name": (TEXT, "NO"),
        "display_name": (TEXT, "NO"),
        "os_family": (TEXT, "NO"),
        "major_version": (WHOLE, "NO"),
        "minor_version": (WHOLE, "YES"),
        "created_at": (WHEN, "NO"),
        "updated_at": (WHEN, "NO"),
    },
    "image_types": {
        "id": (UUID, "NO"),
        "name": (TEXT, "NO"),
        "display_name": (TEXT, "NO"),
        "description": (TEXT, "YES"),
        "created_at": (WHEN, "NO"),
        "updated_at": (WHEN, "NO"),
    },
    "projects": {
        "id": (UUID, "NO"),
        "name": (TEXT, "NO"),
        "description": (TEXT, "YES"),
        "parent_project_id": (UUID, "YES"),
        "created_at": (WHEN, "NO"),
        "updated_at": (WHEN, "NO"),
    },
    "builds": {
        "id": (UUID, "NO"),
        "build_number": (TEXT, "NO"),
        "project_id": (UUID, "YES"),
        "platform_id": (UUID, "NO"),
        "os_version_id": (UUID, "NO"),
        "image_type_id": (UUID, "NO"),
        "current_state": (WHOLE, "NO"),
        "status": (TEXT, "NO"),
        "start_time": (WHEN, "YES"),
        "end_time": (WHEN, "YES"),
        "duration_seconds": (WHOLE, "YES"),
        "packer_manifest": (JSON, "YES"),
        "created_by": (TEXT, "YES"),
        "created_at": (WHEN, "NO"),
        "updated_at": (WHEN, "NO"),
    },
    "build_states": {
        "id": (UUID, "NO"),
        "build_id": (UUID, "NO"),
        "state": (WHOLE, "NO"),
        "status": (TEXT, "NO"),
        "start_time": (WHEN, "NO"),
        "end_time": (WHEN, "YES"),
        "duration_seconds": (WHOLE, "YES"),
        "error_message": (TEXT, "YES"),
        "retry_count": (WHOLE, "YES"),
        "created_at": (WHEN, "NO"),
    },
    "build_failures": {
        "id": (UUID, "NO"),
        "build_id": (UUID, "NO"),
        "state": (WHOLE, "NO"),
        "failure_type": (TEXT, "NO"),
        "error_message": (TEXT, "NO"),
        "error_details": (JSON, "YES"),
        "component": (TEXT, "YES"),
        "retry_attempt": (WHOLE, "YES"),
        "resolved": ("boolean", "YES"),
        "resolution_notes": (TEXT, "YES"),
        "created_at": (WHEN, "NO"),
        "resolved_at": (WHEN, "YES"),
    },
}
INDEXES = {
    "idx_builds_project_id": ("builds", "project_id"),
    "idx_builds_platform_id": ("builds", "platform_id"),
    "idx_builds_os_version_id": ("builds", "os_version_id"),
    "idx_builds_image_type_id": ("builds", "image_type_id"),
    "idx_build_states_build_id": ("build_states", "build_id"),
    "idx_build_failures_build_id": ("build_failures", "build_id"),
    "idx_projects_parent_project_id": ("projects", "parent_project_id"),
}


@pytest.mark.parametrize("table", PROMISED)
def test_table_has_the_promised_columns_and_others_are_nullable(url: str, table: str):
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT column_name, data_type, is_nullable FROM information_schema.columns "
            "WHERE table_schema = 'public' AND table_name = %s",
            [table],
        ).fetchall()
    found = {name: (kind, nullable) for name, kind, nullable in rows}
    promised = PROMISED[table]
    assert {name: found[name] for name in promised} == promised
    assert {found[name][1] for name in found.keys() - promised.keys()} <= {"YES"}


@pytest.mark.parametrize("index", INDEXES)
def test_index_is_on_the_column_in_its_name(url: str, index: str):
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT indexdef FROM pg_indexes WHERE indexname = %s", [index]
        ).fetchone()
    table, column = INDEXES[index]
    assert row is not None
    assert row[0].endswith(f"ON public.{table} USING btree ({column})")


@pytest.mark.parametrize(
    "change",
    [
        "build_states SET state = 101",
        "build_states SET state = -1",
        "builds SET current_state = 101",
        "builds SET status = 'done'",
    ],
)
def test_value_out_of_bounds_is_refused(client: FlaskClient, url: str, change: str):
    post(client, envelope(stage("x", state=5)))
    with psycopg.connect(url) as connection, pytest.raises(psycopg.errors.CheckViolation):
        connection.execute(f"UPDATE {change}".encode())


@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path.stem)
def test_query_is_one_statement_that_fits_the_schema(url: str, path: Path):
    text = path.read_text()
    assert text.startswith("-- ")
    places: dict[str, str] = {}
    numbered = re.sub(
        r"%\((\w+)\)[sb]", lambda found: places.setdefault(found[1], f"${len(places) + 1}"), text
    )
    with psycopg.connect(url) as connection:
        connection.execute(f"PREPARE it AS {numbered}".encode())


def test_every_query_is_used():
    code = "".join(path.read_text() for path in (SQL_DIR.parent / "receiver").rglob("*.py"))
    named = set(re.findall(r'"(\w+/\w+)"', code))
    named |= {f"builds/build_{part}" for part in builds.PARTS}
    named |= {f"projections/write_{table}" for table in projections.TABLES}
    named |= {f"retention/{name}" for name in ("prune_builds", "prune_deliveries")}
    named |= {f"job_matching/{name}" for name in ("move_events", "move_redirects", "delete_build")}
    assert {f"{path.parent.name}/{path.stem}" for path in QUERIES} <= named


def test_second_migration_changes_nothing(server_url: str):
    assert migrate.migrate(server_url) == []
    assert migrate.pending_names(server_url) == []


@pytest.fixture
def empty_database(server_url: str):
    """A database of its own, without a schema."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS fresh")
        connection.execute("CREATE DATABASE fresh")
    yield make_conninfo(server_url, dbname="fresh")
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute("DROP DATABASE fresh WITH (FORCE)")


def migration(name: str, text: str) -> migrate.Migration:
    return migrate.Migration(name, text, str(hash(text)))


def test_pending_migrations_are_named(empty_database: str):
    assert migrate.pending_names(empty_database)[0] == "0001_names"


def test_edited_file_is_refused(empty_database: str):
    first = migration("0001_a", "CREATE TABLE a ()")
    migrate.migrate(empty_database, [first])
    with pytest.raises(MigrationError, match=r"0001_a\.sql was edited"):
        migrate.migrate(empty_database, [migration("0001_a", "CREATE TABLE b ()")])


def test_failed_file_leaves_nothing_behind(empty_database: str):
    broken = migration("0001_a", "CREATE TABLE a (); SELECT 1/0")
    with pytest.raises(psycopg.errors.DivisionByZero):
        migrate.migrate(empty_database, [broken])
    assert migrate.migrate(empty_database, [migration("0001_a", "CREATE TABLE a ()")]) == ["0001_a"]


def test_database_that_cannot_hold_unicode_is_refused(server_url: str):
    with psycopg.connect(server_url, autocommit=True) as connection:
        libc = "LOCALE_PROVIDER libc" if connection.info.server_version >= 150_000 else ""
        how = f"TEMPLATE template0 ENCODING 'LATIN1' {libc} LOCALE 'C'"
        connection.execute(f"CREATE DATABASE narrow {how}".encode())
        try:
            with pytest.raises(MigrationError, match="encoding is LATIN1"):
                migrate.migrate(make_conninfo(server_url, dbname="narrow"))
        finally:
            connection.execute("DROP DATABASE narrow")


def test_runners_at_the_same_time_apply_each_file_once(empty_database: str):
    applied: list[list[str]] = []
    threads = [
        threading.Thread(target=lambda: applied.append(migrate.migrate(empty_database)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(len, applied)) == [0, 0, 0, len(migrate.migration_files())]
