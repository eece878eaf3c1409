"""Apply the numbered files of sql/migrations, each once.

Each file is one transaction, and its row in schema_migrations commits with it. A file with a line
`-- concurrently` runs outside a transaction, statement by statement. An advisory lock lets one
runner work at a time; it ends with its session, so a killed runner blocks nobody.

A file with a line `-- breaks before: 0.4` is not safe beside older releases. The ledger
keeps that version, so that an older release finds it in the database.
"""

import hashlib
import random
import re
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from receiver import __version__
from receiver.errors import MigrationError
from receiver.storage import body_weeks
from receiver.storage.db import SQL_DIR, Database, connect, connect_without_limits, query

BODIES = "0175_bodies"  # whose weeks are made ahead
LOCK = 0x6D696C65  # "mile": any number that no other program uses
TRIES = 10
POLL_SECONDS = 0.5
DIRECTIVE = re.compile(r"-- (concurrently|breaks before: [0-9]+(?:\.[0-9]+)*)")
STATEMENT = re.compile(r";\s*(?:\n|$)")
INDEX = re.compile(r"\s*CREATE (?:UNIQUE )?INDEX CONCURRENTLY IF NOT EXISTS (\w+)\s")
REPEATABLE = re.compile(rf"{INDEX.pattern}|\s*DROP INDEX CONCURRENTLY IF EXISTS \w+")
CREATE_LEDGER = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    name TEXT PRIMARY KEY,
    checksum TEXT NOT NULL,
    applied_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    breaks_before TEXT
)
"""
EXTEND_LEDGER = "ALTER TABLE schema_migrations ADD COLUMN breaks_before TEXT"
# A ledger of a release before 0.3 has no column breaks_before.
READ_LEDGER = """
SELECT name, checksum, to_jsonb(schema_migrations) ->> 'breaks_before' FROM schema_migrations
"""
IS_INVALID = "SELECT 1 FROM pg_index WHERE indexrelid = to_regclass(%s) AND NOT indisvalid"

TupleConnection = psycopg.Connection[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: its name, its text, the SHA-256 of the text, and what its comments order."""

    name: str
    text: str
    checksum: str
    concurrently: bool = False
    breaks_before: str | None = None  # the first release that works with it

    @classmethod
    def read(cls, name: str, text: str) -> "Migration":
        """Return the migration of a file."""
        said = [match[1] for line in text.splitlines() if (match := DIRECTIVE.fullmatch(line))]
        breaks = [line.removeprefix("breaks before: ") for line in said if line != "concurrently"]
        checksum = hashlib.sha256(text.encode()).hexdigest()
        return cls(name, text, checksum, "concurrently" in said, breaks[0] if breaks else None)

    def statements(self) -> list[str]:
        """Return the statements of a `-- concurrently` file; each ends its line with a semicolon.

        Raises MigrationError for one that could not be run once more after a runner was killed.
        """
        lines = (line for line in self.text.splitlines() if not line.startswith("--"))
        found = [part for part in STATEMENT.split("\n".join(lines)) if part.strip()]
        for each in found:
            if not REPEATABLE.match(each):
                raise MigrationError(
                    f"{self.name}.sql: only CREATE INDEX CONCURRENTLY IF NOT EXISTS and DROP INDEX "
                    "CONCURRENTLY IF EXISTS can be run outside a transaction."
                )
        return found


@dataclass(frozen=True, slots=True)
class Schema:
    """The database's schema beside this release's: names of migrations.

    `newer` are those of a newer release, which this release lacks and works with.
    """

    pending: list[str]
    newer: list[str]


def migration_files(folder: Path = SQL_DIR / "migrations") -> list[Migration]:
    """Return the migration files in order."""
    return [
        Migration.read(path.stem, path.read_text(encoding="utf-8"))
        for path in sorted(folder.glob("[0-9][0-9][0-9][0-9]_*.sql"))
    ]


def migrate(url: str, migrations: list[Migration] | None = None) -> list[str]:
    """Apply the missing migrations. Return their names. Make the tables of the next weeks' bodies.

    A schema of a newer release is no error. Raises MigrationError where that release says that it
    breaks this one, where an applied file was edited, or the database's encoding is not UTF8.
    """
    known = migration_files() if migrations is None else migrations
    with connect_without_limits(url) as connection:
        _check_encoding(connection)
        _lock(connection)
        _prepare_ledger(connection)
        applied = list(_apply(connection, _pending(connection, known)))
        has_bodies = BODIES in _ledger(connection)
    if has_bodies:
        with suppress(psycopg.errors.LockNotAvailable):  # a backup runs: the receiver makes them
            body_weeks.make_missing(partial(connect, url), datetime.now(UTC))
    return applied


def read_schema(url: str) -> Schema:
    """Return what is pending and what is newer; changes nothing. Raises MigrationError as
    migrate() does."""
    known = migration_files()
    with connect_without_limits(url) as connection:
        pending = [migration.name for migration in _pending(connection, known)]
        newer = _ledger(connection).keys() - {migration.name for migration in known}
    return Schema(pending, sorted(newer))


def newer_text(names: list[str]) -> str:
    """Return the sentence that says so."""
    return f"The database is of a newer release, which this one works with: {', '.join(names)}."


