"""What is said of a build through /api/v1: an event like any other, kept, folded and replayed."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest
from click.testing import Result
from flask.testing import FlaskClient

from tests.support.api_calls import NAMES, Say, Token, made, say
from tests.support.senders import Json, envelope, post, shown, stage, verdict
from tests.support.table_rows import rows

__all__ = ["say"]  # the fixture
Command = Callable[..., Result]


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
