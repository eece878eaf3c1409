"""A receiver with a key, and commands and a store of senders with the same key."""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from flask.testing import FlaskClient

from receiver.cli.main import main
from receiver.config import Config
from receiver.ingest import stored_settings
from receiver.ingest.sender_store import SenderStore
from receiver.storage import db
from receiver.storage.audit import Actor
from tests.support.stored_senders import Command

Serve = Callable[[Config], FlaskClient]


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    path.write_bytes(os.urandom(32))
    return path


@pytest.fixture
def own(config: Config, key: Path) -> Config:
    """A receiver's settings: an external database, and a key."""
    return replace(config, key_files=(key,))


@pytest.fixture
def receiver(serve: Serve, own: Config) -> FlaskClient:
    return serve(own)


@pytest.fixture
def command(own: Config, tmp_path: Path) -> Command:
    """`milepost …` with the same key."""

    def run(*arguments: str, key_files: str = str(own.key_files[0]), **more: str) -> Result:
        env = {
            "DATABASE_URL": str(own.database_url),
            "MILEPOST_DATA_DIR": str(tmp_path),
            "MILEPOST_KEY_FILE": key_files,
        }
        return CliRunner().invoke(main, arguments, env=env | more)

    return run


@pytest.fixture
def store(own: Config) -> Iterator[SenderStore]:
    with db.connect(str(own.database_url)) as connection:
        yield SenderStore(own, connection, Actor("ada", "page"))


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask the database at each request: what a receiver knows after a second, it knows at once."""
    monkeypatch.setattr(stored_settings, "ASK_SECONDS", 0.0)
