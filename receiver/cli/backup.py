"""milepost backup, restore and prune."""

import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from subprocess import DEVNULL, PIPE
from typing import IO

import click

from receiver.cli.database import (
    actor,
    connection,
    database_command,
    database_url,
    settings,
    where,
)
from receiver.cli.losing import amount, ask, losing, print_plan
from receiver.cli.output import as_json, print_result, progress
from receiver.cli.revocations import restore_build
from receiver.errors import MilepostError
from receiver.ingest.settings_documents import silence
from receiver.settings.durations import parse_duration
from receiver.settings.private_files import new_file
from receiver.storage import audit, db, migrate, retention, senders
from receiver.storage.audit import Target
from receiver.storage.connections import url_parameters
from receiver.storage.embedded import binaries

# https://www.postgresql.org/docs/current/libpq-envars.html: every user can read arguments.
VARIABLES = {
    "host": "PGHOST",
    "hostaddr": "PGHOSTADDR",
    "port": "PGPORT",
    "dbname": "PGDATABASE",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "passfile": "PGPASSFILE",
    "require_auth": "PGREQUIREAUTH",
    "channel_binding": "PGCHANNELBINDING",
    "service": "PGSERVICE",
    "options": "PGOPTIONS",
    "application_name": "PGAPPNAME",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "sslcrl": "PGSSLCRL",
    "sslcrldir": "PGSSLCRLDIR",
    "sslsni": "PGSSLSNI",
    "ssl_min_protocol_version": "PGSSLMINPROTOCOLVERSION",
    "ssl_max_protocol_version": "PGSSLMAXPROTOCOLVERSION",
    "gssencmode": "PGGSSENCMODE",
    "krbsrvname": "PGKRBSRVNAME",
    "connect_timeout": "PGCONNECT_TIMEOUT",
    "target_session_attrs": "PGTARGETSESSIONATTRS",
    "load_balance_hosts": "PGLOADBALANCEHOSTS",  # programs before 16 do not look at it
}
# These have no variable, and change neither which database it is nor who may read on the way.
LEFT_OUT = {
    *("keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count"),
    *("tcp_user_timeout", "fallback_application_name", "client_encoding"),
}
NO_BUILDS = {"oid": None}
BUILDS = "SELECT count(*), min(created_at) AS oldest, max(created_at) AS newest FROM builds"
PSQL = ["--single-transaction", "--set=ON_ERROR_STOP=1", "--no-psqlrc", "--quiet"]


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@as_json
@database_command
def backup(file: Path, as_json: bool) -> None:
    """Write the whole database to FILE, in pg_dump's own format."""
    if file.exists():
        raise MilepostError(f"{file} is there already.")
    with new_file(file) as output:
        _dump(output)
    size = file.stat().st_size
    print_result(f"{file}: {size} bytes", {"file": str(file), "bytes": size}, as_json=as_json)


@click.command()
@click.argument("file", metavar="BUILD|FILE", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--disable-senders", is_flag=True, help="A drill: take nothing from its senders, tell nobody."
)
@losing
@as_json
@database_command
def restore(file: Path, disable_senders: bool, yes: bool, dry_run: bool, as_json: bool) -> None:
    """Take a revocation back; or fill an empty database from a backup.

    The argument is the number of a revoked build, or a file of `milepost backup`. The senders of a
    backup get 503 after --disable-senders, until `milepost sender enable --all`, and notices in it
    tell nobody, until `milepost settings rollback notices`. Files and MILEPOST_SECRET_… are in no
    backup.
    """
    if not file.exists():
        restore_build(str(file), as_json=as_json)
        return
    config = settings()
    with file.open("rb") as source:
        made_at = _made_at(source)
    text = f"{file}, made {made_at}, would fill {where(config)}."
    if dry_run:
        print_plan(text, {"file": str(file), "made_at": made_at}, as_json=as_json)
        return
    url = database_url(config, create=True)
    _require_empty(url)
    ask(text, yes=yes)
    with file.open("rb") as source:
        _restore(source)
    migrate.migrate(url)
    with connection(url) as database:
        disabled = senders.disable_all(database) if disable_senders else 0
        is_silent = disable_senders and silence(database, actor().name)
        after = {"file": file.name, "disabled_senders": disabled, "silent_notices": is_silent}
        audit.note_change(database, actor(), "restore", Target("receiver"), after=after)
    text = f"{file} is restored."
    if disable_senders:
        text += f" {disabled} senders are disabled until: milepost sender enable --all"
    if is_silent:
        text += " Its notices tell nobody until: milepost settings rollback notices"
    said = {"file": str(file), "disabled_senders": disabled, "silent_notices": is_silent}
    print_result(text, said, as_json=as_json)


def _require_empty(url: str) -> None:
    """Raise MilepostError where there are tables, and say how much is in them."""
    with connection(url) as database:
        if not database.execute("SELECT FROM pg_tables WHERE schemaname = 'public'").rowcount:
            return
        there = "tables"
        if database.execute("SELECT to_regclass('public.builds') AS oid").fetchone() != NO_BUILDS:
            row = database.execute(BUILDS).fetchone() or {}
            there = amount(row["count"], "builds", row["oldest"], row["newest"])
    raise MilepostError(
        f"The database is not empty: it has {there}. Restore goes into an empty one only."
    )