def applied_names(database: Database) -> list[str]:
    """Return the names of the applied migrations, in order.

    Raises MigrationError where one of them breaks this release.
    """
    with database.transaction() as connection:
        rows = connection.execute(query("migrate/applied_migrations")).fetchall()
    _refuse_breaking((row["name"], row["breaks_before"]) for row in rows)
    return [row["name"] for row in rows]


def _lock(connection: TupleConnection) -> None:
    """Wait until no other runner works.

    It polls: a session that waits for the lock inside a statement holds a snapshot, which CREATE
    INDEX CONCURRENTLY would wait for, and the two would be a deadlock.
    """
    while connection.execute("SELECT pg_try_advisory_lock(%s)", [LOCK]).fetchone() != (True,):
        time.sleep(POLL_SECONDS)


def _prepare_ledger(connection: TupleConnection) -> None:
    connection.execute(CREATE_LEDGER)
    has_column = connection.execute(
        "SELECT 1 FROM pg_attribute WHERE attrelid = 'schema_migrations'::regclass "
        "AND attname = 'breaks_before' AND NOT attisdropped"
    ).fetchone()
    if not has_column:
        _try_often(partial(_extend_ledger, connection))


def _pending(connection: TupleConnection, known: list[Migration]) -> list[Migration]:
    """Return the migrations that are not applied yet. Raises MigrationError for edited ones, and
    for those of a newer release that break this one."""
    ledger = _ledger(connection)
    names = {migration.name for migration in known}
    _refuse_breaking((name, breaks) for name, (_, breaks) in ledger.items() if name not in names)
    for migration in known:
        checksum, _ = ledger.get(migration.name, (migration.checksum, None))
        if checksum != migration.checksum:
            raise MigrationError(
                f"{migration.name}.sql was edited after it was applied: add a new file instead."
            )
    return [migration for migration in known if migration.name not in ledger]


def _refuse_breaking(ledger: Iterable[tuple[str, str | None]]) -> None:
    """Raise MigrationError for the first migration that needs a newer release than this one."""
    for name, breaks_before in sorted(ledger):
        if breaks_before and _version(__version__) < _version(breaks_before):
            raise MigrationError(
                f"The database has migration {name}, which needs Milepost {breaks_before} or "
                f"newer; this is {__version__}. Install that, or restore the backup from before."
            )


def _version(text: str) -> tuple[int, ...]:
    """Return 0.3.1 as (0, 3, 1); of a version such as 0.3.dev1 what comes before the letters."""
    return tuple(map(int, re.findall(r"[0-9]+", text.partition("dev")[0])))


def _check_encoding(connection: TupleConnection) -> None:
    """Refuse an encoding that cannot hold all of Unicode, which senders use."""
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise MigrationError(f"The database's encoding is {encoding}: make one with UTF8.")


def _ledger(connection: TupleConnection) -> dict[str, tuple[str, str | None]]:
    """Return the checksum of each applied migration, and the first release that works with it."""
    exists = connection.execute("SELECT to_regclass('public.schema_migrations')").fetchone()
    if exists == (None,):
        return {}
    rows = connection.execute(READ_LEDGER).fetchall()
    return {name: (checksum, breaks_before) for name, checksum, breaks_before in rows}


def _apply(connection: TupleConnection, migrations: list[Migration]) -> Iterator[str]:
    for migration in migrations:
        run = _run_concurrently if migration.concurrently else _run_in_transaction
        _try_often(partial(run, connection, migration))
        yield migration.name


def _try_often(run: Callable[[], None]) -> None:
    """Run again while receivers at work are in the way: a lock, or a deadlock with them."""
    for tries_left in reversed(range(TRIES)):
        try:
            run()
            return
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
            if not tries_left:
                raise
            time.sleep(random.uniform(0.5, 1.5))  # noqa: S311  # jitter is no secret


def _run_in_transaction(connection: TupleConnection, migration: Migration) -> None:
    with _short_waits(connection):
        connection.execute(migration.text.encode())
        _note(connection, migration)


def _run_concurrently(connection: TupleConnection, migration: Migration) -> None:
    """Run statement by statement. Each can be repeated, for a runner that was killed between.

    They wait for older transactions for as long as it takes, and nobody waits for them meanwhile:
    https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY
    """
    for statement in migration.statements():
        if index := INDEX.match(statement):
            _drop_invalid(connection, index[1])
        connection.execute(statement.encode())
    _note(connection, migration)


def _drop_invalid(connection: TupleConnection, index: str) -> None:
    """Drop an index that a failed try has left; IF NOT EXISTS would take it for made."""
    if connection.execute(IS_INVALID, [index]).fetchone():
        connection.execute(sql.SQL("DROP INDEX CONCURRENTLY {}").format(sql.Identifier(index)))


def _extend_ledger(connection: TupleConnection) -> None:
    with _short_waits(connection):
        connection.execute(EXTEND_LEDGER)


@contextmanager
def _short_waits(connection: TupleConnection) -> Iterator[None]:
    """Open a transaction that waits at most two seconds for a lock: all later queries wait behind
    this one."""
    with connection.transaction():
        connection.execute("SET LOCAL lock_timeout = '2s'")
        connection.execute("SET LOCAL statement_timeout = '60s'")
        yield


def _note(connection: TupleConnection, migration: Migration) -> None:
    connection.execute(
        "INSERT INTO schema_migrations (name, checksum, breaks_before) VALUES (%s, %s, %s)",
        [migration.name, migration.checksum, migration.breaks_before],
    )
