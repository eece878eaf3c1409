"""GitLab, Jenkins and CloudEvents: their payloads in the true shape, and what they become."""

import base64
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
from tests.senders import BEARER, SECRET, Json, at, envelope, post, shown, signed, stage, told

TOKEN = "a token of GitLab"
LOGIN = "jenkins:a password"
CLOUD = "bearer:a-token-for-cloudevents"
ROUTES = r"""
[[route]]
source = "gitlab"
repository = "acme/images"
job = 'image: \[(?P<os_version>[^,]+), (?P<platform>[^\]]+)\]'
variables = { TYPE = '(?P<image_type>.+)' }

[[route]]
source = "gitlab"
repository = "acme/images"
job = '^image'

[[route]]
source = "jenkins"
job = '^images/(?P<os_version>.+)$'

[[route]]
source = "cloudevents"
workflow = "golden*"
image_type = "golden"
"""
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


def gitlab(
    client: FlaskClient, document: Any, event: str = "Job Hook", **more: str
) -> TestResponse:
    body = document if isinstance(document, bytes) else orjson.dumps(document)
    headers = {"X-Gitlab-Event": event, "X-Gitlab-Token": TOKEN} | more
    return client.post(
        "/webhooks/gitlab", data=body, headers=headers, content_type="application/json"
    )


def old_time(minutes: float) -> str:
    return at(minutes).replace("T", " ").replace("Z", " UTC")


def job_hook(status: str, **more: Any) -> Json:
    known = {
        "object_kind": "build",
        "build_id": 4242,
        "build_name": "image: [rhel-9, aws]",
        "build_stage": "Storage",
        "build_status": status,
        "build_created_at": old_time(0),
        "build_started_at": old_time(1) if status != "created" else None,
        "build_finished_at": old_time(9) if status in ("success", "failed") else None,
        "build_failure_reason": "script_failure" if status == "failed" else "unknown_failure",
        "build_allow_failure": False,
        "retries_count": 0,
        "pipeline_id": 900,
        "ref": "main",
        "sha": "4f2c9d1",
        "user": {"username": "ada"},
        "commit": {"id": 900},
        "project": {
            "web_url": "https://gitlab.example.com/acme/images",
            "path_with_namespace": "acme/images",
        },
    }
    return known | more


def pipeline_hook(**more: Any) -> Json:
    job = {
        "id": 4242,
        "stage": "Storage",
        "name": "image: [rhel-9, aws]",
        "status": "failed",
        "created_at": at(0),
        "started_at": at(1),
        "finished_at": at(9),
        "failure_reason": "script_failure",
        "allow_failure": False,
    }
    lint = job | {"id": 4243, "name": "lint", "stage": "check", "status": "success"}
    return {
        "object_kind": "pipeline",
        "object_attributes": {
            "id": 900,
            "ref": "main",
            "sha": "4f2c9d1",
            "status": "failed",
            "stages": ["check", "Storage"],
            "variables": [{"key": "TYPE", "value": "hana"}, {"key": "KEY", "value": "hunter2"}],
        },
        "project": job_hook("failed")["project"],
        "builds": [lint, job | more],
    }


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


def jenkins(client: FlaskClient, document: Any, login: str = LOGIN, **more: str) -> TestResponse:
    body = document if isinstance(document, bytes) else orjson.dumps(document)
    basic = base64.b64encode(login.encode()).decode()
    headers = {"Authorization": f"Basic {basic}"} | more
    return client.post(
        "/webhooks/jenkins", data=body, headers=headers, content_type="application/json"
    )


BEGAN = 1_767_261_600_000  # START, in milliseconds


def notification(phase: str, status: str | None = None, **more: Any) -> Json:
    build = {
        "full_url": "https://jenkins.example.com/job/images/job/rhel-9/12/",
        "number": 12,
        "queue_id": 7,
        "timestamp": BEGAN,
        "duration": 60_000 if status else 0,
        "phase": phase,
        "url": "job/images/job/rhel-9/12/",
        "scm": {"branch": "origin/main", "commit": "4f2c9d1"},
        "log": "",
        "artifacts": {},
    }
    build |= ({"status": status} if status else {}) | more
    return {"name": "rhel-9", "display_name": "rhel-9", "url": "job/x/", "build": build}


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


def cdevent(kind: str, what: str, subject: Json) -> Json:
    return {
        "context": {
            "version": "0.4.1",
            "id": f"{kind}-{what}",
            "source": "/tekton",
            "type": f"dev.cdevents.{kind}.{what}.0.2.0",
            "timestamp": at({"queued": 0, "started": 1, "finished": 9}.get(what, 8)),
            "chainId": "run-7",
        },
        "subject": subject,
    }


def cloud(client: FlaskClient, event: Json, *, binary: bool, token: str = CLOUD) -> TestResponse:
    context = event["context"]
    attributes = {name: context[name] for name in ("id", "source", "type")}
    headers = {"Authorization": token.replace("bearer:", "Bearer ")}
    if binary:
        headers |= {f"ce-{name}": value for name, value in attributes.items()}
        body, kind = event, "application/json"
    else:
        body, kind = (
            {"specversion": "1.0", **attributes, "data": event},
            "application/cloudevents+json",
        )
    return client.post(
        "/webhooks/cloudevents", data=orjson.dumps(body), headers=headers, content_type=kind
    )


RUN: Json = {
    "id": "run-7",
    "source": "/tekton",
    "content": {"pipelineName": "golden", "url": "https://t/7"},
}
TASK: Json = {"id": "task-1", "content": {"taskName": "Storage", "pipelineRun": {"id": "run-7"}}}


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
