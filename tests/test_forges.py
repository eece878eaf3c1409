"""GitLab, Jenkins and CloudEvents: their payloads in the true shape, and what they become."""

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import psycopg
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from receiver.config import Config
from tests import github_sender
from tests.forge_senders import (
    BEGAN,
    CLOUD,
    LOGIN,
    ROUTES,
    RUN,
    TASK,
    TOKEN,
    cdevent,
    cloud,
    gitlab,
    jenkins,
    job_hook,
    notification,
    old_time,
    pipeline_hook,
)
from tests.senders import BEARER, SECRET, Json, at, envelope, post, shown, signed, stage, told
from tests.tables import rows

Serve = Callable[[Config], FlaskClient]


@pytest.fixture
def forge(serve: Serve, config: Config, tmp_path: Path) -> FlaskClient:
    path = tmp_path / "routes.toml"
    path.write_text(ROUTES)
    more = {"gitlab": (TOKEN, SECRET), "jenkins": (LOGIN,), "cloudevents": (CLOUD,)}
    return serve(replace(config, secrets={"milepost": (BEARER,), **more}, routes=path))


def outcomes(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT outcome FROM deliveries ORDER BY received_at").fetchall()
    return [row[0] for row in rows]


def numbers(client: FlaskClient) -> list[str]:
    return [item["build_number"] for item in told(client.get("/api/v1/builds"))["items"]]


def hook(client: FlaskClient, document: Json) -> TestResponse:
    bearer = {"Authorization": f"Bearer {BEARER.removeprefix('bearer:')}"}
    return post(client, document, headers=bearer)


# GitLab


IMAGE = "acme-images-900-image"


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0], [1, 2, 0]])
def test_gitlabs_two_hooks_about_one_job_are_one_build(forge: FlaskClient, order: list[int]):
    deliveries = [
        ("Job Hook", job_hook("running", build_name="image")),
        ("Job Hook", job_hook("failed", build_name="image")),
        ("Pipeline Hook", pipeline_hook(name="image")),
    ]
    for place in order:
        event, document = deliveries[place]
        assert gitlab(forge, document, event).status_code == 202
    assert numbers(forge) == [IMAGE]
    build = shown(forge, IMAGE)
    assert (build["status"], build["current_state"], build["duration_seconds"]) == (
        "failed",
        45,
        480,
    )
    assert [(row["stage"], row["status"]) for row in build["states"]] == [("Storage", "failed")]
    assert [row["failure_type"] for row in build["failures"]] == ["script_failure"]


def test_gitlabs_names_and_variables_tell_what_it_is(forge: FlaskClient, url: str):
    gitlab(forge, pipeline_hook(), "Pipeline Hook")
    build = shown(forge, "acme-images-900-rhel-9-hana-aws")
    assert [build["os_version"], build["platform"], build["image_type"]] == [
        "rhel-9",
        "aws",
        "hana",
    ]
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT string_agg(statement::text, '') FROM events").fetchone()
    assert row is not None
    assert "hunter2" not in row[0]


def test_an_allowed_failure_of_gitlabs_is_a_warning(forge: FlaskClient):
    gitlab(forge, job_hook("failed", build_allow_failure=True, build_name="image"))
    build = shown(forge, IMAGE)
    assert (build["status"], build["failures"]) == ("completed", [])
    assert build["states"][0]["error_message"] == "Job image failed: script failure"


def test_a_retried_job_of_gitlabs_is_the_next_attempt(forge: FlaskClient):
    gitlab(forge, job_hook("failed", build_name="image"))
    again = {"build_id": 5000, "retries_count": 1, "build_started_at": old_time(20)}
    gitlab(forge, job_hook("running", build_name="image", **again))
    assert (shown(forge, IMAGE)["status"], shown(forge, IMAGE)["attempt"]) == ("running", 2)


