"""A real PostgreSQL for every test that asks for one, and a receiver on it."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from click.testing import CliRunner, Result
from flask import Flask
from flask.testing import FlaskClient

from receiver.app import create_app
from receiver.cli.main import main
from receiver.config import Config
from receiver.storage import migrate
from receiver.storage.embedded import cluster
from tests.support import forges
from tests.support.api import Api
from tests.support.samples import ROUTE_FILE
from tests.support.senders import (
    BEARER,
    COMBINATION,
    PACKER_BEARER,
    SECRET,
    envelope,
    manifest,
    post,
    stage,
    verdict,
)

# All tables with a page, and their bytes; a new one has none.
USED = """
    SELECT format('%I', relname) AS name, pg_relation_size(oid) AS size FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
        AND relname <> 'schema_migrations' AND pg_relation_size(oid) > 0
"""
SMALL = 2**20  # bytes of tables that DELETE empties faster than TRUNCATE, which makes new files


@pytest.fixture(scope="session")
def server_dir() -> Iterator[Path]:
    """A data directory that an unprivileged PostgreSQL can enter."""
    folder = Path(tempfile.mkdtemp(prefix="milepost-test-"))
    folder.chmod(0o755)
    yield folder
    cluster.release(folder)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def server_url(server_dir: Path) -> str:
    """One server for a whole process of tests, migrated: embedded, or one of any release, whose
    superuser TEST_DATABASE_URL names."""
    url = os.environ.get("TEST_DATABASE_URL") or _embedded_server(server_dir)
    migrate.migrate(url)
    return url


def _embedded_server(folder: Path) -> str:
    url = cluster.start(folder)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")  # no test cuts the machine's power
        connection.execute("SELECT pg_reload_conf()")
    return url


def pytest_configure(config: pytest.Config) -> None:
    """Refuse to let several processes share a server: each empties its tables."""
    if os.environ.get("TEST_DATABASE_URL") and config.getoption("numprocesses", None):
        raise pytest.UsageError("TEST_DATABASE_URL is one server: run pytest without -n.")


@pytest.fixture
def url(server_url: str) -> str:
    """The server's URL, its tables empty."""
    return _emptied(server_url)


@pytest.fixture(scope="module")
def module_url(server_url: str) -> str:
    """The same for a receiver that a file's tests share: nothing of another file's in it."""
    return _emptied(server_url)


def _emptied(url: str) -> str:
    with psycopg.connect(url) as connection:
        used: dict[str, int] = dict(connection.execute(USED).fetchall())
        if sum(used.values()) > SMALL:
            connection.execute(f"TRUNCATE {', '.join(used)} CASCADE".encode())
        elif used:
            connection.execute("SET LOCAL session_replication_role = replica")  # in any order
            connection.execute("; ".join(f"DELETE FROM {name}" for name in used).encode())
    return url


@pytest.fixture
def config(url: str, tmp_path: Path) -> Config:
    """A public receiver with one secret of each kind."""
    return Config(
        data_dir=tmp_path,
        database_url=url,
        public_read=True,
        secrets={"milepost": (SECRET, BEARER), "packer": (PACKER_BEARER,)},
    )


@pytest.fixture
def serve() -> Iterator[Callable[[Config], FlaskClient]]:
    """Make an application as a worker has it; return a client without a socket."""
    apps: list[Flask] = []

    def make(config: Config) -> FlaskClient:
        apps.append(create_app(config))
        return apps[-1].test_client()

    yield make
    for each in apps:
        each.extensions["milepost"].database.close()


@pytest.fixture
def client(serve: Callable[[Config], FlaskClient], config: Config) -> FlaskClient:
    """Requests to a public receiver."""
    return serve(config)


@pytest.fixture
def forge(serve: Callable[[Config], FlaskClient], config: Config) -> FlaskClient:
    """Requests to a receiver that takes the forges' webhooks, with routes for the samples' jobs."""
    secrets = {source: (secret, SECRET) for source, secret in forges.SECRETS.items()}
    return serve(replace(config, secrets={**config.secrets, **secrets}, routes=ROUTE_FILE))


@pytest.fixture
def command(url: str, tmp_path: Path) -> Callable[..., Result]:
    """`milepost …` on the same database."""
    env = {"DATABASE_URL": url, "MILEPOST_DATA_DIR": str(tmp_path)}

    def run(*arguments: str, **more: Any) -> Result:
        return CliRunner().invoke(main, arguments, env=env, **more)

    return run


@pytest.fixture
def token(command: Callable[..., Result]) -> Callable[..., str]:
    """Make a token of a scope, as an administrator does."""

    def make(scope: str, *more: str) -> str:
        result = command("token", "create", "--name", f"{scope}-{uuid4()}", "--scope", scope, *more)
        assert result.exit_code == 0, result.output
        return result.stdout.strip()

    return make


@pytest.fixture
def api(client: FlaskClient, token: Callable[..., str]) -> Api:
    """Requests to the API of a public receiver, with tokens."""
    return Api(client, token)


@pytest.fixture
def filled(client: FlaskClient) -> FlaskClient:
    """One good build with an image in two regions, and one that failed."""
    images = manifest(_entry("us-east-1", "ami-1"), _entry("eu-west-1", "ami-2"))
    base = stage("Base", state=15), stage("Base", "completed", 5, state=15)
    done = (*base, verdict("completed", 9))
    good = envelope(*done, number="good", build=COMBINATION, manifest=images)
    failure = {"type": "provisioner", "message": "no route", "component": "ansible"}
    failed = stage("Storage", "failed", 8, state=45, failure=failure)
    bad = envelope(
        *base, failed, verdict("failed", 9), number="bad", run="run-2", build=COMBINATION
    )
    for document in (good, bad):
        assert post(client, document).status_code == 202
    return client


def _entry(region: str, ami: str) -> dict[str, Any]:
    return {"builder_type": "amazon-ebs", "artifact_id": f"{region}:{ami}"}


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A test never sees the settings of whoever runs it, nor their spool."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for name in [name for name in os.environ if name.startswith(("MILEPOST_", "DATABASE_URL"))]:
        monkeypatch.delenv(name)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config
) -> None:
    """Say how to have a failed run's order again; -q hides the header that says it."""
    if exitstatus and config.getoption("randomly_seed", None):
        terminalreporter.write_line(f"this order: --randomly-seed={config.option.randomly_seed}")
