"""/api/v1 as pipelines ask it."""

from collections.abc import Callable
from dataclasses import replace
from uuid import uuid4

import pytest
from flask.testing import FlaskClient

from receiver.config import Config
from tests.support.senders import COMBINATION, Json, envelope, post, stage, verdict

IMAGE = "/api/v1/images/aws-commercial/rhel-8.8/hana"


def items(client: FlaskClient, path: str) -> list[Json]:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    found: list[Json] = answer.get_json()["items"]
    return found


def test_builds_are_filtered_and_paged(filled: FlaskClient):
    assert [row["build_number"] for row in items(filled, "/api/v1/builds?status=failed")] == ["bad"]
    page = filled.get("/api/v1/builds?limit=1&platform=aws-commercial").get_json()
    following = filled.get(f"/api/v1/builds?limit=1&after={page['next']}").get_json()
    numbers = [row["build_number"] for row in [*page["items"], *following["items"]]]
    assert (numbers, following["next"]) == (["bad", "good"], None)
    assert page["items"][0]["resume"] == {"state": 45}


def test_an_image_is_of_a_completed_build_only(filled: FlaskClient):
    text = filled.get(f"{IMAGE}?region=eu-west-1&format=text")
    assert (text.text, text.mimetype) == ("ami-2\n", "text/plain")
    found = filled.get(f"{IMAGE}?region=us-east-1").get_json()
    assert (found["artifact_id"], found["build_number"]) == ("ami-1", "good")
    assert found["age_seconds"] >= 0
    assert len(found["packer_manifest"]["builds"]) == 2
    assert len(items(filled, "/api/v1/images?os_version=rhel-8.8")) == 2
    assert items(filled, "/api/v1/images?os_version=rhel-9") == []


def test_a_build_that_failed_later_is_no_image(filled: FlaskClient):
    failed = stage("Base", "failed", 60, state=15), verdict("failed", 61)
    again = envelope(*failed, number="good", run="run-3", build=COMBINATION)
    assert post(filled, again).status_code == 202
    assert filled.get(f"{IMAGE}?region=us-east-1").status_code == 404


@pytest.mark.parametrize(
    ("path", "status", "field"),
    [
        (f"{IMAGE}", 422, "region"),
        (f"{IMAGE}?region=mars", 404, None),
        ("/api/v1/builds?limit=0", 422, "limit"),
        ("/api/v1/builds?low=-1", 422, "low"),
        ("/api/v1/builds?since=yesterday", 422, "since"),
        ("/api/v1/builds?after=x", 422, "after"),
        ("/api/v1/builds/none/resume", 404, None),
        ("/api/v1/failures?status=new", 422, "status"),
        ("/api/v1/deliveries?after=x", 422, "after"),
        ("/api/v1/stats/moon", 404, None),
    ],
)
def test_what_is_wrong_is_named(filled: FlaskClient, path: str, status: int, field: str | None):
    answer = filled.get(path)
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    assert list(answer.get_json().get("errors", {})) == ([field] if field else [])


def test_a_failure_is_resolved_with_notes(filled: FlaskClient, token: Callable[..., str]):
    (failure,) = items(filled, "/api/v1/failures")
    path = f"/api/v1/failures/{failure['id']}"
    headers = {"Authorization": f"Bearer {token('write')}"}
    assert filled.post(f"{path}/resolve", json={"notes": "x"}).status_code == 401
    for wrong in (b"[]", b"[" * 60_000, b"\xff", b'{"notes": 5}'):
        assert filled.post(f"{path}/resolve", data=wrong, headers=headers).status_code == 422
    large = filled.post(f"{path}/resolve", data=b" " * 70_000, headers=headers)
    assert large.status_code == 413
    answer = filled.post(f"{path}/resolve", json={"notes": "the route"}, headers=headers)
    assert answer.get_json() == {"build_number": "bad"}
    (resolved,) = items(filled, "/api/v1/failures?status=resolved")
    assert resolved["resolution_notes"] == "the route"
    assert filled.post(f"{path}/reopen", headers=headers).status_code == 200
    assert len(items(filled, "/api/v1/failures")) == 1
    missing = filled.post(f"/api/v1/failures/{uuid4()}/reopen", headers=headers)
    assert missing.status_code == 404


def test_a_delivery_is_replayed_by_admins(filled: FlaskClient, token: Callable[..., str]):
    path = f"/api/v1/deliveries/{items(filled, '/api/v1/deliveries')[0]['id']}/replay"
    allowed = {
        scope: filled.post(path, headers={"Authorization": f"Bearer {token(scope)}"}).status_code
        for scope in ("read", "write", "admin")
    }
    assert allowed == {"read": 403, "write": 403, "admin": 200}


@pytest.mark.usefixtures("filled")
def test_a_projects_token_sees_its_builds_and_nothing_of_all(
    serve: Callable[[Config], FlaskClient],
    config: Config,
    token: Callable[..., str],
):
    closed = serve(replace(config, public_read=False))
    headers = {"Authorization": f"Bearer {token('read', '--project', 'elsewhere')}"}
    assert closed.get("/api/v1/builds", headers=headers).get_json()["items"] == []
    for path in ("/api/v1/builds", "/builds", "/feed.atom"):
        assert closed.get(f"{path}?project=core", headers=headers).status_code == 403
        assert closed.get(f"{path}?project=elsewhere", headers=headers).status_code == 200
    assert closed.get("/api/v1/builds/bad/resume", headers=headers).status_code == 404
    for path in ("images", "failures", "deliveries", "stats"):
        assert closed.get(f"/api/v1/{path}", headers=headers).status_code == 403
        assert closed.get(f"/api/v1/{path}").status_code == 401
