"""The wrapper in a job and the job's own reports are one build, whatever comes first."""

from collections.abc import Callable
from itertools import permutations
from typing import Any

import orjson
import psycopg
import pytest
from click.testing import Result
from flask.testing import FlaskClient

from tests.support.forges import post_github, workflow_job
from tests.support.senders import (
    Json,
    add_sender,
    build_numbers,
    envelope,
    get_build,
    post,
    sign,
    stage,
    verdict,
)
from tests.support.table_rows import count, rows

KEY, AGAIN, TEST = (
    "github:acme/images:500:1:7001",
    "github:acme/images:500:2:7002",
    "github:acme/images:500:1:7009",
)
PIPELINE = {"pipeline": "github:acme/images:500"}


def wrapped(*events: Json, target: str = "base", run: str = KEY, targets: int = 1) -> Json:
    """What the wrapper reports of one target of the job of number core-1."""
    more = {**PIPELINE, "number": "core-1", "targets": targets}
    return envelope(*events, number=f"core-1-{target}", run=run, run_more=more)


def own(*events: Json, run: str = KEY) -> Json:
    """What the job reports itself."""
    return envelope(*events, run=run, run_more=PIPELINE)


ONE_TARGET = [
    own(stage("Lint", minutes=1)),
    wrapped(stage("Base configuration", minutes=5)),
    wrapped(verdict("completed", 20)),
    own(stage("Scan", minutes=21), verdict("failed", 30)),
]
TWO_TARGETS = [
    own(stage("Lint", minutes=1)),
    wrapped(stage("Base configuration", minutes=5), targets=2),
    wrapped(stage("Storage", minutes=6), target="data", targets=2),
    wrapped(verdict("completed", 20), targets=2),
    own(verdict("failed", 30)),
]
TWO_ATTEMPTS = [
    wrapped(stage("Base configuration", minutes=5), verdict("failed", 6)),
    own(verdict("failed", 7)),
    wrapped(stage("Base configuration", minutes=105), verdict("completed", 120), run=AGAIN),
    own(verdict("completed", 121), run=AGAIN),
]
TWO_WRAPPERS = [
    wrapped(stage("Base configuration", minutes=5), verdict("completed", 6)),
    wrapped(stage("Base configuration", minutes=7), target="data"),
    own(stage("Lint", minutes=1), verdict("cancelled", 30)),
]
ANOTHER_JOB = [
    wrapped(stage("Base configuration", minutes=5), verdict("completed", 6)),
    own(verdict("completed", 7)),
    own(stage("Test", minutes=8), verdict("failed", 9), run=TEST),
]


def told(client: FlaskClient, url: str, documents: list[Json]) -> Any:
    with psycopg.connect(url) as connection:
        connection.execute("TRUNCATE builds, deliveries, run_keys, build_redirects CASCADE")
    for place, document in enumerate(documents):
        answer = post(client, document, message_id=f"msg_{place}_{id(document)}")
        assert answer.status_code == 202, answer.text
    return rows(url)


@pytest.mark.parametrize(
    ("said", "numbers"),
    [
        (ONE_TARGET, ["core-1-base"]),
        (TWO_TARGETS, ["core-1-base", "core-1-data"]),
        (TWO_ATTEMPTS, ["core-1-base"]),
        (TWO_WRAPPERS, ["core-1-base", "core-1-data"]),
        (ANOTHER_JOB, ["core-1-base"]),
    ],
    ids=["one target", "two targets", "two attempts", "two wrappers", "another job"],
)
def test_every_order_gives_the_same_rows(
    client: FlaskClient, url: str, said: list[Json], numbers: list[str]
):
    first = told(client, url, said)
    assert sorted(build_numbers(client)) == numbers
    for order in permutations(said):
        assert told(client, url, [*order, *order[:1]]) == first
    assert count(url, "builds") == len(numbers)


def test_the_plain_number_leads_to_the_only_target(client: FlaskClient, url: str):
    told(client, url, ONE_TARGET)
    build = get_build(client, "core-1")
    assert (build["build_number"], build["status"], build["attempt"]) == (
        "core-1-base",
        "failed",
        1,
    )
    assert [row["stage"] for row in build["states"]] == ["Lint", "Base configuration", "Scan"]
    assert [row["status"] for row in build["states"]] == ["completed", "completed", "failed"]
    for path in ("/builds/core-1", "/api/v1/builds/core-1/resume"):
        assert client.get(path, follow_redirects=True).status_code == 200