def test_a_hook_inside_gitlabs_job_names_the_build(forge: FlaskClient):
    gitlab(forge, job_hook("running", build_name="image"))
    hook(
        forge,
        envelope(stage("Services", minutes=2), number="mine", run="gitlab:gitlab.example.com:4242"),
    )
    gitlab(forge, job_hook("success", build_name="image"))
    assert numbers(forge) == ["mine"]
    assert shown(forge, "mine")["status"] == "completed"


def test_gitlabs_token_does_not_count_beside_a_wrong_signature(forge: FlaskClient):
    body = orjson.dumps(job_hook("running"))
    right = signed(body)
    wrong = right | {"webhook-signature": "v1,AAAA"}
    assert gitlab(forge, body, **wrong).status_code == 401
    assert gitlab(forge, body, **right).status_code == 202
    assert gitlab(forge, body, **right).status_code == 200
    assert gitlab(forge, body, **{"X-Gitlab-Token": "no"}).status_code == 401
    assert gitlab(forge, body, **{"X-Gitlab-Token": ""}).status_code == 401


def test_gitlabs_retries_keep_their_idempotency_key(forge: FlaskClient):
    again = {"Idempotency-Key": "k-1"}
    first = gitlab(forge, job_hook("running"), **again, **{"X-Gitlab-Webhook-UUID": "a"})
    second = gitlab(forge, job_hook("running"), **again, **{"X-Gitlab-Webhook-UUID": "b"})
    assert (first.status_code, second.status_code) == (202, 200)


@pytest.mark.parametrize(
    ("document", "outcome"),
    [
        ({"object_kind": "pipeline"}, "quarantined"),
        ({"object_kind": "push"}, "ignored"),
        ({}, "ignored"),
        (b"[]", "quarantined"),
        (job_hook("running", build_id=None), "quarantined"),
        (job_hook("running", build_id=2**62, build_name="image"), "stored"),
        (job_hook("someday", build_name="image", build_started_at="x"), "ignored"),
        (job_hook("success", build_name="image", build_finished_at=None), "stored"),
        (job_hook("running", project={"web_url": "http://["}), "ignored"),
        (job_hook("skipped", build_name="image", build_started_at=None), "ignored"),
        (job_hook("manual", build_name="image", user=None, commit=None), "stored"),
    ],
)
def test_whatever_gitlab_sends_is_202(forge: FlaskClient, url: str, document: Any, outcome: str):
    assert gitlab(forge, document).status_code == 202
    assert outcomes(url) == [outcome]


# Jenkins


JENKINS = "images-rhel-9-12-rhel-9"


def test_jenkins_phases_make_one_build(forge: FlaskClient):
    phases = [
        ("QUEUED", None),
        ("STARTED", None),
        ("COMPLETED", "FAILURE"),
        ("FINALIZED", "FAILURE"),
    ]
    for phase, status in phases:
        assert jenkins(forge, notification(phase, status)).status_code == 202
    assert numbers(forge) == [JENKINS]
    build = shown(forge, JENKINS)
    assert (build["status"], build["duration_seconds"], build["os_version"]) == (
        "failed",
        60,
        "rhel-9",
    )
    assert build["failures"][0]["error_message"] == "images/rhel-9 #12 ended with failure"


def test_jenkins_duplicates_are_one_delivery(forge: FlaskClient):
    assert jenkins(forge, notification("STARTED")).status_code == 202
    assert jenkins(forge, notification("STARTED")).status_code == 200


@pytest.mark.parametrize(
    ("status", "ours"),
    [
        ("SUCCESS", "completed"),
        ("UNSTABLE", "completed"),
        ("ABORTED", "cancelled"),
        ("NOT_BUILT", "running"),
    ],
)
def test_jenkins_words(forge: FlaskClient, status: str, ours: str):
    jenkins(forge, notification("COMPLETED", status))
    assert shown(forge, JENKINS)["status"] == ours


