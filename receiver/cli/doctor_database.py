"""The checks of `milepost doctor` in the database: version, clock, schema, settings and senders."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from receiver.cli.database import database_url
from receiver.cli.findings import Finding
from receiver.cli.output import printable
from receiver.config import Config
from receiver.domain.delivery import Sender
from receiver.domain.notices.planning import SILENT
from receiver.errors import ConfigError, MilepostError
from receiver.ingest.rules import Rules
from receiver.storage import body_weeks, db, driver_errors, migrate, settings_files, unnamed
from receiver.storage.db import Connection, query

OLDEST_POSTGRES = 13
CLOCK = timedelta(minutes=1)  # signatures are valid for five minutes


def database_findings(config: Config) -> Iterator[Finding]:
    """Judge the database, and what is in it, that of the settings."""
    try:
        url = database_url(config)
        with driver_errors.translated_errors(), db.connect(url) as connection:
            yield from _version(connection)
            yield from _clock(connection)
            missing = migrate.read_schema(url).pending
            yield _schema(missing)
            if not missing:
                with suppress(ConfigError):  # a broken file is a finding already
                    rules = Rules.load(config)
                    rules.read(connection)
                    yield from _stored(rules)
                    yield from _senders(connection, rules)
                    yield from _unnamed(connection, rules)
                yield from _older_files(connection)
                yield _weeks(connection)
    except MilepostError as error:
        where = "DATABASE_URL" if config.database_url else f"the server in {config.data_dir}"
        advice = "Does it run, and does it let this user in?"
        yield Finding("database", "bad", f"{where}: {str(error).strip()}", advice)


def _stored(rules: Rules) -> Iterator[Finding]:
    """Name what is wrong with the settings in the database."""
    for kind, problems in rules.stored_problems().items():
        for problem in problems:
            yield Finding(kind, "bad", printable(problem))


def _older_files(connection: Connection) -> Iterator[Finding]:
    """Name each file of stages of a receiver that does not count, since another has a newer one."""
    for each in settings_files.live(connection):
        if each.is_older:
            text = f"{each.path} on {each.host} is version {each.version}, and a newer one counts"
            advice = f"Give all receivers the same file of {each.kind}: see docs/stages.md."
            yield Finding(each.kind, "odd", printable(text), advice)


def _version(connection: Connection) -> Iterator[Finding]:
    major = connection.info.server_version // 10_000
    is_old = major < OLDEST_POSTGRES
    text = f"PostgreSQL {major} answers"
    advice = f"Milepost needs {OLDEST_POSTGRES} or newer." if is_old else ""
    yield Finding("database", "bad" if is_old else "good", text, advice)


def _clock(connection: Connection) -> Iterator[Finding]:
    row = connection.execute("SELECT clock_timestamp() AS now").fetchone() or {}
    away = abs(datetime.now(UTC) - row["now"])
    if away > CLOCK:
        text = f"this clock and the database's differ by {away.total_seconds():.0f} s"
        yield Finding("clock", "bad", text, "Set both by NTP: signatures are valid for 5 minutes.")
    else:
        yield Finding("clock", "good", "the database's and ours agree")


def _schema(missing: list[str]) -> Finding:
    if missing:
        return Finding("schema", "bad", f"missing: {', '.join(missing)}", "Run milepost migrate.")
    return Finding("schema", "good", "of this release")


def _weeks(connection: Connection) -> Finding:
    missing = body_weeks.missing(connection, datetime.now(UTC))
    if not missing:
        return Finding("bodies", "good", f"the next {body_weeks.AHEAD} weeks have tables")
    text = f"no table for the week of {missing[0]:%Y-%m-%d}: its bodies go to bodies_default"
    advice = "Run milepost migrate as the role that owns the tables, every month."
    return Finding("bodies", "odd", text, advice)


def _unnamed(connection: Connection, rules: Rules) -> Iterator[Finding]:
    serving_of = rules.projects().serving
    for row in unnamed.list_unnamed(connection, datetime.now(UTC), serving_of)["repositories"]:
        where = row["repository"] or "no CI run"
        text = f"{row['builds']} of {where}, the newest is {row['build_number']}"
        default = " ".join(row["lines"]["default"].splitlines())
        other = row["lines"].get("variables")
        job = f"set {other} in the job" if other else "complete its route"
        yield Finding("unnamed", "odd", printable(text), printable(f"Write {default} or {job}."))


def _senders(connection: Connection, rules: Rules) -> Iterator[Finding]:
    if not rules.senders():
        advice = "Run milepost sender add NAME, or set MILEPOST_SECRET_MILEPOST."
        yield Finding("secrets", "bad", "no source has a secret, so nobody can post", advice)
    last_heard = {
        (row["source"], row["sender"]): row["last_heard_at"]
        for row in connection.execute(query("deliveries/senders_heard")).fetchall()
    }
    for sender in rules.senders():
        last = last_heard.get((sender.source, sender.name))
        title = f"{sender.source} {sender.name or 'default'}"
        if sender.problem:
            yield Finding("sender", "bad", f"{title}: {sender.problem}", _way_out(sender))
        elif last is None:
            advice = "See /setup for its lines, and whether its test is taken."
            yield Finding("sender", "odd", f"{title} was never heard", advice)
        elif datetime.now(UTC) - last > SILENT:
            text = f"{title} is silent since {last:%Y-%m-%d}"
            yield Finding("sender", "odd", text, "Did its secret or address change?")
        else:
            yield Finding("sender", "good", f"{title} was heard {last:%Y-%m-%d %H:%M} UTC")


def _way_out(sender: Sender) -> str:
    if sender.is_disabled:
        return f"Run milepost sender enable {sender.name}, or --all."
    return (
        "Name the file of the key that has encrypted it in MILEPOST_KEY_FILE; if that is lost, run "
        f"milepost sender rotate {sender.name} and set the new secret where it reports."
    )
