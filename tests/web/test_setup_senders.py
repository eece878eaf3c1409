"""`/setup` makes, rotates and removes senders, for administrators alone."""

import html
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import orjson
import psycopg
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from receiver.config import Config
from tests.support.senders import BEARER, envelope, proof, stage

Serve = Callable[[Config], FlaskClient]
Token = Callable[..., str]


@pytest.fixture
def keyed(config: Config, tmp_path: Path) -> Config:
    """Settings with a key for the secrets in the database."""
    key = tmp_path / "a.key"
    key.write_bytes(b"a key of 32 bytes or more, no les")
    return replace(config, key_files=(key,))


@pytest.fixture
def admin(serve: Serve, keyed: Config, token: Token) -> FlaskClient:
    """A browser of an administrator."""
    client = serve(keyed)
    client.set_cookie("milepost_token", token("admin"))
    client.get("/setup")
    return client


def send(client: FlaskClient, path: str, **fields: str) -> TestResponse:
    cookie = client.get_cookie("milepost_csrf")
    assert cookie
    headers = {"Accept": "text/html"}
    return client.post(
        f"/setup/senders{path}", data=fields | {"csrf": cookie.value}, headers=headers
    )


def secret_in(answer: TestResponse) -> str:
    """Return the secret that the page shows, as a shell reads it."""
    (found,) = set(re.findall(r"export MILEPOST_SECRET=([^\s…]+)", html.unescape(answer.text)))
    return str(found).strip("'")


def report(client: FlaskClient, source: str, name: str, secret: str) -> int:
    """Post as the sender would, and return the status."""
    body = orjson.dumps(envelope(stage("Base"), build={"project": "core"}))
    if source != "milepost":
        body = orjson.dumps({"builds": "wrong"})
    headers = {"X-GitHub-Event": "ping", "X-GitHub-Delivery": secret} | proof(source, secret, body)
    address = f"/webhooks/{source}/{name}"
    return client.post(
        address, data=body, headers=headers, content_type="application/json"
    ).status_code


@pytest.mark.parametrize("source", ["milepost", "github", "gitlab", "jenkins", "cloudevents"])
def test_a_sender_that_is_made_here_is_taken_and_its_secret_shown_once(
    admin: FlaskClient, source: str
):
    made = send(admin, "", source=source, name="team-a", projects="core, web")
    assert made.status_code == 200
    assert made.headers["Cache-Control"] == "no-store"
    secret = secret_in(made)
    assert report(admin, source, "team-a", secret) in (200, 202)
    assert report(admin, source, "team-a", f"{secret[:-4]}AAA=") == 401
    again = admin.get("/setup")
    assert secret not in again.text
    (card,) = [each for each in admin.get("/setup.json").get_json()["items"] if each["name"]]
    assert (card["source"], card["projects"], card["place"]) == (
        source,
        ["core", "web"],
        "database",
    )
    twice = send(admin, "", source=source, name="team-a")
    assert (twice.status_code, secret in twice.text) == (409, False)


def test_a_new_secret_counts_beside_the_old_one_until_that_is_ended(admin: FlaskClient):
    old = secret_in(send(admin, "", source="github", name="team-a"))
    new = secret_in(send(admin, "/rotate", source="github", sender="team-a"))
    assert [report(admin, "github", "team-a", each) for each in (old, new)] == [202, 202]
    assert send(admin, "/finish", source="github", sender="team-a").status_code == 303
    assert report(admin, "github", "team-a", old) == 401
    assert report(admin, "github", "team-a", new) in (200, 202)


def test_a_removed_sender_is_off_at_once_and_its_deliveries_stay(admin: FlaskClient):
    secret = secret_in(send(admin, "", source="github", name="team-a"))
    assert report(admin, "github", "team-a", secret) == 202
    assert send(admin, "/remove", source="github", sender="team-a").status_code == 303
    assert report(admin, "github", "team-a", secret) == 404
    (kept,) = admin.get("/deliveries.json").get_json()["items"]
    assert kept["sender"] == "team-a"
    assert send(admin, "/remove", source="github", sender="team-a").status_code == 404


