"""GitLab's webhooks in their true shape, and what they become."""

from typing import Any

import orjson
import psycopg
import pytest
from flask.testing import FlaskClient

from tests.support.forge_senders import (
    TOKEN,
    forge,
    gitlab,
    hook,
    job_hook,
    old_time,
    pipeline_hook,
)
from tests.support.senders import envelope, numbers, shown, signed, stage
from tests.support.table_rows import outcomes

__all__ = ["forge"]  # the fixture
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
