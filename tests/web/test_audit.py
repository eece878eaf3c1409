"""The audit trail: every change by token, page, user of a proxy or command, without secrets."""

import os
import pwd
import re
from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_network
from typing import Any
from uuid import uuid4

import psycopg
from click.testing import CliRunner, Result
from flask.testing import FlaskClient
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row

from receiver.cli.main import main
from receiver.config import Config
from tests.support.api import Api, Token
from tests.support.senders import envelope, post, stage

Command = Callable[..., Result]
USER = pwd.getpwuid(os.getuid()).pw_name


def trail(url: str) -> list[dict[str, Any]]:
    """Return the changes, newest first, without those that made tokens for the test itself."""
    with psycopg.connect(url, row_factory=dict_row) as connection:
        rows = connection.execute("SELECT * FROM audit ORDER BY at DESC, id DESC").fetchall()
    return [row for row in rows if not (row["target_name"] or "").startswith(("write-", "admin-"))]


def failure_id(client: FlaskClient) -> str:
    found: str = client.get("/api/v1/failures").get_json()["items"][0]["id"]
    return found


def test_change_by_token_is_noted_with_the_values_before(
    filled: FlaskClient, token: Callable[..., str], url: str
):
    failure = failure_id(filled)
    headers = {"Authorization": f"Bearer {token('write')}"}
    for notes in ("first", "second"):
        path = f"/api/v1/failures/{failure}/resolve"
        assert filled.post(path, json={"notes": notes}, headers=headers).status_code == 200
    newest, first = trail(url)
    assert (newest["action"], newest["via"]) == ("failure.resolve", "token")
    assert newest["who"].startswith("write-")
    assert (newest["target_kind"], newest["target_name"]) == ("failure", "bad")
    assert str(newest["target_id"]) == failure
    assert first["before"] == {"notes": None, "resolved": False}
    assert newest["before"] == first["after"] == {"notes": "first", "resolved": True}
    assert newest["after"] == {"notes": "second", "resolved": True}


def test_change_on_a_page_is_noted(filled: FlaskClient, token: Callable[..., str], url: str):
    failure = failure_id(filled)
    filled.set_cookie("milepost_token", token("write"))
    csrf = re.search(r'name="csrf" value="([^"]+)"', filled.get("/failures?all=1").text)
    assert csrf
    form = {"csrf": csrf[1], "notes": "it was dns"}
    assert filled.post(f"/failures/{failure}", data=form).status_code == 303
    (row,) = trail(url)
    assert (row["via"], row["action"]) == ("page", "failure.resolve")


def test_change_by_a_user_of_a_proxy_is_noted(
    filled: FlaskClient, serve: Callable[[Config], FlaskClient], config: Config, url: str
):
    proxied = serve(
        replace(
            config,
            trusted_proxies=(ip_network("127.0.0.1/32"),),
            user_header="X-Forwarded-User",
            user_scope="write",
        )
    )
    user = {"X-Forwarded-User": "ada@example.com"}
    failure = failure_id(filled)
    csrf = re.search(r'name="csrf" value="([^"]+)"', proxied.get("/failures", headers=user).text)
    assert csrf
    form = {"csrf": csrf[1], "notes": ""}
    assert proxied.post(f"/failures/{failure}", data=form, headers=user).status_code == 303
    (row,) = trail(url)
    assert (row["who"], row["via"]) == ("ada@example.com", "proxy")


def test_failed_change_is_not_noted(client: FlaskClient, token: Callable[..., str], url: str):
    headers = {"Authorization": f"Bearer {token('admin')}"}
    for path in (f"failures/{uuid4()}/reopen", f"deliveries/{uuid4()}/replay"):
        assert client.post(f"/api/v1/{path}", headers=headers).status_code == 404
    assert trail(url) == []


def test_commands_are_noted(filled: FlaskClient, command: Command, url: str):
    failure = failure_id(filled)
    delivery = filled.get("/api/v1/deliveries").get_json()["items"][0]["id"]
    commands = [
        ("resolve", failure, "--notes", "x"),
        ("reopen", failure),
        ("replay", delivery),
        ("rename", "platform", "aws-commercial", "aws"),
        ("rename", "image-type", "hana", "db"),
        ("token", "create", "--name", "bob", "--scope", "read", "--project", "core"),
        ("token", "revoke", "bob"),
        ("prune", "--older-than", "30d"),
    ]
    for arguments in commands:
        done = command(*arguments)
        assert done.exit_code == 0, done.output
    rows = trail(url)[::-1]
    assert [row["action"] for row in rows] == [
        "failure.resolve",
        "failure.reopen",
        "delivery.replay",
        "platform.rename",
        "image_type.rename",
        "token.create",
        "token.revoke",
        "prune",
    ]
    assert {(row["who"], row["via"]) for row in rows} == {(USER, "command")}
    assert (rows[3]["before"], rows[3]["after"]) == ({"name": "aws-commercial"}, {"name": "aws"})
    assert rows[5]["after"] == {
        "scope": "read",
        "project": "core",
        "expires_at": None,
        "override": False,
    }


def test_merge_is_noted_with_the_builds_that_it_moved(
    client: FlaskClient, command: Command, url: str
):
    for number, platform in (("one", "amazon"), ("two", "aws")):
        document = envelope(stage("Base"), number=number, build={"platform": platform})
        assert post(client, document).status_code == 202
    assert command("merge", "platform", "amazon", "aws", "--yes").exit_code == 0
    (row,) = trail(url)
    gone = {"name": "amazon", "display_name": "Amazon", "cloud_provider": "aws", "region": None}
    assert (row["before"], row["after"]) == (gone, {"name": "aws", "builds_moved": 1})