@click.command()
@click.option("--older-than", required=True, help="Such as 30d or 12h.")
@click.option(
    "--facts", is_flag=True, help="Delete builds that ended by then and unused deliveries, too."
)
@losing
@as_json
@database_command
def prune(older_than: str, facts: bool, yes: bool, dry_run: bool, as_json: bool) -> None:
    """Delete the raw bodies of older deliveries; their events stay.

    With --facts it says what would go and asks.
    """
    age = parse_duration(older_than)
    if age is None:
        raise click.BadParameter("write 30d, 12h or 15m", param_hint="--older-than")
    before, url = datetime.now(UTC) - age, database_url(settings())
    if facts or dry_run:
        with connection(url) as looking:
            losses = retention.losses(looking, before)
        if dry_run:
            print_plan(_losses_text(losses, facts=facts), losses, as_json=as_json)
            return
        ask(_losses_text(losses, facts=facts), yes=yes)
    with db.open_database(url) as database:
        counts = _prune(database, before, older_than, facts=facts)
    lines = [
        f"{count} {name.replace('_', ' ')}"
        for name, count in counts.items()
        if count or name != "weeks_of_bodies_dropped"
    ]
    print_result("\n".join(lines), counts, as_json=as_json)


def _losses_text(losses: db.Row, *, facts: bool) -> str:
    bodies = (losses["bodies"], "raw bodies", losses["oldest_body"], losses["newest_body"])
    lines = ["This would delete:", f"  {amount(*bodies)}"]
    if facts:
        builds = (losses["builds"], "builds", losses["oldest_build"], losses["newest_build"])
        rest = losses["deliveries"], losses["oldest_delivery"], losses["newest_delivery"]
        lines.append(f"  {amount(*builds)}, with their states, failures and artifacts")
        lines.append(
            f"  what no build is left of: at most {amount(rest[0], 'deliveries', *rest[1:])}"
        )
    return "\n".join(lines)


def _prune(
    database: db.Database, before: datetime, older_than: str, *, facts: bool
) -> dict[str, int]:
    """Prune, and return how much; it is noted first, because pruning has many steps."""
    with database.transaction() as transaction:
        options = {"older_than": older_than, "facts": facts}
        audit.note_change(transaction, actor(), "prune", Target("receiver"), after=options)
    weeks = sum(1 for _ in retention.prune_weeks(database, before))
    bodies = progress(retention.prune_bodies(database, before), "Bodies")
    counts = {"weeks_of_bodies_dropped": weeks, "bodies_forgotten": sum(bodies)}
    if facts:
        history = progress(retention.prune_history(database, before), "Facts")
        counts["rows_removed"] = sum(history)
    return counts


def _made_at(source: IO[bytes]) -> str:
    """Return when a backup was made, as it says itself. Raises MilepostError for another file."""
    command = [str(binaries.find_binaries() / "pg_restore"), "--list"]
    done = subprocess.run(
        command, env=binaries.ENVIRONMENT, stdin=source, capture_output=True, check=False
    )
    if done.returncode:
        raise MilepostError(f"pg_restore: {done.stderr.decode('utf-8', 'replace').strip()}")
    found = re.search(rb"Archive created at (.+)", done.stdout)
    return found[1].decode("utf-8", "replace").strip() if found else "at an unknown time"


def _restore(source: IO[bytes]) -> None:
    """Restore through psql, in one transaction: pg_restore sets what servers before 17 lack.

    https://www.postgresql.org/docs/17/runtime-config-client.html#GUC-TRANSACTION-TIMEOUT
    """
    with (
        tempfile.TemporaryFile() as stderr,
        _program("pg_restore", ["--no-owner", "--file=-"], source, PIPE, stderr) as reader,
        _program("psql", PSQL, PIPE, DEVNULL, stderr) as writer,
    ):
        assert reader.stdout  # noqa: S101  # it is a pipe
        assert writer.stdin  # noqa: S101
        with suppress(BrokenPipeError):
            for line in progress(reader.stdout, "Restoring"):
                if line != b"SET transaction_timeout = 0;\n":
                    writer.stdin.write(line)
        reader.stdout.close()
        if reader.wait():
            writer.kill()  # at the end of its input it would commit a part
        with suppress(BrokenPipeError):
            writer.stdin.close()
        _check("psql" if not reader.returncode else "pg_restore", writer.wait(), stderr)


def _dump(output: IO[bytes]) -> None:
    with tempfile.TemporaryFile() as stderr:
        arguments = ["--format=custom", "--no-owner"]
        with _program("pg_dump", arguments, DEVNULL, output, stderr) as dump:
            for _ in progress(_running(dump), "Backing up"):
                pass
            _check("pg_dump", dump.returncode, stderr)


def _running(program: subprocess.Popen[bytes]) -> Iterator[None]:
    """Yield several times a second, until the program ends."""
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
    """Start one of PostgreSQL's programs on the database in use."""
    env = binaries.ENVIRONMENT | _environment(database_url(settings()))
    command = [str(binaries.find_binaries() / name), *arguments]
    return subprocess.Popen(command, env=env, stdin=stdin, stdout=stdout, stderr=stderr)


def _check(name: str, code: int, stderr: IO[bytes]) -> None:
    """Raise MilepostError with the program's own message if it failed."""
    if code:
        stderr.seek(0)
        raise MilepostError(f"{name}: {stderr.read().decode('utf-8', 'replace').strip()}")


def _environment(url: str) -> dict[str, str]:
    parameters = url_parameters(url)
    unknown = sorted(set(parameters) - set(VARIABLES) - LEFT_OUT)
    if unknown:
        raise MilepostError(f"DATABASE_URL: {', '.join(unknown)} cannot be passed on to pg_dump.")
    return {VARIABLES[name]: parameters[name] for name in parameters if name in VARIABLES}
