"""milepost notices and notice: what was told, and a test of a notice."""

import os
import sys
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import click
from uuid_utils.compat import uuid7

from receiver.cli.addresses import own_address
from receiver.cli.client import open_client
from receiver.cli.database import connection, database_command, database_url
from receiver.cli.output import as_json, command, print_json, print_rows
from receiver.config import Config, load
from receiver.config_files import read_text
from receiver.domain.notices import wording
from receiver.domain.notices.notice import TYPES
from receiver.errors import ConfigError, MilepostError
from receiver.ingest.notice_settings import NoticeSettings
from receiver.ingest.settings_documents import read_notices
from receiver.settings.data_directory import ReceiverNote
from receiver.storage.notice_list import STATES

COLUMNS = ("created_at", "notice", "state", "text", "build_number", "reason")


@click.command()
@click.option("--notice", help="The name of one notice.")
@click.option("--type", "kind", type=click.Choice(TYPES))
@click.option("--state", type=click.Choice(STATES))
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True)
@as_json
@command
def notices(
    notice: str | None, kind: str | None, state: str | None, limit: int, as_json: bool
) -> None:
    """List what was told, what waits and what failed, newest first."""
    chosen = {"notice": notice, "type": kind, "state": state}
    with open_client() as client:
        rows = client.notices({name: text for name, text in chosen.items() if text}, limit)
    shown = rows if as_json else [row | {"reason": _why(row)} for row in rows]
    print_rows(shown, COLUMNS, as_json=as_json)


def _why(row: dict[str, object]) -> str:
    messages = row["messages"] if isinstance(row["messages"], list) else []
    problems = [f"{each['kind']}: {each['problem']}" for each in messages if each["problem"]]
    return str(row["reason"] or "; ".join(problems))


@click.group()
def notice() -> None:
    """Try the notices of the settings."""


@notice.command("test")
@click.argument("name")
@as_json
@database_command
def test_notice(name: str, as_json: bool) -> None:
    """Send a test message of one notice to each of its addresses, from this host.

    Exit with 1 if one of them did not take it.
    """
    from receiver.server.notice_sending import Message, send  # the libraries take a while to load

    config = load(os.environ)
    found = _settings(config).find(name)
    if found is None:
        raise MilepostError(f"The notices have none that is called {name}.")
    now = datetime.now(UTC)
    message = Message(uuid7(), *wording.of_test(name, own_address(config), now))
    answers = [(each.kind, send(each, found.secrets, message, now)) for each in found.targets]
    rows = [{"kind": kind, "problem": answer.problem} for kind, answer in answers]
    if as_json:
        print_json(rows)
    else:
        for row in rows:
            click.echo(f"{row['kind']}: {row['problem'] or 'sent'}")
    if any(row["problem"] for row in rows):
        sys.exit(1)


def _settings(config: Config) -> NoticeSettings:
    """Return the notices of the settings, else those of the receiver that runs on this host, else
    those in the database."""
    note = ReceiverNote.read(config.data_dir)
    used = note.files.get("notices") if note else None
    path = config.notices or (Path(used) if used else None)
    if path is None:
        with connection(database_url(config)) as database:
            (version, stored), problems = read_notices(config, database)
        if problems:
            raise ConfigError(problems)
        if not version:
            raise MilepostError(
                "No notices are set: set MILEPOST_NOTICES, or milepost settings set notices FILE."
            )
        return stored
    parse = partial(NoticeSettings.parse, folder=path.parent)
    return parse(read_text(path), path.name)
