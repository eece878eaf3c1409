"""Who may write what: replays, the API and renamed projects."""

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path

import orjson
import pytest
from click.testing import Result
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from receiver.config import Config
from tests.support.api import Api
from tests.support.senders import add_sender, envelope, get_build, post, proof, stage, verdict
from tests.support.table_rows import rows

Serve = Callable[[Config], FlaskClient]
Command = Callable[..., Result]
Token = Callable[..., str]


@pytest.fixture
def in_database(config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """The same receiver with a key, which commands have as well: senders go to the database."""
    key = tmp_path / "key"
    key.write_bytes(b"a key of a test, of enough bytes..")
    monkeypatch.setenv("MILEPOST_KEY_FILE", str(key))
    return replace(config, key_files=(key,))


def delivery_of_team(client: FlaskClient, command: Command) -> str:
    """Return the id of a delivery about project data by a new sender, team."""
    path, secret = add_sender(command, "team", "--project", "data")
    document = envelope(verdict("failed", 9), number="b-1", build={"project": "data"})
    body = orjson.dumps(document)
    headers = proof("milepost", secret, body) | {"Content-Type": "application/json"}
    delivery: str = client.post(path, data=body, headers=headers).get_json()["id"]
    return delivery


def test_a_replay_for_a_sender_that_is_gone_or_lost_the_project_changes_nothing(
    serve: Serve, config: Config, command: Command, token: Token, url: str
):
    client = serve(config)
    admin = {"Authorization": f"Bearer {token('admin')}"}
    delivery = delivery_of_team(client, command)
    senders = config.senders
    before = rows(url)
    for change, status, words in (
        (('"data"', '"core"'), 422, "This sender writes core only."),
        (('name = "team"', 'name = "others"'), 409, "There is no milepost sender team"),
    ):
        senders.write_text(senders.read_text().replace(*change))
        answer = client.post(f"/api/v1/deliveries/{delivery}/replay", headers=admin)
        assert (answer.status_code, words in answer.text) == (status, True), answer.text
        assert rows(url) == before


def test_a_token_of_another_project_changes_no_build(client: FlaskClient, api: Api):
    post(client, envelope(stage("Storage"), number="theirs", build={"project": "data"}))
    post(client, envelope(stage("Storage"), number="nobodys"))
    before = [get_build(client, number) for number in ("theirs", "nobodys")]
    for number, (kind, body) in product(
        ("theirs", "nobodys"),
        (
            ("states", {"stage": "x", "status": "failed"}),
            ("artifacts", {"artifact_id": "ami-intruder"}),
            ("failures", {"stage": "x", "message": "no"}),
        ),
    ):
        answer = api.post(f"/builds/{number}/{kind}", body, project="core")
        assert answer.status_code == 404, answer.text
    assert [get_build(client, number) for number in ("theirs", "nobodys")] == before


def test_a_replay_for_a_sender_that_has_just_gone_from_the_database_changes_nothing(
    serve: Serve, in_database: Config, command: Command, token: Token, url: str
):
    client = serve(in_database)
    admin = {"Authorization": f"Bearer {token('admin')}"}
    delivery = delivery_of_team(client, command)
    assert command("sender", "remove", "team").exit_code == 0
    before = rows(url)
    answer = client.post(f"/api/v1/deliveries/{delivery}/replay", headers=admin)
    assert (answer.status_code, answer.get_json()["code"]) == (409, "sender-gone")
    assert rows(url) == before


@pytest.mark.parametrize("place", ["file", "database"])
@pytest.mark.parametrize("change", [("rename", "core", "base"), ("merge", "core", "data")])
def test_senders_and_tokens_follow_a_project_to_its_new_name(
    serve: Serve,
    request: pytest.FixtureRequest,
    command: Command,
    token: Token,
    change: tuple[str, str, str],
    place: str,
):
    client = serve(request.getfixturevalue("config" if place == "file" else "in_database"))
    post(client, envelope(stage("Storage"), number="other", build={"project": "data"}))
    path, secret = add_sender(command, "team", "--project", "core")
    bearer = {"Authorization": f"Bearer {token('write', '--project', 'core')}"}

    def send(minutes: int, number: str = "b-1") -> TestResponse:
        body = orjson.dumps(envelope(stage("Storage", minutes=minutes), number=number))
        headers = proof("milepost", secret, body) | {"Content-Type": "application/json"}
        return client.post(path, data=body, headers=headers)

    assert send(0).status_code == 202
    kind, old, new = change
    more = ("--yes",) if kind == "merge" else ()
    assert command(kind, "project", old, new, *more).exit_code == 0
    assert send(1).status_code == 202
    assert get_build(client, "b-1")["project"] == new
    assert send(2, "other").status_code == (202 if kind == "merge" else 422)
    said = {"stage": "x", "status": "completed"}
    made = client.post("/api/v1/builds/b-1/states", json=said, headers=bearer)
    assert made.status_code == 201, made.text
