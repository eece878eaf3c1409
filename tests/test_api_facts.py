"""What is said of a build through /api/v1: an event like any other, kept, folded and replayed."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from click.testing import Result
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from receiver.config import Config
from tests.senders import Json, envelope, post, shown, stage, verdict
from tests.tables import rows

Command = Callable[..., Result]
Token = Callable[..., str]
Say = Callable[..., TestResponse]
NAMES = {"project": "core", "platform": "aws", "os_version": "rhel-9.4", "image_type": "web"}


@pytest.fixture
def say(client: FlaskClient, token: Token) -> Say:
    """POST with a token that may write."""
    headers = {"Authorization": f"Bearer {token('write')}"}

    def call(path: str, document: Any = None, **more: Any) -> TestResponse:
        sent = {"headers": headers | more.pop("headers", {}), **more}
        if "data" not in more:
            sent["json"] = document or {}
        return client.post(f"/api/v1{path}", **sent)

    return call


def made(say: Say, number: str = "core-1", **more: str) -> TestResponse:
    answer = say("/builds", {"build_number": number, **NAMES, **more})
    assert answer.status_code == 201, answer.text
    return answer


def test_a_build_is_created_ahead_of_its_first_report(client: FlaskClient, say: Say):
    answer = made(say)
    told = answer.get_json()
    assert (told["status"], told["current_state"], told["duplicate"]) == ("pending", 0, False)
    assert UUID(told["delivery_id"])
    assert answer.headers["Location"] == "/api/v1/builds/core-1"
    build = shown(client)
    assert {name: build[name] for name in NAMES} == NAMES
    assert build["created_by"].startswith("write-")
    assert (build["status"], build["states"], build["attempt"]) == ("pending", [], 1)


def test_a_hook_goes_on_with_a_build_that_was_created(client: FlaskClient, say: Say):
    made(say)
    now = datetime.now(UTC)
    began = stage("Base", state=15) | {"at": (now + timedelta(minutes=1)).isoformat()}
    done = verdict("completed") | {"at": (now + timedelta(minutes=5)).isoformat()}
    assert post(client, envelope(began)).status_code == 202
    assert (shown(client)["status"], shown(client)["attempt"]) == ("running", 1)
    assert post(client, envelope(began, done)).status_code == 202
    assert (shown(client)["status"], shown(client)["attempt"]) == ("completed", 1)


def test_a_number_is_created_once(client: FlaskClient, say: Say):
    made(say)
    again = say("/builds", {"build_number": "core-1"})
    assert (again.status_code, again.get_json()["code"]) == (409, "taken")
    assert post(client, envelope(stage("Base"), number="reported")).status_code == 202
    assert say("/builds", {"build_number": "reported"}).status_code == 409


def test_of_several_at_once_one_creates_a_number(client: FlaskClient, token: Token):
    headers = {"Authorization": f"Bearer {token('write')}"}

    def create(_: int) -> int:
        mine = client.application.test_client()
        body = {"build_number": "core-1"}
        return mine.post("/api/v1/builds", json=body, headers=headers).status_code

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(create, range(4))) == [201, 409, 409, 409]
    assert len(shown(client)["deliveries"]) == 1


def test_the_same_key_is_one_request(client: FlaskClient, say: Say, url: str):
    key = {"Idempotency-Key": "try-1"}
    first = say("/builds", {"build_number": "core-1"}, headers=key)
    second = say("/builds", {"build_number": "core-1"}, headers=key)
    other = say("/builds", {"build_number": "core-2"}, headers=key)
    assert [each.status_code for each in (first, second, other)] == [201, 200, 409]
    assert second.get_json() == first.get_json() | {"duplicate": True}
    assert other.get_json()["code"] == "conflict"
    failed = [say("/builds/core-1/failures", {"stage": "a", "message": "b"}) for _ in range(2)]
    assert [each.status_code for each in failed] == [201, 201]
    assert len(shown(client)["failures"]) == 2
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT count(*) FROM audit WHERE action LIKE 'build.%'")
        assert found.fetchone() == (3,)
    wrong = say("/builds", {"build_number": "core-3"}, headers={"Idempotency-Key": "a" * 256})
    assert list(wrong.get_json()["errors"]) == ["Idempotency-Key"]


def test_states_are_appended_and_move_the_build(client: FlaskClient, say: Say):
    made(say)
    states = "/builds/core-1/states"
    for document in (
        {"stage": "Base", "state": 15, "status": "started", "at": "2026-01-01T10:00:00Z"},
        {"stage": "Base", "status": "completed", "at": "2026-01-01T10:05:00Z"},
        {"stage": "Hardening", "state": 25, "status": "failed", "message": "no route"},
    ):
        assert say(states, document).status_code == 201
    base, hardening = client.get(f"/api/v1{states}").get_json()["items"]
    assert (base["status"], base["state"], base["duration_seconds"]) == ("completed", 15, 300)
    assert (hardening["status"], hardening["error_message"]) == ("failed", "no route")
    assert (shown(client)["status"], shown(client)["current_state"]) == ("failed", 25)


def test_a_failure_is_recorded_with_its_details(client: FlaskClient, say: Say):
    made(say)
    said = {
        "stage": "Hardening",
        "state": 25,
        "message": "no route",
        "type": "provisioner",
        "component": "ansible",
        "details": {"task": {"name": "cis"}},
    }
    answer = say("/builds/core-1/failures", said)
    assert (answer.status_code, answer.get_json()["status"]) == (201, "failed")
    (failure,) = client.get("/api/v1/builds/core-1/failures").get_json()["items"]
    assert (failure["failure_type"], failure["component"]) == ("provisioner", "ansible")
    assert failure["error_details"] == {"task": {"name": "cis"}}
    (listed,) = client.get("/api/v1/failures").get_json()["items"]
    assert listed["id"] == failure["id"]


def test_only_a_build_that_goes_on_is_cancelled(client: FlaskClient, say: Say):
    made(say)
    assert say("/builds/core-1/states", {"stage": "Base", "status": "started"}).status_code == 201
    cancelled = say("/builds/core-1/cancel", {"reason": "superseded"})
    assert cancelled.get_json()["status"] == "cancelled"
    (base,) = shown(client)["states"]
    assert (base["status"], base["error_message"]) == ("cancelled", "superseded")
    again = say("/builds/core-1/cancel")
    assert (again.status_code, again.get_json()["code"]) == (409, "ended")
    assert post(client, envelope(verdict("completed"), number="good")).status_code == 202
    assert say("/builds/good/cancel").status_code == 409
    assert shown(client, "good")["status"] == "completed"


def test_an_artifact_added_by_hand_is_the_image(client: FlaskClient, say: Say):
    whole = verdict("completed", 9)
    said = envelope(stage("Base", state=15), whole, build=NAMES)
    assert post(client, said).status_code == 202
    artifact = {
        "artifact_id": "ami-9",
        "region": "us-east-1",
        "storage": "ec2",
        "path": "/images/9",
        "size_bytes": 2**40,
        "checksum": "sha256:00",
    }
    assert say("/builds/core-1/artifacts", artifact).status_code == 201
    (kept,) = client.get("/api/v1/builds/core-1/artifacts").get_json()["items"]
    assert kept.items() >= artifact.items()
    assert (kept["kind"], kept["expires_at"]) == ("final", None)
    path = "/api/v1/images/aws/rhel-9.4/web"
    assert client.get(f"{path}?format=text").text == "ami-9\n"
    page = client.get("/builds/core-1").text
    assert all(part in page for part in ("ami-9", "/images/9", "ec2"))


def test_what_is_resumable_or_expired_is_no_image(client: FlaskClient, say: Say):
    said = envelope(stage("Base", state=15), verdict("completed", 9), build=NAMES)
    assert post(client, said).status_code == 202
    for artifact in (
        {"artifact_id": "ami-1", "kind": "resumable", "state": 15},
        {"artifact_id": "ami-2", "expires_at": "2026-01-02T00:00:00Z"},
    ):
        assert say("/builds/core-1/artifacts", artifact).status_code == 201
    assert client.get("/api/v1/images").get_json()["items"] == []
    assert client.get("/api/v1/images/aws/rhel-9.4/web").status_code == 404


@pytest.mark.parametrize(
    ("more", "safe"),
    [
        ({"kind": "resumable"}, True),
        ({"kind": "final"}, False),
        ({"kind": "resumable", "expires_at": "2026-01-02T00:00:00Z"}, False),
    ],
)
def test_resume_starts_from_what_is_resumable_and_kept(
    client: FlaskClient, say: Say, more: Json, safe: bool
):
    done = stage("Base", "completed", 5, state=15)
    failed = stage("Hardening", "failed", 8, state=25)
    assert post(client, envelope(done, failed, verdict("failed", 9))).status_code == 202
    artifact = {"artifact_id": "ami-1", "state": 15} | more
    assert say("/builds/core-1/artifacts", artifact).status_code == 201
    resume = client.get("/api/v1/builds/core-1/resume").get_json()
    assert (resume["state"], resume["safe"]) == (25, safe)


def test_what_was_said_is_a_delivery_and_replay_changes_nothing(
    client: FlaskClient, say: Say, command: Command, url: str
):
    made(say)
    said: list[tuple[str, Json]] = [
        ("states", {"stage": "Base", "state": 15, "status": "completed"}),
        ("failures", {"stage": "Hardening", "state": 25, "message": "no route"}),
        (
            "artifacts",
            {"artifact_id": "a", "kind": "resumable", "expires_at": "2030-01-01T00:00:00Z"},
        ),
        ("cancel", {"reason": "enough"}),
    ]
    for kind, document in said[:3]:
        assert say(f"/builds/core-1/{kind}", document).status_code == 201
    before = rows(url)
    deliveries = client.get("/api/v1/deliveries?source=api").get_json()["items"]
    assert [each["event_type"] for each in deliveries] == ["artifact", "failure", "state", "build"]
    for each in deliveries:
        assert command("replay", each["id"]).exit_code == 0
    assert rows(url) == before
    page = client.get(f"/deliveries/{deliveries[0]['id']}")
    assert page.status_code == 200
    assert "curl" not in page.text


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
        ("/builds/core-1/states", {"status": "odd", "state": 101}, ["status", "state"]),
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


def test_a_database_that_is_away_says_when_to_try_again(
    serve: Callable[[Config], FlaskClient], config: Config
):
    away = serve(replace(config, database_url="postgresql://127.0.0.1:1/none"))
    answer = away.get("/api/v1/builds")
    assert (answer.status_code, answer.get_json()["code"]) == (503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0


def test_every_fact_is_in_the_audit_trail(client: FlaskClient, say: Say, token: Token):
    made(say)
    say("/builds/core-1/states", {"stage": "Base", "state": 15, "status": "completed"})
    say("/builds/core-1/cancel", {"reason": "enough"})
    admin = {"Authorization": f"Bearer {token('admin')}"}
    path = "/api/v1/audit?target_kind=build&target_name=core-1"
    found = client.get(path, headers=admin).get_json()["items"]
    assert [each["action"] for each in found] == ["build.cancel", "build.state", "build.create"]
    assert found[0]["before"] == {"status": "running", "current_state": 15, "attempt": 1}
    assert found[0]["after"]["said"] == {"reason": "enough"}
    assert found[2]["before"] is None
    page = client.get(f"{path}&limit=2", headers=admin).get_json()
    rest = client.get(f"{path}&limit=2&after={page['next']}", headers=admin).get_json()
    assert [*page["items"], *rest["items"]] == found
    writer = {"Authorization": f"Bearer {token('write')}"}
    assert client.get(path, headers=writer).status_code == 403
    assert client.get(path).status_code == 401


def test_the_audit_page_is_for_administrators(client: FlaskClient, say: Say, token: Token):
    made(say, "core-1", project="<b>core</b>")
    assert client.get("/audit").status_code == 401
    client.set_cookie("milepost_token", token("write"))
    assert client.get("/audit").status_code == 403
    client.set_cookie("milepost_token", token("admin"))
    text = client.get("/audit").text
    assert "build.create" in text
    assert "<b>core" not in text
    assert "core-1" not in client.get("/audit?target_kind=token").text
    assert client.get("/audit.json").get_json()["items"]