def test_the_cloudevents_plugin_says_the_same(forge: FlaskClient):
    build = notification("x")["build"]
    camel = {"fullUrl": build["full_url"], "number": 12, "timestamp": BEGAN, "duration": 60_000}
    for kind, status in (("started", None), ("finalized", "FAILURE"), ("failed", "FAILURE")):
        document = {"name": "rhel-9", "build": camel | {"status": status}}
        answer = jenkins(forge, document, **{"ce-type": f"org.jenkinsci.job.{kind}"})
        assert answer.status_code in (200, 202)
    assert shown(forge, JENKINS)["status"] == "failed"
    assert numbers(forge) == [JENKINS]


def test_a_hook_inside_jenkins_names_the_build(forge: FlaskClient):
    key = "jenkins:https://jenkins.example.com/job/images/job/rhel-9/12/"
    hook(forge, envelope(stage("Services"), number="mine", run=key))
    jenkins(forge, notification("COMPLETED", "SUCCESS"))
    assert numbers(forge) == ["mine"]
    assert shown(forge, "mine")["status"] == "completed"


@pytest.mark.parametrize("login", ["jenkins:wrong", "", "é", LOGIN + "x"])
def test_only_the_right_login_counts(forge: FlaskClient, login: str):
    assert jenkins(forge, notification("STARTED"), login).status_code == 401


@pytest.mark.parametrize(
    ("document", "headers", "outcome"),
    [
        ({}, {}, "quarantined"),
        ({"build": None}, {}, "quarantined"),
        ({"build": {"phase": "STARTED"}}, {}, "quarantined"),
        ({"build": {"number": 5}}, {}, "ignored"),
        ({"build": {"number": 5, "phase": "STARTED", "url": "x"}}, {}, "ignored"),
        (notification("STARTED", timestamp=10**18), {}, "stored"),
        (notification("FINISHED", "SUCCESS", timestamp=None), {}, "stored"),
        ({}, {"ce-type": "org.jenkinsci.queue.left"}, "ignored"),
        (b"<xml/>", {}, "quarantined"),
    ],
)
def test_whatever_jenkins_sends_is_202(
    forge: FlaskClient, url: str, document: Any, headers: dict[str, str], outcome: str
):
    assert jenkins(forge, document, **headers).status_code == 202
    assert outcomes(url) == [outcome]


# CloudEvents


@pytest.mark.parametrize("binary", [True, False])
def test_cdevents_tell_a_pipelines_run(forge: FlaskClient, binary: bool):
    over = {**RUN["content"], "outcome": "failure", "errors": "no route"}
    task = {**TASK, "source": "/tekton"}
    done = {**task, "content": {**TASK["content"], "outcome": "failure"}}
    artifact = {"id": "pkg:oci/golden@sha256:00", "source": "/tekton", "content": {}}
    events = [
        cdevent("pipelinerun", "queued", RUN),
        cdevent("pipelinerun", "started", RUN),
        cdevent("taskrun", "started", task),
        cdevent("taskrun", "finished", done),
        cdevent("artifact", "published", artifact),
        cdevent("pipelinerun", "finished", {**RUN, "content": over}),
    ]
    for event in events:
        assert cloud(forge, event, binary=binary).status_code == 202
    (number,) = numbers(forge)
    build = shown(forge, number)
    assert (build["status"], build["current_state"], build["image_type"]) == (
        "failed",
        45,
        "golden",
    )
    assert [(row["stage"], row["status"]) for row in build["states"]] == [("Storage", "failed")]
    assert [each["artifact_id"] for each in build["artifacts"]] == ["pkg:oci/golden@sha256:00"]


def test_both_modes_are_one_event(forge: FlaskClient):
    event = cdevent("pipelinerun", "started", RUN)
    assert cloud(forge, event, binary=True).status_code == 202
    assert cloud(forge, event, binary=True).status_code == 200


@pytest.mark.parametrize(
    ("event", "outcome"),
    [
        (cdevent("incident", "detected", RUN), "ignored"),
        (cdevent("pipelinerun", "started", {}), "ignored"),
        (cdevent("pipelinerun", "started", {"id": 5}), "ignored"),
        (cdevent("taskrun", "started", {"id": "t"}), "ignored"),
        (cdevent("pipelinerun", "exploded", RUN), "ignored"),
        (cdevent("pipelinerun", "started", RUN) | {"subject": None}, "quarantined"),
    ],
)
def test_whatever_cdevents_say_is_202(forge: FlaskClient, url: str, event: Json, outcome: str):
    assert cloud(forge, event, binary=False).status_code == 202
    assert outcomes(url) == [outcome]


