"""Senders in the database: their secrets, and who is refused how."""

import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from subprocess import PIPE, Popen

import orjson
import psycopg
import pytest
from flask.testing import FlaskClient

from receiver.config import Config
from receiver.errors import Taken
from receiver.ingest import stored_settings
from receiver.ingest.sender_store import SenderStore
from receiver.storage import db, senders, settings
from tests.support.forges import workflow_job
from tests.support.receivers import MILEPOST
from tests.support.senders import (
    add_sender,
    build_numbers,
    envelope,
    get_build,
    manifest,
    stage,
)
from tests.support.stored_senders import Command, deliver, listed

Serve = Callable[[Config], FlaskClient]
DOCUMENTS = {
    "milepost": envelope(stage("Base")),
    "cloudevents": {"specversion": "1.0", "type": "x", "source": "/x", "id": "1"},
    "packer": manifest({}),
    "github": workflow_job("completed", "success"),
    "gitlab": {"object_kind": "x"},
    "jenkins": {"build": {"number": 1}},
}
AWAY = "postgresql://nobody@127.0.0.1:1/none?connect_timeout=1"


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("source", DOCUMENTS)
def test_a_new_sender_is_taken_at_its_first_delivery_and_a_removed_one_is_not(
    receiver: FlaskClient, command: Command, source: str
):
    assert receiver.post(f"/webhooks/{source}/team-a").status_code == 404
    path, secret = add_sender(command, "team-a", "--source", source)
    document = DOCUMENTS[source]
    assert deliver(receiver, path, secret, document).status_code in (202, 422)
    wrong = secret[:9] + "AAAA" + secret[13:]
    assert deliver(receiver, path, wrong, document).status_code == 401
    assert command("sender", "remove", "team-a").exit_code == 0
    assert deliver(receiver, path, secret, document).status_code == 404


@pytest.mark.usefixtures("at_once")
def test_a_new_secret_is_taken_within_the_second_in_which_the_old_one_was(
    receiver: FlaskClient, command: Command, monkeypatch: pytest.MonkeyPatch
):
    path, old = add_sender(command, "team-a")
    assert deliver(receiver, path, old, envelope(stage("a"))).status_code == 202
    monkeypatch.setattr(stored_settings, "ASK_SECONDS", 3600.0)
    new = re.search(r"MILEPOST_SECRET=(\S+)", command("sender", "rotate", "team-a").stdout)
    assert new
    assert deliver(receiver, path, new[1], envelope(stage("b"))).status_code == 202
    assert deliver(receiver, path, old, envelope(stage("c"))).status_code == 202
    assert command("sender", "rotate", "team-a", "--finish").exit_code == 0
    monkeypatch.setattr(stored_settings, "ASK_SECONDS", 0.0)
    assert deliver(receiver, path, old, envelope(stage("d"))).status_code == 401
    assert deliver(receiver, path, new[1], envelope(stage("e"))).status_code == 202


@pytest.mark.parametrize("has_key", [True, False], ids=["database", "file"])
def test_eight_commands_at_once_add_eight_senders(
    serve: Serve, own: Config, tmp_path: Path, has_key: bool
):
    key = {"MILEPOST_KEY_FILE": str(own.key_files[0])} if has_key else {}
    env = {"PATH": os.defpath, "DATABASE_URL": str(own.database_url)} | key
    env["MILEPOST_DATA_DIR"] = str(tmp_path)
    begun = [
        Popen([MILEPOST, "sender", "add", f"team-{n}", "--json"], env=env, stdout=PIPE)
        for n in range(8)
    ]
    made = [orjson.loads(process.communicate(timeout=120)[0]) for process in begun]
    client = serve(own)
    for each in made:
        path = f"/webhooks/milepost/{each['name']}"
        answer = deliver(client, path, each["secret"], envelope(stage(each["name"])))
        assert answer.status_code == 202
    assert len({each["name"] for each in made}) == 8


