"""The senders file in the data directory: how commands add, rotate and remove senders there.

It is where senders lie that no key encrypts in the database, and those of releases before 0.3. One
command at a time changes it.
"""

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit import TOMLDocument
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, Table

from receiver.config import Config
from receiver.config_files import forget, read_text
from receiver.domain.delivery import Sender
from receiver.errors import ConfigError, Taken
from receiver.ingest.sender_store import file_beside
from receiver.settings.data_directory import kept_reading
from receiver.settings.private_files import write_text
from receiver.sources.new_secrets import generate_secret


def add(config: Config, sender: Sender) -> str:
    """Add a sender with a new secret, and return that. Raises Taken."""
    secret, file_name = generate_secret(sender.source), f"{sender.name}-{sender.source}.secret"
    with _changing(config):
        if file_beside(config).find(sender.source, sender.name):
            raise Taken(
                f"There is a {sender.source} sender called {sender.name}: rotate or remove it."
            )
        write_text(config.senders.parent / file_name, f"{secret}\n")
        document = _document(config)
        tables = document.setdefault("sender", tomlkit.aot())
        tables.append(_table(sender, file_name))
        _write(config, document)
    return secret


def rotate(config: Config, sender: Sender) -> str:
    """Add a new secret above the newest of a sender, and return it."""
    secret = generate_secret(sender.source)
    with _changing(config):
        write_text(_secret_file(config, sender), "\n".join([secret, *_newest(sender), ""]))
        os.utime(config.senders)  # a running receiver then reads the secrets again
    return secret


def finish(config: Config, sender: Sender) -> None:
    """End every secret of a sender but the newest."""
    with _changing(config):
        write_text(_secret_file(config, sender), "\n".join([*_newest(sender), ""]))
        forget(kept_reading(config.data_dir, "senders"))
        os.utime(config.senders)


def remove(config: Config, sender: Sender) -> None:
    """Remove a sender and the file of its secret."""
    with _changing(config):
        path, document = _secret_file(config, sender), _document(config)
        tables = document["sender"]
        assert isinstance(tables, AoT)  # noqa: S101  # it was read as such
        for table in [each for each in tables if _is(each, sender)]:
            tables.remove(table)
        _write(config, document)
        path.unlink(missing_ok=True)
        forget(kept_reading(config.data_dir, "senders"))


@contextmanager
def _changing(config: Config) -> Iterator[None]:
    """Let one command at a time read, change and write the file. A lock on the folder: the file
    itself is replaced by each."""
    config.senders.parent.mkdir(parents=True, exist_ok=True)
    folder = os.open(config.senders.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _newest(sender: Sender) -> list[str]:
    return [each for each in sender.secrets[:1] if isinstance(each, str)]


def _secret_file(config: Config, sender: Sender) -> Path:
    table = next(each for each in _document(config)["sender"] if _is(each, sender))
    return config.senders.parent / str(table["secret_file"])


def _is(table: Mapping[str, Any], sender: Sender) -> bool:
    return (table.get("name"), table.get("source")) == (sender.name, sender.source)


def _table(sender: Sender, file_name: str) -> Table:
    table = tomlkit.table()
    table.update({"name": sender.name, "source": sender.source, "secret_file": file_name})
    if sender.projects:
        table["projects"] = list(sender.projects)
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
