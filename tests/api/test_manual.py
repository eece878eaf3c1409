"""Statements about a build through /api/v1: stored, folded and replayed like other deliveries."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest
from click.testing import Result
from flask.testing import FlaskClient

from tests.support.api import NAMES, Api
from tests.support.senders import Json, envelope, get_build, post, stage, verdict
from tests.support.table_rows import rows


def test_build_is_created_ahead_of_its_first_report(client: FlaskClient, api: Api):
    response = api.create_build()
    result = response.get_json()
    assert (result["status"], result["current_state"], result["duplicate"]) == ("pending", 0, False)
    assert UUID(result["delivery_id"])
    assert response.headers["Location"] == "/api/v1/builds/core-1"
    build = get_build(client)
    assert build.items() >= NAMES.items()
    assert build["created_by"].startswith("write-")
    assert (build["status"], build["states"], build["attempt"]) == ("pending", [], 1)


def test_hook_continues_the_attempt_of_a_created_build(client: FlaskClient, api: Api):
    api.create_build()
    now = datetime.now(UTC)
    began = stage("Base", state=15) | {"at": (now + timedelta(minutes=1)).isoformat()}
    done = verdict("completed") | {"at": (now + timedelta(minutes=5)).isoformat()}
    for events, status in (((began,), "running"), ((began, done), "completed")):
        assert post(client, envelope(*events)).status_code == 202
        assert (get_build(client)["status"], get_build(client)["attempt"]) == (status, 1)


def test_number_of_an_existing_build_is_taken(client: FlaskClient, api: Api):
    api.create_build()
    assert post(client, envelope(stage("Base"), number="reported")).status_code == 202
    for number in ("core-1", "reported"):
        response = api.post("/builds", {"build_number": number})
        assert (response.status_code, response.get_json()["code"]) == (409, "taken")


def test_one_of_several_concurrent_requests_creates_the_build(client: FlaskClient, api: Api):
    def create(_: int) -> int:
        other = Api(client.application.test_client(), lambda *_: token)
        return other.post("/builds", {"build_number": "core-1"}).status_code

    token = api.token("write")
    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(create, range(4))) == [201, 409, 409, 409]
    assert len(get_build(client)["deliveries"]) == 1


def test_request_with_the_same_key_is_a_duplicate(client: FlaskClient, api: Api, url: str):
    first, second, other = (
        api.post("/builds", {"build_number": number}, key="try-1")
        for number in ("core-1", "core-1", "core-2")
    )
    assert [each.status_code for each in (first, second, other)] == [201, 200, 409]
    assert second.get_json() == first.get_json() | {"duplicate": True}
    assert other.get_json()["code"] == "conflict"
    failed = [api.post("/builds/core-1/failures", {"stage": "a", "message": "b"}) for _ in range(2)]
    assert [each.status_code for each in failed] == [201, 201]
    assert len(get_build(client)["failures"]) == 2
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT count(*) FROM audit WHERE action LIKE 'build.%'")
        assert found.fetchone() == (3,)
    wrong = api.post("/builds", {"build_number": "core-3"}, key="a" * 256)
    assert list(wrong.get_json()["errors"]) == ["Idempotency-Key"]


def test_appended_states_move_the_build(client: FlaskClient, api: Api):
    api.create_build()
    for document in (
        {"stage": "Base", "state": 15, "status": "started", "at": "2026-01-01T10:00:00Z"},
        {"stage": "Base", "status": "completed", "at": "2026-01-01T10:05:00Z"},
        {"stage": "Hardening", "state": 25, "status": "failed", "message": "no route"},
    ):
        assert api.post("/builds/core-1/states", document).status_code == 201
    base, hardening = api.items("/builds/core-1/states")
    assert (base["status"], base["state"], base["duration_seconds"]) == ("completed", 15, 300)
    assert (hardening["status"], hardening["error_message"]) == ("failed", "no route")
    assert (get_build(client)["status"], get_build(client)["current_state"]) == ("failed", 25)


def test_failure_is_recorded_with_its_details(api: Api):
    api.create_build()
    body = {
        "stage": "Hardening",
        "state": 25,
        "message": "no route",
        "type": "provisioner",
        "component": "ansible",
        "details": {"task": {"name": "cis"}},
    }
    response = api.post("/builds/core-1/failures", body)
    assert (response.status_code, response.get_json()["status"]) == (201, "failed")
    (failure,) = api.items("/builds/core-1/failures")
    assert (failure["failure_type"], failure["component"]) == ("provisioner", "ansible")
    assert failure["error_details"] == {"task": {"name": "cis"}}
    assert [each["id"] for each in api.items("/failures")] == [failure["id"]]


def test_only_an_unfinished_build_is_cancelled(client: FlaskClient, api: Api):
    api.create_build()
    state = {"stage": "Base", "status": "started"}
    assert api.post("/builds/core-1/states", state).status_code == 201
    cancelled = api.post("/builds/core-1/cancel", {"reason": "superseded"})
    assert cancelled.get_json()["status"] == "cancelled"
    (base,) = get_build(client)["states"]
    assert (base["status"], base["error_message"]) == ("cancelled", "superseded")
    assert post(client, envelope(verdict("completed"), number="good")).status_code == 202
    for number, status in (("core-1", "cancelled"), ("good", "completed")):
        response = api.post(f"/builds/{number}/cancel")
        assert (response.status_code, response.get_json()["code"]) == (409, "ended")
        assert get_build(client, number)["status"] == status


def report_completed_build(client: FlaskClient) -> None:
    events = stage("Base", state=15), verdict("completed", 9)
    assert post(client, envelope(*events, build=NAMES)).status_code == 202


def test_added_artifact_is_the_image(client: FlaskClient, api: Api):
    report_completed_build(client)
    artifact = {
        "artifact_id": "ami-9",
        "region": "us-east-1",
        "storage": "ec2",
        "path": "/images/9",
        "size_bytes": 2**40,
        "checksum": "sha256:00",
    }
    assert api.post("/builds/core-1/artifacts", artifact).status_code == 201
    (added,) = api.items("/builds/core-1/artifacts")
    assert added.items() >= (artifact | {"kind": "final", "expires_at": None}).items()
    image = client.get("/api/v1/images/aws/rhel-9.4/web?format=text")
    assert image.text == "ami-9\n"
    page = client.get("/builds/core-1").text
    assert all(part in page for part in ("ami-9", "/images/9", "ec2"))


@pytest.mark.parametrize(
    "more", [{"kind": "resumable", "state": 15}, {"expires_at": "2026-01-02T00:00:00Z"}]
)
def test_resumable_or_expired_artifact_is_no_image(client: FlaskClient, api: Api, more: Json):
    report_completed_build(client)
    assert api.post("/builds/core-1/artifacts", {"artifact_id": "ami-1"} | more).status_code == 201
    assert api.items("/images") == []
    assert client.get("/api/v1/images/aws/rhel-9.4/web").status_code == 404


@pytest.mark.parametrize(
    ("more", "safe"),
    [
        ({"kind": "resumable"}, True),
        ({"kind": "final"}, False),
        ({"kind": "resumable", "expires_at": "2026-01-02T00:00:00Z"}, False),
    ],
)
def test_resume_starts_from_an_unexpired_resumable_artifact(
    client: FlaskClient, api: Api, more: Json, safe: bool
):
    done = stage("Base", "completed", 5, state=15)
    failed = stage("Hardening", "failed", 8, state=25)
    assert post(client, envelope(done, failed, verdict("failed", 9))).status_code == 202
    artifact = {"artifact_id": "ami-1", "state": 15} | more
    assert api.post("/builds/core-1/artifacts", artifact).status_code == 201
    resume = client.get("/api/v1/builds/core-1/resume").get_json()
    assert (resume["state"], resume["safe"]) == (25, safe)


def test_replay_of_statements_changes_nothing(
    client: FlaskClient, api: Api, command: Callable[..., Result], url: str
):
    api.create_build()
    artifact = {"artifact_id": "a", "kind": "resumable", "expires_at": "2030-01-01T00:00:00Z"}
    for path, body in (
        ("states", {"stage": "Base", "state": 15, "status": "completed"}),
        ("failures", {"stage": "Hardening", "state": 25, "message": "no route"}),
        ("artifacts", artifact),
    ):
        assert api.post(f"/builds/core-1/{path}", body).status_code == 201
    before = rows(url)
    deliveries = api.items("/deliveries?source=api")
    assert [each["event_type"] for each in deliveries] == ["artifact", "failure", "state", "build"]
    for each in deliveries:
        assert command("replay", each["id"]).exit_code == 0
    assert rows(url) == before
    page = client.get(f"/deliveries/{deliveries[0]['id']}")
    assert page.status_code == 200
    assert "curl" not in page.text


@pytest.mark.parametrize("name", ["CI \N{ROCKET}", "x" * 201, " ci"])
def test_build_of_a_token_with_an_odd_name_survives_a_replay(
    client: FlaskClient, command: Callable[..., Result], api: Api, name: str
):
    token = command("token", "create", "--name", name, "--scope", "write").stdout.strip()
    other = Api(client, lambda *_: token)
    created = other.post("/builds", {"build_number": "core-1"})
    assert (created.status_code, get_build(client)["created_by"]) == (201, None)
    delivery = created.get_json()["delivery_id"]
    replayed = api.send("POST", f"/deliveries/{delivery}/replay", scope="admin", json={})
    assert replayed.get_json() == {"outcome": "stored", "builds": ["core-1"]}
