"""Defaults of a role, a database or the environment change no answer."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from psycopg.conninfo import make_conninfo

from receiver.cli.main import main
from receiver.config import Config
from receiver.storage import migrate
from receiver.storage.db import Database
from tests.support.senders import SECRET, envelope, post, stage, verdict

DEFAULTS = {
    "datestyle": "German, DMY",
    "timezone": "Asia/Tokyo",
    "intervalstyle": "sql_standard",
    "client_encoding": "LATIN1",
    "default_transaction_isolation": "serializable",
    "standard_conforming_strings": "off",
}
ENVIRONMENT = {
    "PGDATESTYLE": "SQL, DMY",
    "PGTZ": "America/St_Johns",
    "PGCLIENTENCODING": "LATIN1",
    "PGOPTIONS": "-c datestyle=Postgres -c intervalstyle=sql_standard",
}
NAME = "Größe Ωmega ビルド"
LOST = "disk Ω full: C:\\temp"
ANSWERS = ("/api/v1/builds/core-1", "/api/v1/failures", "/api/v1/stats")
CHANGING = {
    "id",
    "delivery_id",
    "created_at",
    "updated_at",
    "last_heard_at",
    "received_at",
    "last_delivery_at",
}


@pytest.fixture
def hostile(server_url: str) -> Iterator[str]:
    """A database whose defaults are not ours."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS hostile WITH (FORCE)")
        connection.execute("CREATE DATABASE hostile")
        for name, value in DEFAULTS.items():
            connection.execute(f"ALTER DATABASE hostile SET {name} = '{value}'".encode())
    url = make_conninfo(server_url, dbname="hostile")
    migrate.migrate(url)
    yield url
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute("DROP DATABASE hostile WITH (FORCE)")


@pytest.fixture(params=["role", "environment"])
def where(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the environment has its own as well; libpq lets it win over the role's."""
    if request.param == "environment":
        for name, value in ENVIRONMENT.items():
            monkeypatch.setenv(name, value)


def answers(client: FlaskClient) -> list[Any]:
    """Record a build of texts outside Latin-1 that failed; return what the API says of it."""
    failure = {"type": "other", "message": LOST, "component": NAME}
    document = envelope(
        stage("Base", minutes=0, state=15),
        stage("Base", "failed", 5, state=15, failure=failure),
        verdict("failed", 9),
        build={"project": NAME, "platform": "aws", "os_version": "rhel-9.4", "image_type": "web"},
    )
    assert post(client, document).status_code == 202
    return [unchanging(client.get(path).get_json()) for path in ANSWERS]


def unchanging(document: Any) -> Any:
    """Return a document without ids, and without times of this test's clock."""
    if isinstance(document, list):
        return [unchanging(each) for each in document]
    if not isinstance(document, dict):
        return document
    return {name: unchanging(value) for name, value in document.items() if name not in CHANGING}


@pytest.mark.usefixtures("where")
@pytest.mark.parametrize("prepare", [True, False])
def test_answers_are_those_of_a_database_with_our_defaults(
    hostile: str,
    url: str,
    serve: Callable[[Config], FlaskClient],
    tmp_path: Path,
    prepare: bool,
):
    more: dict[str, Any] = {"public_read": True, "secrets": {"milepost": (SECRET,)}}
    found = [
        answers(serve(Config(tmp_path, each, prepare=prepare, **more))) for each in (url, hostile)
    ]
    assert found[1] == found[0]
    assert LOST in found[1][0]["failures"][0]["error_message"]
    with psycopg.connect(hostile, client_encoding="UTF8") as connection:
        rows = connection.execute("SELECT name FROM projects").fetchall()
    assert rows == [(NAME,)]


@pytest.mark.usefixtures("where")
@pytest.mark.parametrize("prepare", [True, False])
def test_a_transaction_has_our_settings(hostile: str, prepare: bool):
    database = Database(hostile, size=1, prepare=prepare)
    database.open()
    with database.transaction() as connection:
        row = connection.execute(
            "SELECT current_setting('transaction_isolation') AS isolation, "
            "current_setting('timezone') AS timezone, "
            "current_setting('client_encoding') AS encoding, "
            "left(current_setting('datestyle'), 3) AS datestyle"
        ).fetchone()
    database.close()
    assert row == {
        "isolation": "read committed",
        "timezone": "UTC",
        "encoding": "UTF8",
        "datestyle": "ISO",
    }


@pytest.mark.usefixtures("where")
def test_commands_have_our_settings(hostile: str):
    def run(*arguments: str) -> str:
        result = CliRunner().invoke(main, arguments, env={"DATABASE_URL": hostile})
        assert result.exit_code == 0, result.output
        return result.output

    assert "up to date" in run("migrate")
    run("create", "core-1", "--project", NAME)
    run("rename", "project", NAME, f"{NAME} 2")
    assert f"{NAME} 2" in run("build", "core-1", "--json")
    assert '"at": "20' in run("audit", "--json")
