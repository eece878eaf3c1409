"""milepost sender …: the senders file, and the secret of each named sender."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import tomlkit
from tomlkit import TOMLDocument
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, Table

from receiver.cli import completion
from receiver.cli.addresses import own_address
from receiver.cli.database import database_command, note_file_change, settings
from receiver.cli.output import as_json, print_result, print_rows
from receiver.cli.secret_files import generate_secret
from receiver.config import Config
from receiver.config_files import forget, read_text
from receiver.data_directory import kept_reading
from receiver.domain.delivery import Sender
from receiver.errors import ConfigError, MilepostError
from receiver.ingest.senders import NAME, Senders
from receiver.private_files import write_text
from receiver.setting_names import SOURCES
from receiver.storage.audit import Target
from receiver.web.pages.setup_lines import setup_lines

COLUMNS = ("name", "source", "projects", "secrets")


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
    config = settings()
    if not NAME.match(name):
        raise click.BadParameter("1 to 100 of A-Z a-z 0-9 . _ -", param_hint="NAME")
    if _read(config).find(source, name):
        raise MilepostError(f"There is a {source} sender called {name}: rotate or remove it.")
    secret, file_name = generate_secret(source), f"{name}-{source}.secret"
    config.senders.parent.mkdir(parents=True, exist_ok=True)
    write_text(config.senders.parent / file_name, f"{secret}\n")
    document = _document(config)
    tables = document.setdefault("sender", tomlkit.aot())
    tables.append(_table(name, source, file_name, projects))
    _write(config, document)
    after = {"source": source, "projects": projects}
    note_file_change(config, "sender.add", Target("sender", name), None, after)
    _print_setup(config, source, name, secret, as_json=as_json)


@sender.command("list")
@as_json
@database_command
def list_(as_json: bool) -> None:
    """List the named senders, without their secrets."""
    rows = [_row(each) for each in _read(settings()).senders]
    if not as_json:
        rows = [row | {"projects": ", ".join(row["projects"]) or "all"} for row in rows]
    print_rows(rows, COLUMNS, as_json=as_json)


@sender.command()
@click.argument("name", shell_complete=completion.senders)
@click.option("--source", type=click.Choice(SOURCES), help="If two sources have this name.")
@click.option("--finish", is_flag=True, help="End the old secret instead of making a new one.")
@as_json
@database_command
def rotate(name: str, source: str | None, finish: bool, as_json: bool) -> None:
    """Make a new secret and print it; the old one stays valid until --finish."""
    config = settings()
    sender, path = _find(config, name, source)
    newest = sender.secrets[:1]
    if finish:
        write_text(path, "\n".join([*newest, ""]))
        forget(kept_reading(config.data_dir, "senders"))
        print_result(f"{name} has one secret.", {"name": name, "secrets": 1}, as_json=as_json)
    else:
        secret = generate_secret(sender.source)
        write_text(path, "\n".join([secret, *newest, ""]))
        _print_setup(config, sender.source, name, secret, as_json=as_json)
        if not as_json:
            click.echo(f"The old secret is valid until: milepost sender rotate {name} --finish")
    os.utime(config.senders)  # a running receiver then reads the secrets again
    before, after = len(sender.secrets), 1 if finish else len(newest) + 1
    note_file_change(
        config, "sender.rotate", Target("sender", name), {"secrets": before}, {"secrets": after}
    )


@sender.command()
@click.argument("name", shell_complete=completion.senders)
@click.option("--source", type=click.Choice(SOURCES), help="If two sources have this name.")
@as_json
@database_command
def remove(name: str, source: str | None, as_json: bool) -> None:
    """Remove a sender at once; its deliveries stay."""
    config = settings()
    sender, path = _find(config, name, source)
    document = _document(config)
    tables = document["sender"]
    assert isinstance(tables, AoT)  # noqa: S101  # it was read as such
    for table in [each for each in tables if _is(each, sender)]:
        tables.remove(table)
    _write(config, document)
    path.unlink(missing_ok=True)
    forget(kept_reading(config.data_dir, "senders"))
    before = {"source": sender.source, "projects": sender.projects}
    note_file_change(config, "sender.remove", Target("sender", name), before, None)
    print_result(f"{name} is removed.", {"name": name, "removed": True}, as_json=as_json)


def _print_setup(config: Config, source: str, name: str, secret: str, *, as_json: bool) -> None:
    lines = setup_lines(own_address(config), source, name, secret)
    document = {"name": name, "source": source, "secret": secret, "lines": lines}
    print_result(lines, document, as_json=as_json)


def _read(config: Config) -> Senders:
    path = config.senders
    if not path.exists():
        return Senders()
    text = read_text(path)
    return Senders.parse(text, path.name, folder=path.parent, taken=config.secrets)


def _find(config: Config, name: str, source: str | None) -> tuple[Sender, Path]:
    """Return the sender of this name, and the file of its secret."""
    named = [each for each in _read(config).senders if each.name == name]
    senders = [each for each in named if source in (None, each.source)]
    if not senders:
        raise MilepostError(f"There is no sender called {name}.")
    if len(senders) > 1:
        raise click.UsageError(f"{name} is a sender of several sources: say --source.")
    table = next(each for each in _document(config)["sender"] if _is(each, senders[0]))
    return senders[0], config.senders.parent / str(table["secret_file"])


def _is(table: Mapping[str, Any], sender: Sender) -> bool:
    return (table.get("name"), table.get("source")) == (sender.name, sender.source)


def _table(name: str, source: str, file_name: str, projects: tuple[str, ...]) -> Table:
    table = tomlkit.table()
    table.update({"name": name, "source": source, "secret_file": file_name})
    if projects:
        table["projects"] = list(projects)
    return table


def _document(config: Config) -> TOMLDocument:
    """Return the file with its comments."""
    if not config.senders.exists():
        return tomlkit.document()
    try:
        return tomlkit.parse(read_text(config.senders))
    except TOMLKitError as error:
        raise ConfigError([f"{config.senders.name}: {error}"]) from error


def _write(config: Config, document: TOMLDocument) -> None:
    write_text(config.senders, tomlkit.dumps(document).rstrip("\n") + "\n")


def _row(sender: Sender) -> dict[str, Any]:
    return {
        "name": sender.name,
        "source": sender.source,
        "projects": list(sender.projects),
        "secrets": len(sender.secrets),
    }