def test_the_verdict_of_a_job_reaches_the_targets_that_have_none(client: FlaskClient, url: str):
    told(client, url, TWO_TARGETS)
    assert get_build(client, "core-1-base")["status"] == "completed"
    data = get_build(client, "core-1-data")
    assert (data["status"], [row["status"] for row in data["states"]]) == ("failed", ["failed"])
    assert client.get("/api/v1/builds/core-1").status_code == 404


def test_the_plain_number_of_several_targets_names_their_builds(client: FlaskClient, url: str):
    told(client, url, TWO_TARGETS)
    for path in ("/api/v1/builds/core-1", "/api/v1/builds/core-1/resume"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert answer.get_json()["choices"] == ["core-1-base", "core-1-data"]
        assert "core-1-base, core-1-data" in answer.get_json()["detail"]
    page = client.get("/builds/core-1", headers={"Accept": "text/html"})
    assert page.status_code == 404
    assert 'href="/builds/core-1-base"' in page.text
    assert "choices" not in client.get("/api/v1/builds/core-9").get_json()


def test_a_job_that_failed_and_runs_again_is_the_next_attempt(client: FlaskClient, url: str):
    told(client, url, TWO_ATTEMPTS)
    build = get_build(client, "core-1")
    assert (build["attempt"], build["status"]) == (2, "completed")
    assert [(row["attempt"], row["status"]) for row in build["states"]] == [
        (1, "failed"),
        (2, "completed"),
    ]


def test_a_second_target_takes_the_number_from_the_first(client: FlaskClient, url: str):
    told(client, url, [*TWO_WRAPPERS[::2]])
    assert get_build(client, "core-1")["build_number"] == "core-1-base"
    post(client, TWO_WRAPPERS[1])
    assert client.get("/api/v1/builds/core-1").status_code == 404
    base, data = (get_build(client, f"core-1-{name}") for name in ("base", "data"))
    assert [row["stage"] for row in base["states"]] == ["Base configuration"]
    assert (base["status"], data["status"]) == ("completed", "cancelled")


@pytest.mark.parametrize("place", range(4))
def test_the_webhook_of_the_job_meets_the_only_target(forge: FlaskClient, place: int):
    deliveries: list[Any] = list(ONE_TARGET[:3])
    deliveries.insert(place, None)
    for each in deliveries:
        if each is None:
            job = workflow_job("in_progress", id=7001, run_id=500, run_attempt=1)
            assert post_github(forge, job).status_code == 202
        else:
            assert post(forge, each).status_code == 202
    assert build_numbers(forge) == ["core-1-base"]


def test_heartbeats_of_the_job_keep_its_targets_alive(client: FlaskClient, url: str):
    told(client, url, TWO_TARGETS[:3])
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE builds SET heartbeat_at = NULL")
    assert post(client, own({"kind": "heartbeat", "at": "2026-01-01T10:00:00Z"})).status_code == 202
    with psycopg.connect(url) as connection:
        beats = connection.execute("SELECT heartbeat_at IS NOT NULL FROM builds").fetchall()
    assert beats == [(True,), (True,)]


def test_another_team_s_claim_on_a_number_joins_nothing_and_blocks_nobody(
    client: FlaskClient, command: Callable[..., Result], url: str
):
    path, secret = add_sender(command, "team-a", "--source", "milepost", "--project", "edge")
    stolen = wrapped(verdict("completed", 99), target="evil")
    stolen["build"]["project"] = "edge"
    honest = [own(stage("Lint")), wrapped(verdict("completed", 20)), own(verdict("failed", 30))]
    for document in honest:
        document["build"] |= {"project": "core"}
    results = []
    for place in range(len(honest) + 1):
        told(client, url, honest[:place])
        body = orjson.dumps(stolen)
        answer = client.post(
            path, data=body, headers=sign(body, secret), content_type="application/json"
        )
        assert answer.status_code == 202, answer.text
        for document in honest[place:]:
            assert post(client, document).status_code == 202
        assert get_build(client, "core-1")["build_number"] == "core-1-base"
        assert get_build(client, "core-1-evil")["status"] == "completed"
        results.append(rows(url))
    assert results.count(results[0]) == len(results)


def test_a_build_made_ahead_becomes_that_of_the_only_target(api: Any, client: FlaskClient):
    assert api.post("/builds", {"build_number": "core-1"}).status_code == 201
    post(client, ONE_TARGET[1])
    assert build_numbers(client) == ["core-1-base"]
    assert api.post("/builds/core-1/cancel", {}).status_code in (200, 201)
    assert build_numbers(client) == ["core-1-base"]
    assert get_build(client, "core-1")["status"] == "cancelled"
