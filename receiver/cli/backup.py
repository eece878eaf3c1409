"""milepost backup, restore and prune."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from subprocess import DEVNULL, PIPE
from typing import IO

import click
from psycopg.conninfo import conninfo_to_dict

from receiver.cli.output import as_json, command, database_url, settings, tell, tracked, who
from receiver.config import span
from receiver.errors import MilepostError
from receiver.storage import audit, db, migrate, retention
from receiver.storage.audit import Target
from receiver.storage.embedded import binaries

# https://www.postgresql.org/docs/current/libpq-envars.html: arguments are for everybody to read.
VARIABLES = {
    "host": "PGHOST",
    "hostaddr": "PGHOSTADDR",
    "port": "PGPORT",
    "dbname": "PGDATABASE",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "passfile": "PGPASSFILE",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "connect_timeout": "PGCONNECT_TIMEOUT",
    "target_session_attrs": "PGTARGETSESSIONATTRS",
    "options": "PGOPTIONS",
}
PSQL = ["--single-transaction", "--set=ON_ERROR_STOP=1", "--no-psqlrc", "--quiet"]


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@as_json
@command
def backup(file: Path, as_json: bool) -> None:
    """Write the whole database to FILE, in pg_dump's own format."""
    with _new_file(file) as output:
        _dump(output)
    size = file.stat().st_size
    tell(f"{file}: {size} bytes", {"file": str(file), "bytes": size}, as_json=as_json)


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@as_json
@command
def restore(file: Path, as_json: bool) -> None:
    """Fill an empty database from FILE and bring it to this release's schema."""
    url = database_url(settings())
    with db.connect(url) as connection:
        row = connection.execute(
            "SELECT count(*) AS tables FROM pg_tables WHERE schemaname = 'public'"
        ).fetchone()
    if row and row["tables"]:
        raise MilepostError("The database is not empty: restore goes into an empty one only.")
    with file.open("rb") as source:
        _restore(source)
    migrate.migrate(url)
    with db.connect(url) as connection:
        audit.note_change(
            connection, who(), "restore", Target("receiver"), after={"file": file.name}
        )
    tell(f"{file} is restored.", {"file": str(file)}, as_json=as_json)


@click.command()
@click.option("--older-than", required=True, help="Such as 30d or 12h.")
@click.option("--facts", is_flag=True, help="Builds that ended by then too, and unused deliveries.")
@as_json
@command
def prune(older_than: str, facts: bool, as_json: bool) -> None:
    """Forget raw bodies of deliveries that are older; what was learned of builds stays."""
    age = span(older_than)
    if age is None:
        raise click.BadParameter("write 30d, 12h or 15m", param_hint="--older-than")
    with db.opened(database_url(settings())) as database:
        before = datetime.now(UTC) - age
        told = {"older_than": older_than, "facts": facts}  # noted first: it is done in pieces
        with database.transaction() as connection:
            audit.note_change(connection, who(), "prune", Target("receiver"), after=told)
        done = {"bodies_forgotten": sum(tracked(retention.bodies(database, before), "Bodies"))}
        if facts:
            done["rows_removed"] = sum(tracked(retention.facts(database, before), "Facts"))
    lines = [f"{count} {name.replace('_', ' ')}" for name, count in done.items()]
    tell("\n".join(lines), done, as_json=as_json)


@contextmanager
def _new_file(file: Path) -> Iterator[IO[bytes]]:
    """Yield a new file that only its owner can read; on an error nothing of it stays."""
    if file.exists():
        raise MilepostError(f"{file} is there already.")
    part = file.with_name(f".{file.name}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as output:
        try:
            yield output
            output.flush()
            os.fsync(output.fileno())
        except BaseException:
            part.unlink()
            raise
    part.replace(file)


def _restore(source: IO[bytes]) -> None:
    """Through psql, in one transaction: pg_restore alone sets what servers before 17 do not know.

    https://www.postgresql.org/docs/17/runtime-config-client.html#GUC-TRANSACTION-TIMEOUT
    """
    with (
        tempfile.TemporaryFile() as words,
        _program("pg_restore", ["--no-owner", "--file=-"], source, PIPE, words) as reader,
        _program("psql", PSQL, PIPE, DEVNULL, words) as writer,
    ):
        assert reader.stdout  # noqa: S101  # it is a pipe
        assert writer.stdin  # noqa: S101
        with suppress(BrokenPipeError):
            for line in tracked(reader.stdout, "Restoring"):
                if line != b"SET transaction_timeout = 0;\n":
                    writer.stdin.write(line)
        reader.stdout.close()
        if reader.wait():
            writer.kill()  # at the end of its input it would commit a part
        with suppress(BrokenPipeError):
            writer.stdin.close()
        _check("psql" if not reader.returncode else "pg_restore", writer.wait(), words)


def _dump(output: IO[bytes]) -> None:
    with tempfile.TemporaryFile() as words:
        arguments = ["--format=custom", "--no-owner"]
        with _program("pg_dump", arguments, DEVNULL, output, words) as dump:
            for _ in tracked(_running(dump), "Backing up"):
                pass
            _check("pg_dump", dump.returncode, words)


def _running(program: subprocess.Popen[bytes]) -> Iterator[None]:
    """Several times a second, until it ends."""
    while True:
        try:
            program.wait(0.2)
            return
        except subprocess.TimeoutExpired:
            yield


def _program(
    name: str,
    arguments: list[str],
    stdin: IO[bytes] | int,
    stdout: IO[bytes] | int,
    stderr: IO[bytes],
) -> subprocess.Popen[bytes]:
    """One of PostgreSQL's programs on the database in use."""
    env = binaries.ENVIRONMENT | _environment(database_url(settings()))
    command = [str(binaries.find() / name), *arguments]
    return subprocess.Popen(command, env=env, stdin=stdin, stdout=stdout, stderr=stderr)


def _check(name: str, code: int, words: IO[bytes]) -> None:
    """MilepostError with the program's own words where it failed."""
    if code:
        words.seek(0)
        raise MilepostError(f"{name}: {words.read().decode('utf-8', 'replace').strip()}")


def _environment(url: str) -> dict[str, str]:
    known = {name: str(value) for name, value in conninfo_to_dict(url).items() if value}
    unknown = sorted(set(known) - set(VARIABLES))
    if unknown:
        raise MilepostError(f"DATABASE_URL: {', '.join(unknown)} cannot be passed on to pg_dump.")
    return {VARIABLES[name]: value for name, value in known.items()}
