"""A senders file: as the whole truth, beside the database, and copied into it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from click.testing import Result
from flask.testing import FlaskClient

from receiver.config import Config
from receiver.errors import ConfigError, Invalid
from receiver.ingest.sender_store import SenderStore
from receiver.storage import db
from receiver.storage.audit import Actor
from tests.support.senders import (
    OTHER_SECRET,
    add_sender,
    envelope,
    manifest,
    stage,
)
from tests.support.stored_senders import Command, deliver, listed

Serve = Callable[[Config], FlaskClient]


def test_a_file_that_is_given_is_the_whole_truth(
    serve: Serve, own: Config, command: Command, tmp_path: Path
):
    path, secret = add_sender(command, "team-a")
    file = tmp_path / "given.toml"
    file.write_text('[[sender]]\nsource = "packer"\nname = "of-file"\nsecret_file = "of-file"\n')
    (tmp_path / "of-file").write_text("bearer:of-the-file\n")
    client = serve(replace(own, senders_file=file))
    assert deliver(client, path, secret, envelope(stage("x"))).status_code == 404
    taken = deliver(client, "/webhooks/packer/of-file", "bearer:of-the-file", manifest({}))
    assert taken.status_code == 202
    given = {"MILEPOST_SENDERS": str(file)}
    assert [row["name"] for row in listed(command, **given)] == ["of-file"]
    before = file.read_text()
    for arguments in (["add", "team-c"], ["remove", "of-file"], ["rotate", "of-file"], ["import"]):
        refused = command("sender", *arguments, **given)
        assert refused.exit_code != 0
        assert "MILEPOST_SENDERS names a file, which is the whole truth" in refused.stderr
    assert file.read_text() == before
    with db.connect(str(own.database_url)) as connection:
        store = SenderStore(replace(own, senders_file=file), connection, Actor("ada", "page"))
        with pytest.raises(ConfigError):
            store.create("packer", "team-c")


@pytest.mark.usefixtures("at_once")
def test_the_file_in_the_data_directory_counts_beside_the_database(
    receiver: FlaskClient, command: Command
):
    path, secret = add_sender_to_the_file(command)
    other_path, other = add_sender(command, "team-b")
    for place, (to, of) in enumerate(((path, secret), (other_path, other))):
        assert deliver(receiver, to, of, envelope(stage(str(place)))).status_code == 202
    assert [(row["name"], row["place"]) for row in listed(command)] == [
        ("team-b", "database"),
        ("team-a", "file"),
    ]
    taken = command("sender", "add", "team-a")
    assert taken.exit_code != 0
    assert "in the file of this host" in taken.stderr


@pytest.mark.usefixtures("at_once")
def test_imported_senders_keep_their_secrets_and_a_removed_one_is_out_of_both(
    receiver: FlaskClient,
    serve: Serve,
    own: Config,
    command: Command,
    tmp_path: Path,
):
    path, secret = add_sender_to_the_file(command)
    assert command("sender", "import").stdout == "team-a is in the database.\n"
    assert command("sender", "import").stdout == "There is none to copy.\n"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    other = serve(replace(own, data_dir=elsewhere))
    for place, client in enumerate((receiver, other)):
        assert deliver(client, path, secret, envelope(stage(str(place)))).status_code == 202
    assert "[[sender]]" in (tmp_path / "senders.toml").read_text()  # for the release before
    with db.connect(str(own.database_url)) as connection:
        store = SenderStore(own, connection, Actor("ada", "page"))
        with pytest.raises(Invalid, match="removes both"):
            store.remove("milepost", "team-a")
    assert command("sender", "remove", "team-a").exit_code == 0
    for client in (receiver, other):
        assert deliver(client, path, secret, envelope(stage("x"))).status_code == 404
    assert "team-a" not in (tmp_path / "senders.toml").read_text()


def test_a_file_that_a_setting_named_is_imported_from_its_folder(
    serve: Serve, own: Config, command: Command, tmp_path: Path
):
    folder = tmp_path / "senders"
    folder.mkdir()
    file = folder / "senders.toml"
    file.write_text('[[sender]]\nsource = "milepost"\nname = "team-a"\nsecret_file = "secret"\n')
    (folder / "secret").write_text(f"{OTHER_SECRET}\n")
    assert command("sender", "import", MILEPOST_SENDERS=str(file)).exit_code == 78
    folder.chmod(0o555)
    done = command("sender", "import", MILEPOST_DATA_DIR=str(folder))
    assert done.stdout == "team-a is in the database.\n"
    before, after = serve(replace(own, senders_file=file)), serve(own)
    for place, client in enumerate((before, after)):
        answer = deliver(
            client, "/webhooks/milepost/team-a", OTHER_SECRET, envelope(stage(str(place)))
        )
        assert answer.status_code == 202


def test_a_made_up_secret_is_encrypted_as_its_digest_could_be_guessed(
    receiver: FlaskClient, command: Command, tmp_path: Path, url: str
):
    text = '[[sender]]\nsource = "jenkins"\nname = "team-a"\nsecret_file = "own"\n'
    (tmp_path / "senders.toml").write_text(text)
    (tmp_path / "own").write_text("jenkins:summer\n")
    assert command("sender", "import").exit_code == 0
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT secrets[1] FROM senders").fetchone()
    assert row
    assert row[0].startswith("fernet:")
    answer = deliver(
        receiver, "/webhooks/jenkins/team-a", "jenkins:summer", {"build": {"number": 1}}
    )
    assert answer.status_code == 202


def add_sender_to_the_file(command: Command) -> tuple[str, str]:
    """Add a sender as the release before did: without a key it goes to the file."""

    def without_key(*arguments: str) -> Result:
        return command(*arguments, key_files="")

    return add_sender(without_key, "team-a")
