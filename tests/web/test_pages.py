"""The pages and the read API: their content, errors, paging, and escaped texts."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from receiver.config import Config
from tests.support.senders import envelope, get_build, manifest, post, stage, verdict

Serve = Callable[[Config], FlaskClient]
PAGES = ["/", "/builds", "/builds/core-1"]


def report(client: FlaskClient) -> None:
    failure = {"type": "provisioner", "message": "no route to host", "component": "ansible"}
    post(
        client,
        envelope(
            stage("Base configuration", minutes=0),
            stage("Frobnicate", minutes=5),
            verdict("failed", 9, failure=failure),
            build={"project": "core", "platform": "aws", "os_version": "rhel-9"},
            manifest=manifest({"files": [{"name": "disk.qcow2", "size": 3_000_000}]}),
        ),
    )


@pytest.mark.parametrize("path", PAGES)
def test_a_page_shows_the_build(client: FlaskClient, path: str):
    report(client)
    response = client.get(path)
    assert response.status_code == 200
    assert "core-1" in response.text
    assert "failed" in response.text


def test_build_page_shows_states_failures_and_artifacts(client: FlaskClient):
    report(client)
    text = client.get("/builds/core-1").text
    for part in ("Frobnicate", "unmapped", "no route to host", "ansible", "disk.qcow2", "uuid-1"):
        assert part in text


def test_empty_receiver_shows_the_lines_to_paste(client: FlaskClient):
    assert "milepost-hook stage" in client.get("/").text


def test_text_of_a_sender_is_escaped(client: FlaskClient):
    evil = "<script>alert(1)</script>"
    post(
        client,
        envelope(
            stage(evil),
            verdict("failed", failure={"message": evil}),
            build={"platform": evil, "created_by": evil},
            run_more={"url": "javascript:alert(1)", "branch": evil, "commit": evil},
        ),
    )
    for path in PAGES:
        text = client.get(path).text
        assert "<script>alert" not in text
        assert 'href="javascript' not in text


def test_a_missing_build_is_404_as_page_and_as_problem(client: FlaskClient):
    page = client.get("/builds/none", headers={"Accept": "text/html"})
    assert (page.status_code, page.mimetype) == (404, "text/html")
    answer = client.get("/api/v1/builds/none")
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")
    assert answer.get_json()["code"] == "not-found"


def test_next_page_continues_after_the_last_one(client: FlaskClient):
    for number in range(5):
        post(client, envelope(stage("x"), number=f"n-{number}"))
    seen: list[str] = []
    path = "/api/v1/builds?limit=2"
    while path:
        page = client.get(path).get_json()
        seen += [item["build_number"] for item in page["items"]]
        path = f"/api/v1/builds?limit=2&after={page['next']}" if page["next"] else ""
    assert seen == [f"n-{number}" for number in (4, 3, 2, 1, 0)]


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=x", "limit=²", "after=x", "after=ÿ"]
)
def test_a_wrong_query_is_422(client: FlaskClient, query: str):
    assert client.get(f"/api/v1/builds?{query}").status_code == 422


def test_api_has_the_promised_fields(client: FlaskClient):
    report(client)
    build = get_build(client)
    assert build["attempt"] == 1
    assert build["resume"] == {"state": 0, "safe": False, "artifact": None}
    assert set(build["states"][0]) >= {
        "state",
        "stage",
        "status",
        "attempt",
        "retry_count",
        "start_time",
        "end_time",
        "duration_seconds",
        "error_message",
    }


def test_secrets_in_a_manifest_are_masked(client: FlaskClient):
    document = manifest({"custom_data": {"admin_password": "hunter2"}})
    post(client, envelope(verdict("completed"), manifest=document))
    assert "hunter2" not in client.get("/builds/core-1").text
    assert "hunter2" not in client.get("/api/v1/builds/core-1").text


def test_readiness_names_the_schema(client: FlaskClient):
    assert client.get("/readyz").get_json()["status"] == "ok"
    assert client.get("/livez").get_json() == {"status": "ok"}


def test_without_a_database_it_is_not_ready_and_accepts_nothing(serve: Serve, config: Config):
    away = replace(config, database_url="postgresql://nobody@127.0.0.1:1/none")
    client = serve(away)
    assert client.get("/livez").status_code == 200
    response = client.get("/readyz")
    assert (response.status_code, response.headers["Retry-After"]) == (503, "3")
    response = post(client, envelope(stage("x")))
    assert (response.status_code, response.headers["Retry-After"]) == (503, "3")


@pytest.mark.parametrize("path", ["/", "/builds", "/images", "/failures", "/trends", "/deliveries"])
def test_an_empty_page_offers_a_sender_and_the_demo_until_a_build_comes(
    client: FlaskClient, path: str
):
    page = client.get(path).text
    assert 'href="/setup#connect"' in page
    assert "make demo" in page
    assert post(client, envelope(stage("Base"))).status_code == 202
    assert "make demo" not in client.get(path).text