def test_a_wrong_token_is_401(forge: FlaskClient):
    event = cdevent("pipelinerun", "started", RUN)
    assert cloud(forge, event, binary=False, token="bearer:no").status_code == 401


def test_a_day_of_three_forges_is_the_same_in_any_order(
    serve: Serve, config: Config, tmp_path: Path, url: str
):
    """Shuffled and doubled in ten ways, with hooks in some of the jobs."""
    path = tmp_path / "routes.toml"
    path.write_text(ROUTES + github_sender.ROUTES)
    more = {"github": (github_sender.SECRET,), "gitlab": (TOKEN,), "jenkins": (LOGIN,)}
    client = serve(replace(config, secrets={"milepost": (BEARER,), **more}, routes=path))
    crowd, results = random.Random(7), []
    for _ in range(10):
        with psycopg.connect(url) as connection:
            connection.execute("TRUNCATE builds, deliveries CASCADE")
        shuffled = day() * 2
        crowd.shuffle(shuffled)
        for send, document in shuffled:
            assert send(client, document).status_code in (200, 202)
        results.append(rows(url))
    assert len(results[0]["builds"]) == 5
    assert results == [results[0]] * 10


def day() -> list[tuple[Callable[[FlaskClient, Json], TestResponse], Json]]:
    """Queued, moved and ended jobs of GitHub, GitLab and Jenkins; two with a hook inside."""

    def github(client: FlaskClient, document: Json) -> TestResponse:
        return github_sender.send(client, "workflow_job", document)

    jobs = [
        github_sender.job(status, conclusion, id=number, name=f"build ({name})", steps=steps)
        for number, name in ((84211, "rhel-9, hana, aws"), (84212, "sles-15, base, azure"))
        for status, conclusion, steps in (
            ("queued", None, []),
            ("in_progress", None, github_sender.STEPS[:2]),
            ("completed", "failure", github_sender.STEPS),
        )
    ]
    rerun = github_sender.job("completed", "success", id=84213, run_attempt=2, started_at=at(60))
    pipelines = [pipeline_hook(), pipeline_hook(id=4250, name="image: [sles-15, gcp]")]
    gitlab_jobs = [job_hook(status) for status in ("created", "running", "failed")]
    phases = (("QUEUED", None), ("STARTED", None), ("COMPLETED", "FAILURE"))
    hooks = [
        envelope(stage("Storage"), number="mine", run="github:acme/images:500:1:84211"),
        envelope(stage("Harden OS"), number="theirs", run="gitlab:gitlab.example.com:4242"),
    ]
    return [
        *((github, each) for each in [*jobs, rerun]),
        *((gitlab, each) for each in gitlab_jobs + pipelines),
        *((jenkins, notification(phase, status)) for phase, status in phases),
        *((hook, each) for each in hooks),
    ]


def test_a_query_on_a_forges_url_is_not_kept(forge: FlaskClient, url: str):
    answer = forge.post(
        "/webhooks/gitlab?token=a-credential",
        data=orjson.dumps(job_hook("running")),
        headers={"X-Gitlab-Token": TOKEN, "X-Gitlab-Event": "Job Hook"},
        content_type="application/json",
    )
    assert answer.status_code == 202
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT query FROM deliveries").fetchall() == [("",)]


@pytest.mark.parametrize("stages", [True, 7, "check", {"a": 1}, None])
def test_stages_that_are_no_list_are_none(forge: FlaskClient, stages: Any):
    document = pipeline_hook(name="image")
    document["object_attributes"]["stages"] = stages
    assert gitlab(forge, document, "Pipeline Hook").status_code == 202
    assert shown(forge, IMAGE)["current_state"] == 45
