"""milepost sender …: named senders with secrets of their own, in the senders file."""

import base64
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import tomlkit
from tomlkit import TOMLDocument
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, Table

from receiver.cli.output import as_json, command, noted, settings, show, tell
from receiver.config import SOURCES, Config
from receiver.domain.model import Sender
from receiver.errors import ConfigError, MilepostError
from receiver.ingest.senders import NAME, Senders
from receiver.storage.audit import Target
from receiver.web.pages.setup import setup_lines

COLUMNS = ("name", "source", "projects", "secrets")


@click.group("sender")
def group() -> None:
    """Who may post here, each with a secret of their own."""


@group.command()
@click.argument("name")
@click.option("--source", type=click.Choice(SOURCES), default="milepost", show_default=True)
@click.option("--project", "projects", multiple=True, help="One that it may write; else every one.")
@as_json
@command
def add(name: str, source: str, projects: tuple[str, ...], as_json: bool) -> None:
    """Make a sender and print what it has to paste, this once."""
    config = settings()
    if not NAME.match(name):
        raise click.BadParameter("1 to 100 of A-Z a-z 0-9 . _ -", param_hint="NAME")
    if _read(config).find(source, name):
        raise MilepostError(f"There is a {source} sender called {name}: rotate or remove it.")
    secret, file_name = generate(source), f"{name}-{source}.secret"
    keep(config.senders.parent / file_name, secret)
    document = _document(config)
    tables = document.setdefault("sender", tomlkit.aot())
    tables.append(_table(name, source, file_name, projects))
    _write(config, document)
    after = {"source": source, "projects": projects}
    noted(config, "sender.add", Target("sender", name), None, after)
    _tell(config, source, name, secret, as_json=as_json)


@group.command("list")
@as_json
@command
def list_(as_json: bool) -> None:
    """Every named sender, without its secret."""
    rows = [_row(each) for each in _read(settings()).senders]
    if not as_json:
        rows = [row | {"projects": ", ".join(row["projects"]) or "all"} for row in rows]
    show(rows, COLUMNS, as_json=as_json)


@group.command()
@click.argument("name")
@click.option("--source", type=click.Choice(SOURCES), help="Where the name is used twice.")
@click.option("--finish", is_flag=True, help="End the old secret, instead of making a new one.")
@as_json
@command
def rotate(name: str, source: str | None, finish: bool, as_json: bool) -> None:
    """Make a new secret and print it; the old one stays valid until --finish."""
    config = settings()
    sender, path = _found(config, name, source)
    kept = sender.secrets[:1]
    if finish:
        keep(path, "\n".join(kept))
        tell(f"{name} has one secret.", {"name": name, "secrets": 1}, as_json=as_json)
    else:
        secret = generate(sender.source)
        keep(path, "\n".join([secret, *kept]))
        _tell(config, sender.source, name, secret, as_json=as_json)
        if not as_json:
            click.echo(f"The old secret is valid until: milepost sender rotate {name} --finish")
    _touch(config)
    before, after = len(sender.secrets), 1 if finish else len(kept) + 1
    noted(config, "sender.rotate", Target("sender", name), {"secrets": before}, {"secrets": after})


@group.command()
@click.argument("name")
@click.option("--source", type=click.Choice(SOURCES), help="Where the name is used twice.")
@as_json
@command
def remove(name: str, source: str | None, as_json: bool) -> None:
    """Shut a sender out at once; what it sent stays."""
    config = settings()
    sender, path = _found(config, name, source)
    document = _document(config)
    tables = document["sender"]
    assert isinstance(tables, AoT)  # noqa: S101  # it was read as such
    for table in [each for each in tables if _is(each, sender)]:
        tables.remove(table)
    _write(config, document)
    path.unlink(missing_ok=True)
    before = {"source": sender.source, "projects": sender.projects}
    noted(config, "sender.remove", Target("sender", name), before, None)
    tell(f"{name} is shut out.", {"name": name, "removed": True}, as_json=as_json)


def generate(source: str) -> str:
    """A new secret in the source's own form."""
    if source in ("milepost", "cloudevents"):
        return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    token = secrets.token_urlsafe(32)
    return {"packer": f"bearer:{token}", "jenkins": f"milepost:{token}"}.get(source, token)


def keep(path: Path, text: str) -> None:
    """Write a file that its owner alone reads, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def _tell(config: Config, source: str, name: str, secret: str, *, as_json: bool) -> None:
    lines = setup_lines(config.external_url, source, name, secret)
    document = {"name": name, "source": source, "secret": secret, "lines": lines}
    tell(lines, document, as_json=as_json)


def _read(config: Config) -> Senders:
    path = config.senders
    if not path.exists():
        return Senders()
    text = path.read_text(encoding="utf-8")
    return Senders.parse(text, path.name, folder=path.parent, taken=config.secrets)


def _found(config: Config, name: str, source: str | None) -> tuple[Sender, Path]:
    """The sender of this name and the file of its secret."""
    named = [each for each in _read(config).senders if each.name == name]
    found = [each for each in named if source in (None, each.source)]
    if not found:
        raise MilepostError(f"There is no sender called {name}.")
    if len(found) > 1:
        raise click.UsageError(f"{name} is a sender of several sources: say --source.")
    table = next(each for each in _document(config)["sender"] if _is(each, found[0]))
    return found[0], config.senders.parent / str(table["secret_file"])


def _is(table: Mapping[str, Any], sender: Sender) -> bool:
    return (table.get("name"), table.get("source")) == (sender.name, sender.source)


def _table(name: str, source: str, file_name: str, projects: tuple[str, ...]) -> Table:
    table = tomlkit.table()
    table.update({"name": name, "source": source, "secret_file": file_name})
    if projects:
        table["projects"] = list(projects)
    return table


def _document(config: Config) -> TOMLDocument:
    """The file as it was written, comments and all."""
    if not config.senders.exists():
        return tomlkit.document()
    try:
        return tomlkit.parse(config.senders.read_text(encoding="utf-8"))
    except TOMLKitError as error:
        raise ConfigError([f"{config.senders.name}: {error}"]) from error


def _write(config: Config, document: TOMLDocument) -> None:
    keep(config.senders, tomlkit.dumps(document).rstrip("\n"))


def _touch(config: Config) -> None:
    """A receiver that runs reads the secrets again when the file has a new time."""
    os.utime(config.senders)


def _row(sender: Sender) -> dict[str, Any]:
    return {
        "name": sender.name,
        "source": sender.source,
        "projects": list(sender.projects),
        "secrets": len(sender.secrets),
    }
