"""milepost doctor: checks of an installation, with advice."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import click
import requests

from receiver.cli.doctor_database import database_findings
from receiver.cli.findings import Finding
from receiver.cli.output import as_json, command, print_json, printable
from receiver.config import Config, load
from receiver.config_files import read_regular
from receiver.domain.stage_map import StageMap
from receiver.errors import ConfigError
from receiver.ingest.notice_settings import NoticeSettings
from receiver.ingest.project_settings import ProjectSettings
from receiver.ingest.routing import Routes
from receiver.ingest.rules import notices_folder
from receiver.ingest.sender_keys import SenderKeys, key_files, own_key
from receiver.ingest.sender_store import why_in_file
from receiver.ingest.senders import Senders
from receiver.settings.data_directory import ReceiverNote
from receiver.settings.names import unknown_text

FREE_BYTES = 2**30
SIGNS = {"good": ("✓", "green"), "odd": ("!", "yellow"), "bad": ("✗", "red")}


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
    yield from database_findings(config)


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
