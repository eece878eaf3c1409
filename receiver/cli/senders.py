"""milepost sender …: named senders, each with a secret of its own.

They are in the database. Beside it a senders file in the data directory counts: of releases before
0.3, and where no key encrypts secrets in the database.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import click

from receiver.cli import completion, sender_file
from receiver.cli.addresses import own_address
from receiver.cli.database import (
    actor,
    database_command,
    database_url,
    has_data,
    note_file_change,
    settings,
)
from receiver.cli.output import as_json, print_result, print_rows, printable
from receiver.config import Config
from receiver.domain.delivery import Sender
from receiver.errors import ConfigError, MilepostError
from receiver.ingest.sender_store import SenderStore, file_beside, read_senders, why_in_file
from receiver.ingest.senders import NAME
from receiver.ingest.settings_documents import encrypt_again
from receiver.settings.names import SOURCES
from receiver.storage import db, driver_errors, migrate
from receiver.storage.audit import Target
from receiver.web.pages.setup_lines import setup_lines

COLUMNS = ("name", "source", "projects", "secrets", "place", "state")
DATABASE, FILE = "database", "file"
of_source = click.option(
    "--source", type=click.Choice(SOURCES), help="If two sources have this name."
)


@dataclass(frozen=True, slots=True)
class Placed:
    """A sender, and whether it is in the database or in the file."""

    sender: Sender
    place: str


@click.group("sender")
def sender() -> None:
    """Named senders, each with a secret of its own."""


@sender.command()
@click.argument("name")
@click.option("--source", type=click.Choice(SOURCES), default="milepost", show_default=True)
@click.option(
    "--project", "projects", multiple=True, help="A project that it may write; all by default."
)
@as_json
@database_command
def add(name: str, source: str, projects: tuple[str, ...], as_json: bool) -> None:
    """Create a sender and print its setup, this once."""
    config = _writable(settings())
    if not NAME.match(name):
        raise click.BadParameter("1 to 100 of A-Z a-z 0-9 . _ -", param_hint="NAME")
    if reason := why_in_file(config):
        secret = _add_to_file(config, Sender(source, name, (), projects))
        click.echo(f"milepost: {config.senders} has it, for this receiver. {reason}", err=True)
    else:
        with _store(config) as store:
            secret = store.create(source, name, projects)
    _print_setup(config, source, name, secret, as_json=as_json)


@sender.command("list")
@as_json
@database_command
def list_(as_json: bool) -> None:
    """List the named senders, without their secrets."""
    rows = [_row(each) for each in _all(settings())]
    if not as_json:
        rows = [row | {"projects": ", ".join(row["projects"]) or "all"} for row in rows]
    print_rows(rows, COLUMNS, as_json=as_json)


@sender.command()
@click.argument("name", shell_complete=completion.senders)
@of_source
@click.option("--finish", is_flag=True, help="End the old secret instead of making a new one.")
@as_json
@database_command
def rotate(name: str, source: str | None, finish: bool, as_json: bool) -> None:
    """Make a new secret and print it; the old one stays valid until --finish."""
    config = _writable(settings())
    found = _find(config, name, source)
    if finish:
        _finish(config, found)
        print_result(f"{name} has one secret.", {"name": name, "secrets": 1}, as_json=as_json)
        return
    _print_setup(config, found.sender.source, name, _rotate(config, found), as_json=as_json)
    if not as_json:
        click.echo(f"The old secret is valid until: milepost sender rotate {name} --finish")


@sender.command()
@click.argument("name", shell_complete=completion.senders)
@of_source
@as_json
@database_command
def remove(name: str, source: str | None, as_json: bool) -> None:
    """Remove a sender at once; its deliveries stay."""
    config = _writable(settings())
    found = _find(config, name, source)
    if file_beside(config).find(found.sender.source, name):  # else it would count again
        sender_file.remove(config, found.sender)
    if found.place == DATABASE:
        with _store(config) as store:
            store.remove(found.sender.source, name)
    else:
        before = {"source": found.sender.source, "projects": found.sender.projects}
        note_file_change(config, "sender.remove", Target("sender", name), before, None)
    print_result(f"{name} is removed.", {"name": name, "removed": True}, as_json=as_json)


@sender.command()
@click.argument("name", required=False, shell_complete=completion.senders)
@of_source
@click.option("--all", "is_all", is_flag=True, help="Every disabled one.")
@as_json
@database_command
def enable(name: str | None, source: str | None, is_all: bool, as_json: bool) -> None:
    """Enable senders that `milepost restore --disable-senders` has disabled."""
    if bool(name) == is_all:
        raise click.UsageError("Name a sender, or say --all.")
    with _store(_writable(settings())) as store:
        enabled = store.enable(source, name)
    if not enabled and name:
        raise MilepostError(f"There is no disabled sender called {name}.")
    lines = [f"{row['source']} {row['name']} is enabled." for row in enabled]
    print_result("\n".join(lines) or "None is disabled.", {"enabled": enabled}, as_json=as_json)


@sender.command("import")
@as_json
@database_command
def import_(as_json: bool) -> None:
    """Copy the senders of the data directory's file into the database, for every receiver.

    Their secrets stay valid. The file stays as it is, for a release before 0.3; its defaults count
    on. Where both have a sender, that of the database counts.
    """
    config = _writable(settings())
    with _store(config) as store:
        copied = [each.name for each in file_beside(config).senders if store.take_over(each)]
    lines = [f"{name} is in the database." for name in copied] or ["There is none to copy."]
    print_result("\n".join(lines), {"copied": copied}, as_json=as_json)


@sender.command("rotate-key")
@as_json
@database_command
def rotate_key(as_json: bool) -> None:
    """Encrypt every secret again with the first key of MILEPOST_KEY_FILE.

    The others can then be taken out of it, on every receiver. Where a file has the senders, the
    notices alone are encrypted again.
    """
    config = settings()
    with _store(config) as store:
        has_notices = encrypt_again(config, store.connection, store.actor.name)
        count = 0 if config.senders_file and has_notices else store.encrypt_again()
    what = f"{count} secrets" + (" and the notices" if has_notices else "")
    said = {"secrets": count, "notices": has_notices}
    print_result(f"{what} are encrypted with the first key.", said, as_json=as_json)


def _writable(config: Config) -> Config:
    """Return the settings. Raises ConfigError where the file is the whole truth."""
    if config.senders_file:
        raise ConfigError([why_in_file(config) or ""])
    return config


@contextmanager
def _store(config: Config) -> Iterator[SenderStore]:
    """Yield the senders of the database; what is changed is committed at the end."""
    with db.connect(_url(config)) as connection:
        yield SenderStore(config, connection, actor())


def _url(config: Config) -> str:
    """Return the database's URL; the embedded one is made if this is the first command."""
    is_new = config.database_url is None and not has_data(config)
    url = database_url(config, create=True)
    if is_new:
        migrate.migrate(url)
    return url


