"""Requests that /api/v1 refuses: of another project, with a wrong field, without a JSON body."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from receiver.config import Config
from tests.support.api import Api
from tests.support.senders import Json, get_build

FAILURE = {"stage": "a", "message": "b"}


@pytest.mark.parametrize("path", ["/webhooks/api", "/webhooks/api/ada"])
def test_api_source_has_no_webhook(client: FlaskClient, path: str):
    assert client.post(path, json={}).status_code == 404


def test_token_of_a_project_writes_it_and_those_below_it(client: FlaskClient, api: Api):
    for name, parent in (("core", None), ("child", "core"), ("other", None)):
        body = {"name": name, "parent": parent}
        assert api.post("/projects", body, scope="admin").status_code == 201

    def status(path: str, document: Json) -> int:
        return api.post(path, document, project="core").status_code

    assert status("/builds", {"build_number": "own"}) == 201
    assert get_build(client, "own")["project"] == "core"
    assert status("/builds", {"build_number": "below", "project": "child"}) == 201
    assert status("/builds", {"build_number": "else", "project": "other"}) == 403
    assert status("/builds", {"build_number": "new", "project": "unheard-of"}) == 403
    api.create_build("theirs", project="other")
    assert status("/builds/below/failures", FAILURE) == 201
    assert status("/builds/theirs/failures", FAILURE) == 404
    assert status("/builds/theirs/cancel", {}) == 404
    assert api.post("/builds/theirs/failures", FAILURE).status_code == 201
    for number, expected in (("below", 200), ("theirs", 404)):
        failure = get_build(client, number)["failures"][0]["id"]
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
        ("/platforms", {"name": ""}, ["name"]),
        ("/platforms", {"name": " a"}, ["name"]),
        ("/platforms", {"name": "a\nb"}, ["name"]),
        ("/platforms", {"name": "x" * 201}, ["name"]),
        ("/platforms", {"name": "a", "id": "b"}, ["id"]),
        ("/os_versions", {"name": "a", "major_version": -1}, ["major_version"]),
        ("/projects", {"name": "a", "parent": 5}, ["parent"]),
    ],
)
def test_every_wrong_field_is_named(api: Api, path: str, document: Json, fields: list[str]):
    response = api.post(path, document)
    assert (response.status_code, response.mimetype) == (422, "application/problem+json")
    assert sorted(response.get_json()["errors"]) == sorted(fields)


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
def test_body_must_be_a_json_object(
    api: Api, body: bytes, content_type: str, status: int, code: str
):
    path = "/builds/core-1/states"
    response = api.send("POST", path, data=body, content_type=content_type)
    assert (response.status_code, response.get_json()["code"]) == (status, code)
    assert response.mimetype == "application/problem+json"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/v1/none", 404, "not-found"),
        ("PUT", "/api/v1/builds", 405, "wrong-method"),
        ("POST", "/api/v1/builds", 401, "closed"),
        ("GET", "/api/v1/builds?statsu=failed", 422, "invalid"),
    ],
)
def test_every_error_is_a_problem_with_a_code(
    client: FlaskClient, method: str, path: str, status: int, code: str
):
    response = client.open(path, method=method)
    assert (response.status_code, response.get_json()["code"]) == (status, code)
    assert response.mimetype == "application/problem+json"
    assert ("GET" in response.headers.get("Allow", "")) == (status == 405)


def test_every_wrong_parameter_is_named(client: FlaskClient):
    response = client.get("/api/v1/builds?limit=0&planet=x&low=1&low=2")
    assert response.status_code == 422
    assert set(response.get_json()["errors"]) == {"limit", "planet", "low"}


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/builds/core-1"), ("POST", "/builds"), ("DELETE", "/platforms/aws")],
)
def test_operation_without_parameters_refuses_all(api: Api, method: str, path: str):
    response = api.send(method, f"{path}?dry=1", scope="admin")
    assert (response.status_code, list(response.get_json()["errors"])) == (422, ["dry"])


def test_token_of_a_renamed_project_writes_under_the_old_name(client: FlaskClient, api: Api):
    api.create_build()
    renamed = api.send("PATCH", "/projects/core", json={"name": "heart"}, scope="admin")
    assert renamed.status_code == 200
    body = {"build_number": "core-2", "project": "core"}
    assert api.post("/builds", body, project="core").status_code == 201
    assert get_build(client, "core-2")["project"] == "heart"


def test_absent_database_is_a_503_with_retry_after(
    serve: Callable[[Config], FlaskClient], config: Config
):
    away = serve(replace(config, database_url="postgresql://127.0.0.1:1/none"))
    response = away.get("/api/v1/builds")
    assert (response.status_code, response.get_json()["code"]) == (503, "unavailable")
    assert int(response.headers["Retry-After"]) > 0