def test_revoked_token_is_noted_with_its_scope(command: Command, url: str):
    assert command("token", "create", "--name", "ann", "--scope", "read").exit_code == 0
    assert command("token", "revoke", "ann").exit_code == 0
    before, after = (trail(url)[0][part] for part in ("before", "after"))
    assert before == {"scope": "read", "project": None, "expires_at": None, "revoked_at": None}
    assert after | {"revoked_at": None} == before
    assert after["revoked_at"]


def test_replay_is_noted_with_the_outcome_before(filled: FlaskClient, command: Command, url: str):
    (newest, *_) = filled.get("/api/v1/deliveries").get_json()["items"]
    assert command("replay", newest["id"]).exit_code == 0
    (row, *_) = trail(url)
    assert row["before"] == row["after"] == {"outcome": "stored", "builds": ["bad"]}


def test_change_without_effect_is_not_noted(client: FlaskClient, token: Token, url: str):
    headers = {"Authorization": f"Bearer {token('admin')}"}
    assert client.post("/api/v1/platforms", json={"name": "a"}, headers=headers).status_code == 201
    assert client.patch("/api/v1/platforms/a", json={}, headers=headers).status_code == 200
    assert [row["action"] for row in trail(url)] == ["platform.create"]


def test_migrations_are_noted(server_url: str):
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS fresh")
        connection.execute("CREATE DATABASE fresh")
    url = make_conninfo(server_url, dbname="fresh")
    for _ in range(2):
        done = CliRunner().invoke(main, ["migrate"], env={"DATABASE_URL": url})
        assert done.exit_code == 0, done.output
    (row,) = trail(url)
    assert (row["action"], row["after"]["applied"][0]) == ("migrate", "0001_names")
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute("DROP DATABASE fresh WITH (FORCE)")


def test_secrets_are_masked_in_the_trail(api: Api, url: str):
    api.create_build()
    failure = {"stage": "Base", "message": "password=hunter2", "details": {"token": "zzz"}}
    assert api.post("/builds/core-1/failures", failure).status_code == 201
    assert not re.search("hunter2|zzz", str(trail(url)))


def test_senders_are_noted_without_their_secrets(command: Command, url: str):
    made = command("sender", "add", "team-a", "--project", "core")
    rotated = command("sender", "rotate", "team-a")
    assert command("sender", "rotate", "team-a", "--finish").exit_code == 0
    assert command("sender", "remove", "team-a").exit_code == 0
    secrets = re.findall(r"whsec_\S+", made.stdout + rotated.stdout)
    assert len(secrets) >= 2
    rows = trail(url)[::-1]
    assert [row["action"] for row in rows] == [
        "sender.add",
        "sender.rotate",
        "sender.rotate",
        "sender.remove",
    ]
    assert not [secret for secret in secrets if secret.strip("'") in str(rows)]


def test_no_token_or_digest_is_in_the_trail(command: Command, url: str):
    made = command("token", "create", "--name", "bob", "--scope", "admin").stdout.strip()
    with psycopg.connect(url) as connection:
        (digest,) = connection.execute("SELECT encode(digest, 'hex') FROM tokens").fetchall()
        text = str(connection.execute("SELECT audit::text FROM audit").fetchall())
    assert "bob" in text
    assert made not in text
    assert digest[0] not in text


def test_sender_is_removed_while_the_database_is_away(tmp_path: Any, command: Command):
    away = {"DATABASE_URL": "postgresql://127.0.0.1:1/none", "MILEPOST_DATA_DIR": str(tmp_path)}
    assert command("sender", "add", "team-a").exit_code == 0
    removed = CliRunner().invoke(main, ["sender", "remove", "team-a"], env=away)
    assert removed.exit_code == 0
    assert "not noted in the audit trail" in removed.stderr
    assert command("sender", "list", "--json").stdout == "[]\n"


def test_every_manual_event_is_in_the_audit_trail(client: FlaskClient, api: Api):
    api.create_build()
    api.post("/builds/core-1/states", {"stage": "Base", "state": 15, "status": "completed"})
    api.post("/builds/core-1/cancel", {"reason": "enough"})
    path = "/audit?target_kind=build&target_name=core-1"
    found = api.items(path)
    assert [each["action"] for each in found] == ["build.cancel", "build.state", "build.create"]
    assert found[0]["before"] == {"status": "running", "current_state": 15, "attempt": 1}
    assert found[0]["after"]["said"] == {"reason": "enough"}
    assert found[2]["before"] is None
    page = api.send("GET", f"{path}&limit=2", scope="admin").get_json()
    assert [*page["items"], *api.items(f"{path}&limit=2&after={page['next']}")] == found
    assert api.send("GET", path).status_code == 403
    assert client.get(f"/api/v1{path}").status_code == 401


def test_the_audit_page_is_for_administrators(client: FlaskClient, api: Api, token: Token):
    api.create_build(project="<b>core</b>")
    assert client.get("/audit").status_code == 401
    client.set_cookie("milepost_token", token("write"))
    assert client.get("/audit").status_code == 403
    client.set_cookie("milepost_token", token("admin"))
    text = client.get("/audit").text
    assert "build.create" in text
    assert "<b>core" not in text
    assert "core-1" not in client.get("/audit?target_kind=token").text
    assert client.get("/audit.json").get_json()["items"]