def _add_to_file(config: Config, sender: Sender) -> str:
    if any(_is(each, sender.name, sender.source) for each in _stored(config)):
        raise MilepostError(f"There is a {sender.source} sender called {sender.name}.")
    secret = sender_file.add(config, sender)
    after = {"source": sender.source, "projects": sender.projects}
    note_file_change(config, "sender.add", Target("sender", sender.name), None, after)
    return secret


def _rotate(config: Config, found: Placed) -> str:
    """Return a new secret."""
    if found.place == DATABASE:
        with _store(config) as store:
            return store.rotate(found.sender.source, found.sender.name)
    secret = sender_file.rotate(config, found.sender)
    _note_secrets(config, found.sender, len(found.sender.secrets[:1]) + 1)
    return secret


def _finish(config: Config, found: Placed) -> None:
    if found.place == DATABASE:
        with _store(config) as store:
            store.finish(found.sender.source, found.sender.name)
    else:
        sender_file.finish(config, found.sender)
        _note_secrets(config, found.sender, 1)


def _note_secrets(config: Config, sender: Sender, count: int) -> None:
    before, after = {"secrets": len(sender.secrets)}, {"secrets": count}
    note_file_change(config, "sender.rotate", Target("sender", sender.name), before, after)


def _all(config: Config) -> list[Placed]:
    """Return the senders that count: of two with one name that of the database."""
    stored = [] if config.senders_file else _stored(config)
    names = {(each.source, each.name) for each in stored}
    beside = [each for each in file_beside(config).senders if (each.source, each.name) not in names]
    return [Placed(each, DATABASE) for each in stored] + [Placed(each, FILE) for each in beside]


def _stored(config: Config) -> Sequence[Sender]:
    """Return the senders of the database. While it is away, those of the file can be changed."""
    if config.database_url is None and not has_data(config):
        return ()
    try:
        with driver_errors.translated_errors(), db.connect(database_url(config)) as connection:
            return read_senders(config, connection)[0].senders
    except MilepostError as error:
        reason = printable(str(error))
        click.echo(f"milepost: without the senders of the database: {reason}", err=True)
        return ()


def _find(config: Config, name: str, source: str | None) -> Placed:
    found = [each for each in _all(config) if _is(each.sender, name, source)]
    if not found:
        raise MilepostError(f"There is no sender called {name}.")
    if len(found) > 1:
        raise click.UsageError(f"{name} is a sender of several sources: say --source.")
    return found[0]


def _is(sender: Sender, name: str, source: str | None) -> bool:
    return sender.name == name and source in (None, sender.source)


def _print_setup(config: Config, source: str, name: str, secret: str, *, as_json: bool) -> None:
    lines = setup_lines(own_address(config), source, name, secret)
    document = {"name": name, "source": source, "secret": secret, "lines": lines}
    print_result(lines, document, as_json=as_json)


def _row(placed: Placed) -> dict[str, Any]:
    sender = placed.sender
    return {
        "name": sender.name,
        "source": sender.source,
        "projects": list(sender.projects),
        "secrets": len(sender.secrets) + sender.unread,
        "place": placed.place,
        "state": _state(sender),
    }


def _state(sender: Sender) -> str:
    if sender.is_disabled:
        return "disabled"
    return "no key decrypts its secret" if sender.unread else "on"
