"""The schema and the queries, on a real PostgreSQL."""

import re
import threading
from itertools import chain

import psycopg
import pytest
from flask.testing import FlaskClient
from psycopg.conninfo import make_conninfo

from receiver.errors import MigrationError
from receiver.storage import builds, migrate
from receiver.storage.db import SQL_DIR
from tests.support.senders import envelope, post, stage

QUERIES = sorted((SQL_DIR / "queries").glob("*/*.sql"))
# Statements that begin alike: each beginning is a file of its own.
NIGHTS = "hours/calendar"
BEGINNINGS = {
    "builds/list_matching": ["builds/matching_builds"],
    "builds/count_matching": ["builds/matching_builds"],
    "failures/failures_by_night": [NIGHTS],
    **{
        f"trends/{name}": [NIGHTS, "trends/recent"]
        for name in ("images", "nights", "stages", "weeks")
    },
}
NAMES = {f"{path.parent.name}/{path.stem}": path for path in QUERIES}
TYPES = {"time": "timestamp with time zone"}
PROMISED = {  # each column with its type; ! is NOT NULL
    "platforms": (
        "id uuid!, name text!, display_name text!, cloud_provider text!, region text, "
        "created_at time!, updated_at time!"
    ),
    "os_versions": (
        "id uuid!, name text!, display_name text!, os_family text!, major_version integer!, "
        "minor_version integer, created_at time!, updated_at time!"
    ),
    "image_types": (
        "id uuid!, name text!, display_name text!, description text, created_at time!, "
        "updated_at time!"
    ),
    "projects": (
        "id uuid!, name text!, description text, parent_project_id uuid, created_at time!, "
        "updated_at time!"
    ),
    "builds": (
        "id uuid!, build_number text!, project_id uuid, platform_id uuid!, "
        "os_version_id uuid!, image_type_id uuid!, current_state integer!, status text!, "
        "start_time time, end_time time, duration_seconds integer, packer_manifest jsonb, "
        "created_by text, created_at time!, updated_at time!"
    ),
    "build_states": (
        "id uuid!, build_id uuid!, state integer!, status text!, start_time time!, "
        "end_time time, duration_seconds integer, error_message text, retry_count integer, "
        "created_at time!"
    ),
    "build_failures": (
        "id uuid!, build_id uuid!, state integer!, failure_type text!, error_message text!, "
        "error_details jsonb, component text, retry_attempt integer, resolved boolean, "
        "resolution_notes text, created_at time!, resolved_at time"
    ),
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
    columns = {name: (kind, nullable) for name, kind, nullable in rows}
    promised = {}
    for column in PROMISED[table].split(", "):
        name, kind = column.rstrip("!").split()
        promised[name] = (TYPES.get(kind, kind), "NO" if column.endswith("!") else "YES")
    assert {name: columns[name] for name in promised} == promised
    assert {columns[name][1] for name in columns.keys() - promised.keys()} <= {"YES"}


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


@pytest.mark.parametrize("name", sorted(NAMES.keys() - set(chain(*BEGINNINGS.values()))))
def test_query_is_one_statement_that_fits_the_schema(url: str, name: str):
    text = NAMES[name].read_text()
    assert text.startswith("-- ")
    text = "".join(NAMES[each].read_text() for each in [*BEGINNINGS.get(name, ()), name])
    places: dict[str, str] = {}
    numbered = re.sub(
        r"%\((\w+)\)[sb]", lambda found: places.setdefault(found[1], f"${len(places) + 1}"), text
    )
    with psycopg.connect(url) as connection:
        connection.execute(f"PREPARE it AS {numbered}".encode())


def test_every_query_is_used():
    """Code names it as a whole, or its beginning and, in the same file, the rest."""
    named: set[str] = set()
    for path in (SQL_DIR.parent / "receiver").rglob("*.py"):
        code = path.read_text()
        named |= set(re.findall(r'"(\w+/\w+)"', code))
        beginnings = re.findall(r'"(\w+/\w*)\{', code)
        words = set(re.findall(r'"(\w+)"', code))
        named |= {f"{beginning}{word}" for beginning in beginnings for word in words}
    named |= {f"builds/build_{part}" for part in builds.PARTS}
    kinds = ("children", "aliases", "tokens")
    named |= {f"merges/{verb}_{kind}" for verb in ("move", "return") for kind in kinds}
    assert NAMES.keys() <= named


def test_second_migration_changes_nothing(server_url: str):
    assert migrate.migrate(server_url) == []
    assert migrate.read_schema(server_url).pending == []


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
    assert migrate.read_schema(empty_database).pending[0] == "0001_names"


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
