"""What /api/v1 does not take: another's project, a wrong field, a body that is none."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from receiver.config import Config
from tests.support.api_calls import Say, Token, made, say
from tests.support.senders import Json, shown

__all__ = ["say"]  # the fixture


def test_no_webhook_takes_what_is_the_apis(client: FlaskClient):
    for path in ("/webhooks/api", "/webhooks/api/ada"):
        assert client.post(path, json={}).status_code == 404


def test_a_projects_token_writes_that_project_and_what_is_below_it(
    client: FlaskClient, say: Say, token: Token
):
    admin = {"Authorization": f"Bearer {token('admin')}"}
    for name, parent in (("core", None), ("child", "core"), ("other", None)):
        body = {"name": name, "parent": parent}
        assert client.post("/api/v1/projects", json=body, headers=admin).status_code == 201
    headers = {"Authorization": f"Bearer {token('write', '--project', 'core')}"}

    def status(path: str, document: Json) -> int:
        return client.post(f"/api/v1{path}", json=document, headers=headers).status_code

    assert status("/builds", {"build_number": "own"}) == 201
    assert shown(client, "own")["project"] == "core"
    assert status("/builds", {"build_number": "below", "project": "child"}) == 201
    assert status("/builds", {"build_number": "else", "project": "other"}) == 403
    assert status("/builds", {"build_number": "new", "project": "unheard-of"}) == 403
    made(say, "theirs", project="other")
    failed = {"stage": "a", "message": "b"}
    assert status("/builds/below/failures", failed) == 201
    assert status("/builds/theirs/failures", failed) == 404
    assert status("/builds/theirs/cancel", {}) == 404
    assert say("/builds/theirs/failures", failed).status_code == 201
    for number, expected in (("below", 200), ("theirs", 404)):
        failure = shown(client, number)["failures"][0]["id"]
        assert status(f"/failures/{failure}/resolve", {"notes": "x"}) == expected
    assert status("/platforms", {"name": "aws"}) == 403


@pytest.mark.parametrize(
    ("path", "document", "fields"),
    [
        ("/builds", {}, ["build_number"]),
        ("/builds", {"build_number": "a b"}, ["build_number"]),
        ("/builds", {"build_number": "a", "planet": "x"}, ["planet"]),
        ("/builds", {"build_number": "a", "project": ""}, ["project"]),
        ("/builds/core-1/states", {"status": "started"}, ["stage"]),
        ("/builds/core-1/states", {}, ["status", "stage"]),
        ("/builds/core-1/states", {"status": "odd", "state": 101}, ["status", "state"]),
        ("/builds/core-1/failures", {}, ["message", "stage"]),
        ("/builds/core-1/states", {"status": "failed", "state": True}, ["state"]),
        ("/builds/core-1/failures", {"stage": "a", "details": {"a": 1}}, ["message"]),
        ("/builds/core-1/artifacts", {"artifact_id": "a", "kind": "odd"}, ["kind"]),
        ("/builds/core-1/artifacts", {"artifact_id": "a", "expires_at": "soon"}, ["expires_at"]),
        ("/builds/core-1/cancel", {"reason": 5}, ["reason"]),
    ],
)
def test_every_wrong_field_is_named(say: Say, path: str, document: Json, fields: list[str]):
    made(say)
    answer = say(path, document)
    assert (answer.status_code, answer.mimetype) == (422, "application/problem+json")
    assert sorted(answer.get_json()["errors"]) == sorted(fields)


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        (b"[]", "application/json", 422, "undecodable"),
        (b"", "application/json", 422, "undecodable"),
        (b'{"status": NaN}', "application/json", 422, "undecodable"),
        (b'{"a": "\\ud800"}', "application/json", 422, "undecodable"),
        (b"[" * 60_000, "application/json", 422, "undecodable"),
        (b'{"a":' * 9_000, "application/json", 422, "undecodable"),
        (b" " * 70_000, "application/json", 413, "too-large"),
        (b"status=failed", "application/x-www-form-urlencoded", 415, "unsupported-type"),
    ],
)
def test_a_body_that_is_no_sane_json_is_refused(
    client: FlaskClient,
    token: Token,
    say: Say,
    body: bytes,
    content_type: str,
    status: int,
    code: str,
):
    made(say)
    headers = {"Authorization": f"Bearer {token('write')}"}
    answer = client.post(
        "/api/v1/builds/core-1/states", data=body, content_type=content_type, headers=headers
    )
    assert (answer.status_code, answer.get_json()["code"]) == (status, code)
    assert answer.mimetype == "application/problem+json"


def test_every_error_below_api_is_a_problem_with_a_code(client: FlaskClient):
    for method, path, status, code in (
        ("GET", "/api/v1/none", 404, "not-found"),
        ("PUT", "/api/v1/builds", 405, "wrong-method"),
        ("POST", "/api/v1/builds", 401, "closed"),
        ("GET", "/api/v1/builds?statsu=failed", 422, "invalid"),
    ):
        answer = client.open(path, method=method)
        assert (answer.status_code, answer.get_json()["code"]) == (status, code)
        assert answer.mimetype == "application/problem+json"
    assert "GET" in client.put("/api/v1/builds").headers["Allow"]


def test_every_wrong_parameter_is_named(client: FlaskClient):
    answer = client.get("/api/v1/builds?limit=0&planet=x&low=1&low=2")
    assert answer.status_code == 422
    assert set(answer.get_json()["errors"]) == {"limit", "planet", "low"}


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/builds/core-1"), ("POST", "/builds"), ("DELETE", "/platforms/aws")],
)
def test_what_takes_no_parameter_refuses_all(
    client: FlaskClient, say: Say, token: Token, method: str, path: str
):
    made(say)
    headers = {"Authorization": f"Bearer {token('admin')}"}
    answer = client.open(f"/api/v1{path}?dry=1", method=method, headers=headers)
    assert (answer.status_code, list(answer.get_json()["errors"])) == (422, ["dry"])


def test_a_project_may_be_called_as_it_was(client: FlaskClient, say: Say, token: Token):
    made(say)
    admin = {"Authorization": f"Bearer {token('admin')}"}
    own = {"Authorization": f"Bearer {token('write', '--project', 'core')}"}
    renamed = client.patch("/api/v1/projects/core", json={"name": "heart"}, headers=admin)
    assert renamed.status_code == 200
    said = {"build_number": "core-2", "project": "core"}
    assert client.post("/api/v1/builds", json=said, headers=own).status_code == 201
    assert shown(client, "core-2")["project"] == "heart"


def test_a_database_that_is_away_says_when_to_try_again(
    serve: Callable[[Config], FlaskClient], config: Config
):
    away = serve(replace(config, database_url="postgresql://127.0.0.1:1/none"))
    answer = away.get("/api/v1/builds")
    assert (answer.status_code, answer.get_json()["code"]) == (503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0
