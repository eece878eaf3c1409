"""/api/v1 as pipelines read it: builds, images, failures, deliveries."""

from collections.abc import Callable
from dataclasses import replace
from uuid import uuid4

import psycopg
import pytest
from flask.testing import FlaskClient

from receiver.config import Config
from tests.support.api import Api, Token
from tests.support.senders import COMBINATION, envelope, post, stage, verdict

IMAGE = "/api/v1/images/aws-commercial/rhel-8.8/hana"
pytestmark = pytest.mark.usefixtures("filled")


def test_builds_are_filtered_and_paged(client: FlaskClient, api: Api):
    assert [row["build_number"] for row in api.items("/builds?status=failed")] == ["bad"]
    page = client.get("/api/v1/builds?limit=1&platform=aws-commercial").get_json()
    following = client.get(f"/api/v1/builds?limit=1&after={page['next']}").get_json()
    numbers = [row["build_number"] for row in [*page["items"], *following["items"]]]
    assert (numbers, following["next"]) == (["bad", "good"], None)
    assert page["items"][0]["resume"] == {"state": 45}


def test_image_is_of_a_completed_build(client: FlaskClient, api: Api):
    text = client.get(f"{IMAGE}?region=eu-west-1&format=text")
    assert (text.text, text.mimetype) == ("ami-2\n", "text/plain")
    image = client.get(f"{IMAGE}?region=us-east-1").get_json()
    assert (image["artifact_id"], image["build_number"]) == ("ami-1", "good")
    assert image["age_seconds"] >= 0
    assert len(image["packer_manifest"]["builds"]) == 2
    assert len(api.items("/images?os_version=rhel-8.8")) == 2
    assert api.items("/images?os_version=rhel-9") == []


def test_build_that_failed_later_has_no_image(client: FlaskClient):
    failed = stage("Base", "failed", 60, state=15), verdict("failed", 61)
    again = envelope(*failed, number="good", run="run-3", build=COMBINATION)
    assert post(client, again).status_code == 202
    assert client.get(f"{IMAGE}?region=us-east-1").status_code == 404


@pytest.mark.parametrize(
    ("path", "status", "fields"),
    [
        (IMAGE, 422, ["region"]),
        (f"{IMAGE}?region=mars", 404, []),
        ("/api/v1/builds?limit=0", 422, ["limit"]),
        ("/api/v1/builds?low=-1", 422, ["low"]),
        ("/api/v1/builds?since=yesterday", 422, ["since"]),
        ("/api/v1/builds?after=x", 422, ["after"]),
        ("/api/v1/builds/none/resume", 404, []),
        ("/api/v1/failures?status=new", 422, ["status"]),
        ("/api/v1/deliveries?after=x", 422, ["after"]),
        ("/api/v1/stats/moon", 404, []),
        ("/builds.json?low=101&since=x&status=odd", 422, ["status", "low", "since"]),
    ],
)
def test_wrong_parameter_is_named(client: FlaskClient, path: str, status: int, fields: list[str]):
    response = client.get(path)
    assert (response.status_code, response.mimetype) == (status, "application/problem+json")
    assert list(response.get_json().get("errors", {})) == fields


def test_failure_is_resolved_with_notes(client: FlaskClient, api: Api):
    (failure,) = api.items("/failures")
    path = f"/failures/{failure['id']}"
    assert client.post(f"/api/v1{path}/resolve", json={"notes": "x"}).status_code == 401
    for body in (b"[]", b"[" * 60_000, b"\xff", b'{"notes": 5}'):
        assert api.send("POST", f"{path}/resolve", data=body).status_code == 422
    assert api.send("POST", f"{path}/resolve", data=b" " * 70_000).status_code == 413
    response = api.post(f"{path}/resolve", {"notes": "the route"})
    assert response.get_json() == {"build_number": "bad"}
    (resolved,) = api.items("/failures?status=resolved")
    assert resolved["resolution_notes"] == "the route"
    assert api.send("POST", f"{path}/reopen").status_code == 200
    assert len(api.items("/failures")) == 1
    assert api.send("POST", f"/failures/{uuid4()}/reopen").status_code == 404


@pytest.mark.parametrize(("scope", "status"), [("read", 403), ("write", 403), ("admin", 200)])
def test_delivery_is_replayed_by_administrators(api: Api, scope: str, status: int):
    delivery = api.items("/deliveries")[0]["id"]
    assert api.send("POST", f"/deliveries/{delivery}/replay", scope=scope).status_code == status


def test_token_of_a_project_reads_its_builds_alone(
    serve: Callable[[Config], FlaskClient], config: Config, token: Token
):
    closed = serve(replace(config, public_read=False))
    headers = {"Authorization": f"Bearer {token('read', '--project', 'elsewhere')}"}
    assert closed.get("/api/v1/builds", headers=headers).get_json()["items"] == []
    for path in ("/api/v1/builds", "/builds", "/feed.atom"):
        assert closed.get(f"{path}?project=core", headers=headers).status_code == 403
        assert closed.get(f"{path}?project=elsewhere", headers=headers).status_code == 200
    assert closed.get("/api/v1/builds/bad/resume", headers=headers).status_code == 404
    for path in ("images", "failures"):
        assert closed.get(f"/api/v1/{path}", headers=headers).get_json()["items"] == []
    counts = closed.get("/api/v1/stats", headers=headers).get_json()
    assert (counts["builds_of_24_hours"], counts["open_failures"]) == ({}, 0)
    assert closed.get("/api/v1/deliveries", headers=headers).status_code == 403
    for path in ("images", "failures", "deliveries", "stats"):
        assert closed.get(f"/api/v1/{path}").status_code == 401


def test_stored_value_of_another_shape_is_answered_as_it_is(client: FlaskClient, url: str):
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE artifacts SET files = '[{\"name\": 5}]'")
    answer = client.get("/api/v1/builds/good")
    assert answer.status_code == 200
    assert answer.get_json()["artifacts"][0]["files"] == [{"name": 5}]
