"""Receivers tell each other which files they read, and one map of stages counts for all."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
from click.testing import Result
from flask.testing import FlaskClient

from receiver.config import Config
from receiver.storage import settings, settings_files
from receiver.storage.db import connect

FIRST, SECOND = uuid4(), uuid4()
PATH = Path("/etc/stages.toml")
Say = Callable[..., tuple[int, int]]


@pytest.fixture
def say(url: str) -> Say:
    """Say as a receiver what its file holds; return the file's version and the newest one."""

    def note(receiver: UUID, text: str, *, is_alone: bool = False) -> tuple[int, int]:
        with connect(url) as connection:
            return settings_files.note_contents(
                connection, receiver, "stages", PATH, lambda: text, is_alone=is_alone
            )

    return note


def test_what_no_receiver_has_had_is_the_newest(say: Say):
    assert [say(FIRST, "# a"), say(FIRST, "# b"), say(SECOND, "# c")] == [(1, 1), (2, 2), (3, 3)]


def test_equal_files_are_one_version(say: Say):
    assert [say(FIRST, "# a"), say(SECOND, "# a"), say(FIRST, "# a")] == [(1, 1)] * 3


def test_an_earlier_file_waits_until_no_other_receiver_has_the_newest(say: Say, url: str):
    say(FIRST, "# a")
    say(SECOND, "# b")
    assert say(FIRST, "# a") == (1, 2)
    with connect(url) as connection:
        settings_files.forget(connection, SECOND)
    assert say(FIRST, "# a") == (3, 3)
    assert say(SECOND, "# b") == (2, 3)


def test_the_word_of_a_receiver_that_was_killed_ends(say: Say, url: str):
    say(FIRST, "# a")
    say(SECOND, "# b")
    with psycopg.connect(url) as connection:
        connection.execute(
            "UPDATE settings_files SET seen_at = now() - INTERVAL '200 s' WHERE receiver = %s",
            [SECOND],
        )
    assert say(FIRST, "# a") == (3, 3)


def test_a_file_that_is_put_back_counts_at_once_for_a_receiver_alone(say: Say):
    say(FIRST, "# a")
    say(FIRST, "# b")
    assert say(FIRST, "# a") == (3, 3)
    assert say(SECOND, "# b", is_alone=True) == (4, 4), "as after a restart"


def test_a_file_counts_above_a_document_that_was_set_before(say: Say, url: str):
    say(FIRST, "# a")
    with connect(url) as connection:
        settings.write_document(connection, "stages", "# set", "ada")
    assert say(FIRST, "# a") == (3, 3)


def test_what_is_said_again_within_a_minute_writes_nothing(
    serve: Callable[[Config], FlaskClient], config: Config, tmp_path: Path, url: str
):
    def snapshot() -> object:
        with psycopg.connect(url) as connection:
            return connection.execute("SELECT pg_current_snapshot()::text").fetchone()

    path = tmp_path / "stages.toml"
    path.write_text("# a")
    client = serve(replace(config, stages=path, routes=path))
    announced = client.application.extensions["milepost"].rules.announced
    announced.say_again()
    before = snapshot()
    announced.say_again()
    assert snapshot() == before
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE settings_files SET seen_at = now() - INTERVAL '61 s'")
    before = snapshot()
    announced.say_again()
    assert snapshot() != before


def test_a_file_that_does_not_count_is_named(
    say: Say, client: FlaskClient, command: Callable[..., Result]
):
    say(FIRST, "# a")
    say(SECOND, "# b")
    page = client.get("/stages")
    assert "is version 1, and does not count" in page.text
    (older,) = client.get("/stages.json").get_json()["older_files"]
    assert (older["path"], older["version"]) == (str(PATH), 1)
    assert f"! stages: {PATH} on " in command("doctor").stdout
    assert "(version 1, which does not count)" in command("settings", "list").stdout


@pytest.fixture
def reads_only(url: str) -> Iterator[None]:
    """A server that takes no changes, as a standby does."""
    setting = "ALTER ROLE CURRENT_USER {} default_transaction_read_only"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(setting.format("SET").encode() + b" = on")
        yield
        connection.execute(setting.format("RESET").encode())


@pytest.mark.usefixtures("reads_only")
def test_a_receiver_on_a_standby_says_nothing_and_goes_on(
    serve: Callable[[Config], FlaskClient],
    config: Config,
    tmp_path: Path,
    url: str,
):
    path = tmp_path / "stages.toml"
    path.write_text('["*"]\nnames = { Frobnicate = 25 }\n')
    client = serve(replace(config, stages=path))
    rules = client.application.extensions["milepost"].rules
    rules.announced.say()
    assert client.get("/stages").status_code == 200
    assert rules.announced.say_news() is False
    with connect(url) as connection:
        assert settings_files.live(connection) == []


def test_a_file_that_does_not_count_any_more_is_logged_once(
    serve: Callable[[Config], FlaskClient],
    config: Config,
    tmp_path: Path,
    say: Say,
    capsys: pytest.CaptureFixture[str],
):
    path = tmp_path / "stages.toml"
    path.write_text("# a")
    client = serve(replace(config, stages=path))
    rules = client.application.extensions["milepost"].rules
    rules.announced.say()
    say(SECOND, "# b")
    for _ in range(3):
        rules.announced.say()
    assert capsys.readouterr().out.count("older stages file") == 1
