"""milepost doctor: checks of an installation, with advice."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import click
import requests

from receiver.cli.database import database_url
from receiver.cli.output import as_json, command, print_json, printable
from receiver.config import Config, load
from receiver.config_files import read_regular
from receiver.data_directory import ReceiverNote
from receiver.domain.delivery import Sender
from receiver.domain.notices.planning import SILENT
from receiver.domain.stage_map import StageMap
from receiver.errors import ConfigError, MilepostError
from receiver.ingest.notice_settings import NoticeSettings
from receiver.ingest.project_settings import ProjectSettings
from receiver.ingest.routing import Routes
from receiver.ingest.rules import Rules, notices_folder
from receiver.ingest.sender_keys import SenderKeys, key_files, own_key
from receiver.ingest.sender_store import why_in_file
from receiver.ingest.senders import Senders
from receiver.setting_names import unknown_text
from receiver.storage import body_weeks, db, driver_errors, migrate, settings_files, unnamed
from receiver.storage.db import Connection, query

OLDEST_POSTGRES = 13
CLOCK = timedelta(minutes=1)  # signatures are valid for five minutes
FREE_BYTES = 2**30
SIGNS = {"good": ("✓", "green"), "odd": ("!", "yellow"), "bad": ("✗", "red")}


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check: good, odd or bad; and advice unless it is good."""

    what: str
    result: str
    text: str
    advice: str = ""


@click.command()
@as_json
@command
def doctor(as_json: bool) -> None:
    """Check settings, secrets, clock, database, schema and senders.

    Exit with 1 if a check is bad.
    """
    findings = list(_findings())
    if as_json:
        print_json(findings)
    else:
        for each in findings:
            _print(each)
    if any(each.result == "bad" for each in findings):
        sys.exit(1)


def _print(finding: Finding) -> None:
    sign, color = SIGNS[finding.result]
    click.echo(f"{click.style(sign, fg=color)} {finding.what}: {finding.text}")
    if finding.advice:
        click.echo(f"    {finding.advice}")


def _findings() -> Iterator[Finding]:
    try:
        config = load(os.environ)
    except ConfigError as error:
        for problem in error.problems:
            yield Finding("settings", "bad", problem)
        return
    yield Finding("settings", "good", "understood")
    for name in config.unknown:
        yield Finding("settings", "odd", unknown_text(name), "Correct or remove it.")
    for text in config.warnings:
        yield Finding("settings", "odd", text)
    note = ReceiverNote.read(config.data_dir)
    answer = _ask(note) if note else None
    yield _receiver(config, note, answer)
    running = note if answer is not None else None
    yield from _secrets(config, running)
    yield from _files(config, running)
    yield from _space(config)
    if running and running.external and not config.database_url:
        text = "the receiver has an external PostgreSQL, which is not known here"
        yield Finding("database", "odd", text, "Set DATABASE_URL as it has it, to check more.")
        return
    yield from _database(config)


def _ask(note: ReceiverNote) -> requests.Response | None:
    """Return what the receiver says of itself; None if it does not answer."""
    try:
        return requests.get(f"{note.url}/readyz", timeout=5)
    except requests.RequestException:
        return None


def _receiver(
    config: Config, note: ReceiverNote | None, answer: requests.Response | None
) -> Finding:
    """Return the finding about the receiver that runs with this data directory."""
    if note is None:
        return Finding("receiver", "odd", f"none runs with the data directory {config.data_dir}")
    if answer is None:
        text = f"none answers at {note.url}, where one ran with this data directory"
        return Finding("receiver", "bad", text, "Start it again, and look into its log.")
    try:
        said = dict(answer.json())
    except (requests.JSONDecodeError, TypeError, ValueError):
        said = {"status": f"another program answers {answer.status_code}"}
    problem = said.get("warning") or "" if answer.ok else printable(str(said))
    if problem or said.get("status") != "ok":
        return Finding("receiver", "bad", f"{note.url}: {problem or said.get('status')}")
    return Finding("receiver", "good", f"{note.url} answers, release {note.version}")


def _secrets(config: Config, running: ReceiverNote | None) -> Iterator[Finding]:
    """Judge the sources of the receiver that runs, those of the settings where none does; and the
    keys of the senders in the database."""
    sources = running.sources if running else tuple(config.secrets)
    if sources:
        yield Finding("secrets", "good", f"on: {', '.join(sources)}")
    if reason := why_in_file(config):
        yield Finding("key", "good", f"none is in use. {reason}")
        return
    own = own_key(config)
    if own and not own.exists():
        yield Finding("key", "good", f"{own} is made with the first sender")
        return
    files = key_files(config)
    for problem in SenderKeys(files).problems:
        advice = "Without it the senders that it encrypts get 503: copy it back from its backup."
        yield Finding("key", "bad", problem, advice)
    if not SenderKeys(files).problems:
        text = f"{', '.join(map(str, files))}: back it up apart from the database"
        yield Finding("key", "good", text)


def _files(config: Config, running: ReceiverNote | None) -> Iterator[Finding]:
    """Judge the settings files, those of the receiver that runs if one does."""
    senders = partial(
        Senders.parse, folder=config.senders.parent, taken=config.secrets, read=read_regular
    )
    noted = running.files.get("notices") if running else None
    folder = Path(noted).parent if noted else notices_folder(config)
    notices = partial(NoticeSettings.parse, folder=folder, read=read_regular)
    files: list[tuple[str, Path | None, Callable[[str, str], object]]] = [
        ("stages", config.stages, StageMap.parse),
        ("routes", config.routes, Routes.parse),
        ("projects", config.projects, ProjectSettings.parse),
        ("notices", config.notices, notices),
        ("senders", config.senders if config.senders.exists() else None, senders),
    ]
    for what, own, parse in files:
        used = running.files.get(what) if running and what != "senders" else None
        path = Path(used) if used else own
        if path is None:
            continue
        try:
            parse(read_regular(path), path.name)
        except ConfigError as error:
            for problem in error.problems:
                yield Finding(what, "bad", problem)
        else:
            yield Finding(what, "good", str(path))


def _space(config: Config) -> Iterator[Finding]:
    folder = next(each for each in (config.data_dir, *config.data_dir.parents) if each.exists())
    free = shutil.disk_usage(folder).free
    if config.database_url is None and free < FREE_BYTES:
        text = f"{free // 2**20} MiB are free under {config.data_dir}"
        yield Finding("disk", "odd", text, "PostgreSQL stops when none is left.")


def _database(config: Config) -> Iterator[Finding]:
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