def test_changes_are_in_the_audit_trail_without_the_secret(admin: FlaskClient, url: str):
    secret = secret_in(send(admin, "", source="gitlab", name="team-a", projects="core"))
    send(admin, "/rotate", source="gitlab", sender="team-a")
    send(admin, "/remove", source="gitlab", sender="team-a")
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT action, audit::text FROM audit WHERE action LIKE 'sender%' ORDER BY id"
        ).fetchall()
    assert [row[0] for row in rows] == ["sender.add", "sender.rotate", "sender.remove"]
    assert not [row for row in rows if secret in row[1]]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"source": "github", "name": "../x"}, "A-Z a-z 0-9"),
        ({"source": "github", "name": ""}, "A-Z a-z 0-9"),
        ({"source": "nope", "name": "a"}, "Write one of"),
        ({"source": "github", "name": "a", "projects": ",".join("x" * 60)}, "at most 50"),
    ],
)
def test_what_is_wrong_is_named(admin: FlaskClient, fields: dict[str, str], words: str):
    answer = send(admin, "", **fields)
    assert answer.status_code == 422
    assert words in html.unescape(answer.text)


def test_a_refused_form_keeps_what_was_written(admin: FlaskClient):
    send(admin, "", source="github", name="taken")
    for name, problem in (("taken", "taken"), ("a b", "A-Z a-z 0-9")):
        answer = send(admin, "", source="github", name=name, projects="core, web")
        assert answer.status_code in (409, 422)
        (form,) = re.findall(r'action="/setup/senders#new".*?</form>', answer.text, re.DOTALL)
        assert f'value="{name}"' in form
        assert "<option selected>github</option>" in form
        assert 'value="core, web"' in form
        (alert,) = re.findall(r'role="alert">(.*?)</div>', answer.text, re.DOTALL)
        assert problem in html.unescape(alert)


@pytest.mark.parametrize("path", ["", "/rotate", "/finish", "/remove"])
@pytest.mark.parametrize("scope", ["write", "admin --project"])
def test_only_an_administrator_changes_senders(
    serve: Serve, keyed: Config, token: Token, path: str, scope: str
):
    client = serve(keyed)
    name, *more = scope.split()
    client.set_cookie("milepost_token", token(name, *more, *(["core"] if more else [])))
    client.get("/setup")
    client.get("/sign-in")
    answer = send(client, path, source="github", name="a", sender="a")
    assert answer.status_code == 403
    assert "A new sender" not in client.get("/setup").text


def test_a_file_that_is_the_truth_is_named_as_the_reason(
    serve: Serve, keyed: Config, token: Token, tmp_path: Path
):
    path = tmp_path / "mine.toml"
    (tmp_path / "a.secret").write_text(f"{BEARER}-a\n")
    path.write_text('[[sender]]\nname = "a"\nsource = "milepost"\nsecret_file = "a.secret"\n')
    client = serve(replace(keyed, senders_file=path))
    client.set_cookie("milepost_token", token("admin"))
    page = client.get("/setup").text
    assert "MILEPOST_SENDERS names a file" in page
    assert "Make it" not in page
    assert "Remove milepost" not in page
    for place in ("", "/rotate", "/finish", "/remove"):
        answer = send(client, place, source="milepost", name="b", sender="a")
        assert answer.status_code == 422
        assert "MILEPOST_SENDERS names a file" in answer.text
    assert path.read_text().count("[[sender]]") == 1


def test_without_a_key_the_page_says_what_to_set(admin: FlaskClient, config: Config):
    admin.application.extensions["milepost"] = replace(
        admin.application.extensions["milepost"], config=config
    )
    assert "MILEPOST_KEY_FILE" in admin.get("/setup").text
    answer = send(admin, "", source="github", name="a")
    assert answer.status_code == 422
    assert "MILEPOST_KEY_FILE" in answer.text