def test_a_name_that_exists_is_refused_and_changes_nothing(command: Command, store: SenderStore):
    add_sender(command, "team-a")
    again = command("sender", "add", "team-a")
    assert again.exit_code != 0
    assert "There is a milepost sender called team-a: rotate or remove it." in again.stderr
    with pytest.raises(Taken):
        store.create("milepost", "team-a")
    assert [row["secrets"] for row in listed(command)] == [1]


def test_no_secret_is_in_the_database(command: Command, url: str):
    made = {source: add_sender(command, "team-a", "--source", source)[1] for source in DOCUMENTS}
    with psycopg.connect(url) as connection:
        rows: dict[str, str] = dict(
            connection.execute("SELECT source, secrets[1] FROM senders").fetchall()
        )
        everything = str(connection.execute("SELECT * FROM audit").fetchall()) + str(rows)
    digests = {source for source, kept in rows.items() if kept.startswith("sha256:")}
    assert digests == {"packer", "gitlab", "jenkins"}
    assert all(rows[each].startswith("fernet:") for each in DOCUMENTS.keys() - digests)
    for secret in made.values():
        assert secret not in everything
        assert secret.removeprefix("bearer:").removeprefix("milepost:") not in everything


def test_each_change_is_in_the_audit_trail(command: Command):
    add_sender(command, "team-a", "--project", "core")
    for more in (["rotate", "team-a"], ["rotate", "team-a", "--finish"], ["remove", "team-a"]):
        assert command("sender", *more).exit_code == 0
    changes = orjson.loads(command("audit", "--json").stdout)
    assert [each["action"] for each in changes] == [
        "sender.remove",
        "sender.rotate",
        "sender.rotate",
        "sender.add",
    ]
    assert changes[-1]["after"] == {"source": "milepost", "projects": ["core"]}


@pytest.mark.usefixtures("at_once")
def test_defaults_are_a_document_in_the_database(receiver: FlaskClient, command: Command, url: str):
    with db.connect(url) as connection:
        default = '[[default]]\nsender = "team-a"\nplatform = "aws"\n'
        settings.write_document(connection, "senders", default, "ada")
    path, secret = add_sender(command, "team-a")
    assert deliver(receiver, path, secret, envelope(stage("x"))).status_code == 202
    assert get_build(receiver)["platform"] == "aws"


@pytest.mark.usefixtures("at_once")
def test_disabled_senders_keep_what_they_send_until_they_are_enabled(
    receiver: FlaskClient, command: Command, url: str
):
    path, secret = add_sender(command, "team-a")
    with db.connect(url) as connection:
        assert senders.disable_all(connection) == 1
    refused = deliver(receiver, path, secret, envelope(stage("x")))
    assert (refused.status_code, refused.get_json()["code"]) == (503, "sender-unavailable")
    assert "milepost sender enable" in refused.get_json()["detail"]
    assert listed(command)[0]["state"] == "disabled"
    assert command("sender", "enable", "team-b").exit_code != 0
    assert command("sender", "enable", "--all").stdout == "milepost team-a is enabled.\n"
    assert deliver(receiver, path, secret, envelope(stage("x"))).status_code == 202


def test_nobody_is_refused_for_good_while_the_database_is_away(
    serve: Serve, own: Config, command: Command
):
    client = serve(replace(own, database_url=AWAY))
    path, secret = add_sender(command, "team-a")
    assert deliver(client, path, secret, envelope(stage("x"))).status_code == 503
    wrong = deliver(client, "/webhooks/milepost", "whsec_" + "A" * 32, envelope(stage("x")))
    assert wrong.status_code == 401, "the default sender's secret is no matter of the database"


def test_guesses_are_counted_for_a_sender_of_the_database(receiver: FlaskClient, command: Command):
    path, _ = add_sender(command, "team-a", "--source", "packer")
    answers = [
        deliver(receiver, path, f"bearer:guess-{place}", manifest({})).status_code
        for place in range(121)
    ]
    assert answers == [401] * 120 + [429]
    assert build_numbers(receiver) == []
