"""Notices in the database: encrypted, masked, and silenced in a copy."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner, Result
from flask.testing import FlaskClient

from receiver.cli.main import main
from receiver.config import Config
from receiver.ingest.settings_documents import silence
from receiver.storage.db import connect
from tests.support.senders import envelope, post, stage

Command = Callable[..., Result]
SECRET = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo="
NOTICES = f"""# was slack://Aold/Bold/Cold
[[notice]]
name = "night"
on = ["failed"]
to = ["https://chat.example.com/T0KEN"]
secret = "{SECRET}"
"""


def answer(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.fixture
def key(tmp_path: Path) -> dict[str, str]:
    """The settings of a host with a key."""
    path = tmp_path / "key"
    path.write_bytes(bytes(range(40)))
    return {"MILEPOST_KEY_FILE": str(path)}


@pytest.fixture
def keyed(url: str, tmp_path: Path, key: dict[str, str]) -> Command:
    """`milepost …` with that key."""
    env = {"DATABASE_URL": url, "MILEPOST_DATA_DIR": str(tmp_path)} | key
    return lambda *words, **more: CliRunner().invoke(main, words, env=env | more)


@pytest.fixture
def notices(tmp_path: Path) -> str:
    path = tmp_path / "my-notices.toml"
    path.write_text(NOTICES)
    return str(path)


def test_notices_are_refused_without_a_key(command: Command, notices: str):
    result = command("settings", "set", "notices", notices)
    assert (result.exit_code, "set MILEPOST_KEY_FILE" in result.stderr) == (78, True)


def test_notices_are_encrypted_and_shown_without_their_secrets(
    keyed: Command, notices: str, url: str
):
    assert keyed("settings", "set", "notices", notices).exit_code == 0
    with psycopg.connect(url) as connection:
        (text,) = connection.execute("SELECT document FROM settings_documents").fetchone() or ("",)
    hidden = (SECRET, "T0KEN", "chat.example.com", "Cold")
    shown = [keyed("settings", "show", "notices", *more).stdout for more in ([], ["--json"])]
    for each in (text, *shown):
        assert not [word for word in hidden if word in each]
    assert 'to = ["https://***"]' in shown[0]
    assert keyed("settings", "show", "notices", "--reveal").stdout == NOTICES
    assert answer(keyed("settings", "set", "notices", notices, "--json"))["changed"] is False


def test_notices_that_differ_in_secrets_alone_say_so(keyed: Command, notices: str):
    keyed("settings", "set", "notices", notices)
    Path(notices).write_text(NOTICES.replace("T0KEN", "N3W"))
    keyed("settings", "set", "notices", notices)
    result = keyed("settings", "diff", "notices")
    assert (result.stdout, "secrets or addresses" in result.stderr) == ("", True)
    assert "N3W" in keyed("settings", "diff", "notices", "--reveal").stdout


def test_a_notice_names_no_file_of_one_host(keyed: Command, notices: str):
    Path(notices).write_text(NOTICES.replace(f'secret = "{SECRET}"', 'secret_file = "s"'))
    result = keyed("settings", "set", "notices", notices)
    assert (result.exit_code, "secret_file s cannot be read" in result.stderr) == (78, True)


def test_a_receiver_tells_by_the_notices_in_the_database(
    serve: Callable[[Config], FlaskClient],
    config: Config,
    command: Command,
    keyed: Command,
    notices: str,
    key: dict[str, str],
):
    keyed("settings", "set", "notices", notices)
    own, other = serve(replace(config, key_files=(Path(key["MILEPOST_KEY_FILE"]),))), serve(config)
    rules = [client.application.extensions["milepost"].rules for client in (own, other)]
    for client in (own, other):
        assert post(client, envelope(stage("Storage"), number=str(id(client)))).status_code == 202
    assert [each.name for each in rules[0].notices().notices] == ["night"]
    assert {"failed", "recovered"} >= rules[0].noted() > set()
    assert rules[1].noted() >= rules[0].noted(), "without the key it leaves nothing out"
    assert "No key here decrypts" in str(rules[1].problems()["notices"])
    found = command("doctor")
    assert "✗ notices: No key here decrypts the notices in the database" in found.stdout


def test_a_copy_is_silenced_until_it_is_taken_back(keyed: Command, notices: str, url: str):
    keyed("settings", "set", "notices", notices)
    with connect(url) as connection:
        assert [silence(connection, "ada") for _ in range(2)] == [True, False]
    assert keyed("settings", "show", "notices", "--reveal").stdout.strip() == ""
    assert keyed("notice", "test", "night").exit_code == 1
    assert keyed("settings", "rollback", "notices").exit_code == 0
    assert keyed("settings", "show", "notices", "--reveal").stdout == NOTICES


def test_another_key_encrypts_the_notices_again(
    keyed: Command, notices: str, key: dict[str, str], tmp_path: Path
):
    keyed("settings", "set", "notices", notices)
    new = tmp_path / "new"
    new.write_bytes(bytes(range(100, 150)))
    both = {"MILEPOST_KEY_FILE": f"{new},{key['MILEPOST_KEY_FILE']}"}
    assert answer(keyed("sender", "rotate-key", "--json", **both))["notices"] is True
    only = {"MILEPOST_KEY_FILE": str(new)}
    assert keyed("settings", "show", "notices", "--reveal", **only).stdout == NOTICES
    assert keyed("settings", "show", "notices").exit_code == 78
