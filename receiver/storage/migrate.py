"""Apply the numbered files of sql/migrations, each once, each in a transaction of its own.

A change and its row in schema_migrations commit together. An advisory lock lets one runner work at
a time; it ends with its session, so a killed runner blocks nobody.
"""

import hashlib
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from receiver.errors import MigrationError
from receiver.storage.db import NETWORK, SQL_DIR, Database, query

LOCK = 0x6D696C65  # "mile": any number that no other program uses
TRIES = 10
CREATE_LEDGER = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    name TEXT PRIMARY KEY,
    checksum TEXT NOT NULL,
    applied_at TIMESTAMPTZ NOT NULL DEFAULT now()
)
"""

TupleConnection = psycopg.Connection[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: its name, its text and the SHA-256 of the text."""

    name: str
    text: str
    checksum: str


def migration_files(folder: Path = SQL_DIR / "migrations") -> list[Migration]:
    """Return the migration files in order."""
    return [
        Migration(path.stem, text, hashlib.sha256(text.encode()).hexdigest())
        for path in sorted(folder.glob("[0-9][0-9][0-9][0-9]_*.sql"))
        for text in [path.read_text(encoding="utf-8")]
    ]


def migrate(url: str, migrations: list[Migration] | None = None) -> list[str]:
    """Apply the missing migrations. Return their names.

    Raises MigrationError where an applied file was edited, or the database's encoding is not UTF8.
    """
    known = migration_files() if migrations is None else migrations
    with psycopg.connect(url, autocommit=True, **NETWORK) as connection:
        _check_encoding(connection)
        connection.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        connection.execute(CREATE_LEDGER)
        return list(_apply(connection, _pending(connection, known)))


def _pending(connection: TupleConnection, known: list[Migration]) -> list[Migration]:
    """Return the migrations that are not applied yet. Raises MigrationError for edited ones."""
    applied = _ledger(connection)
    for name in sorted(applied.keys() - {migration.name for migration in known}):
        raise MigrationError(f"The database has migration {name}, which this release lacks.")
    for migration in known:
        if applied.get(migration.name, migration.checksum) != migration.checksum:
            raise MigrationError(
                f"{migration.name}.sql was edited after it was applied: add a new file instead."
            )
    return [migration for migration in known if migration.name not in applied]


def applied_names(database: Database) -> list[str]:
    """Return the names of the applied migrations, in order."""
    with database.transaction() as connection:
        rows = connection.execute(query("migrate/applied_migrations")).fetchall()
    return [row["name"] for row in rows]


def pending_names(url: str) -> list[str]:
    """Return the names of the migrations that are not applied yet; changes nothing."""
    with psycopg.connect(url, autocommit=True, **NETWORK) as connection:
        return [migration.name for migration in _pending(connection, migration_files())]


def _check_encoding(connection: TupleConnection) -> None:
    """Refuse an encoding that cannot hold all of Unicode, which senders use."""
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise MigrationError(f"The database's encoding is {encoding}: make one with UTF8.")


def _ledger(connection: TupleConnection) -> dict[str, str]:
    exists = connection.execute("SELECT to_regclass('public.schema_migrations')").fetchone()
    if exists == (None,):
        return {}
    return dict(connection.execute("SELECT name, checksum FROM schema_migrations").fetchall())


def _apply(connection: TupleConnection, migrations: list[Migration]) -> Iterator[str]:
    for migration in migrations:
        for tries_left in reversed(range(TRIES)):
            try:
                _apply_one(connection, migration)
                break
            except psycopg.errors.LockNotAvailable:
                if not tries_left:
                    raise
                time.sleep(random.uniform(0.5, 1.5))  # noqa: S311  # jitter is no secret
        yield migration.name


def _apply_one(connection: TupleConnection, migration: Migration) -> None:
    """Wait at most two seconds for a lock: all later queries wait behind this one."""
    with connection.transaction():
        connection.execute("SET LOCAL lock_timeout = '2s'")
        connection.execute("SET LOCAL statement_timeout = '60s'")
        connection.execute(migration.text.encode())
        connection.execute(
            "INSERT INTO schema_migrations (name, checksum) VALUES (%s, %s)",
            [migration.name, migration.checksum],
        )
