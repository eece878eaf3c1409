"""GitLab's webhooks, alone and together with a hook inside the job."""

from datetime import UTC, datetime
from typing import Any

import orjson
import psycopg
import pytest
from flask.testing import FlaskClient

from receiver.domain.delivery import Request
from receiver.sources import gitlab
from tests.support.forges import post_forge, post_gitlab
from tests.support.samples import Json, sample
from tests.support.senders import build_numbers, envelope, get_build, post, sign, stage

IMAGE = "acme-images-900-image"


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0], [1, 2, 0]])
def test_the_job_and_pipeline_hooks_about_one_job_are_one_build(
    forge: FlaskClient, order: list[int]
):
    deliveries = [
        ("Job Hook", sample("gitlab", "job.running", build_name="image")),
        ("Job Hook", sample("gitlab", "job.failed", build_name="image")),
        ("Pipeline Hook", sample("gitlab", "pipeline.failed", builds__1__name="image")),
    ]
    for place in order:
        event, document = deliveries[place]
        assert post_gitlab(forge, document, event).status_code == 202
    assert build_numbers(forge) == [IMAGE]
    build = get_build(forge, IMAGE)
    result = (build["status"], build["current_state"], build["duration_seconds"])
    assert result == ("failed", 45, 480)
    assert [(row["stage"], row["status"]) for row in build["states"]] == [("Storage", "failed")]
    assert [row["failure_type"] for row in build["failures"]] == ["script_failure"]


def test_names_and_variables_give_the_dimensions_and_no_variable_is_stored(
    forge: FlaskClient, url: str
):
    post_gitlab(forge, sample("gitlab", "pipeline.failed"), "Pipeline Hook")
    build = get_build(forge, "acme-images-900-rhel-9-hana-aws")
    dimensions = [build["os_version"], build["platform"], build["image_type"]]
    assert dimensions == ["rhel-9", "aws", "hana"]
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT string_agg(statement::text, '') FROM events").fetchone()
    assert row is not None
    assert "hunter2" not in row[0]


def test_an_allowed_failure_is_a_warning(forge: FlaskClient):
    post_gitlab(forge, sample("gitlab", "job.failed", build_allow_failure=True, build_name="image"))
    build = get_build(forge, IMAGE)
    assert (build["status"], build["failures"]) == ("completed", [])
    assert build["states"][0]["error_message"] == "Job image failed: script failure"


def test_a_retried_job_is_the_next_attempt(forge: FlaskClient):
    post_gitlab(forge, sample("gitlab", "job.failed", build_name="image"))
    retry = {"build_id": 5000, "retries_count": 1, "build_started_at": "2026-01-01 10:20:00 UTC"}
    post_gitlab(forge, sample("gitlab", "job.running", build_name="image", **retry))
    assert (get_build(forge, IMAGE)["status"], get_build(forge, IMAGE)["attempt"]) == ("running", 2)


def test_a_hook_inside_the_job_names_the_build(forge: FlaskClient):
    key = "gitlab:gitlab.example.com:4242"
    post_gitlab(forge, sample("gitlab", "job.running", build_name="image"))
    post(forge, envelope(stage("Services", minutes=2), number="mine", run=key))
    post_gitlab(forge, sample("gitlab", "job.success", build_name="image"))
    assert build_numbers(forge) == ["mine"]
    assert get_build(forge, "mine")["status"] == "completed"


def test_a_signed_delivery_twice_is_one(forge: FlaskClient):
    body = orjson.dumps(sample("gitlab", "job.running"))
    headers = sign(body)
    assert post_gitlab(forge, body, **headers).status_code == 202
    assert post_gitlab(forge, body, **headers).status_code == 200


def test_a_delivery_is_known_by_its_idempotency_key(forge: FlaskClient):
    for uuid, status in (("a", 202), ("b", 200)):
        headers = {"Idempotency-Key": "k-1", "X-Gitlab-Webhook-UUID": uuid}
        answer = post_gitlab(forge, sample("gitlab", "job.running"), **headers)
        assert answer.status_code == status


def test_a_query_on_a_forges_url_is_not_stored(forge: FlaskClient, url: str):
    document, headers = sample("gitlab", "job.running"), {"X-Gitlab-Event": "Job Hook"}
    answer = post_forge(forge, "gitlab", document, headers, query="token=a-credential")
    assert answer.status_code == 202
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT query FROM deliveries").fetchall() == [("",)]


@pytest.mark.parametrize("stages", [True, 7, "check", {"a": 1}, None])
def test_stages_that_are_no_list_are_none(forge: FlaskClient, stages: Any):
    changes = {"builds__1__name": "image", "object_attributes__stages": stages}
    document = sample("gitlab", "pipeline.failed", **changes)
    assert post_gitlab(forge, document, "Pipeline Hook").status_code == 202
    assert get_build(forge, IMAGE)["current_state"] == 45


def job_hook(status: str, **changes: Any) -> Json:
    return sample("gitlab", "job.created", build_name="image", build_status=status, **changes)


def test_a_job_that_was_skipped_is_over(forge: FlaskClient):
    post_gitlab(forge, job_hook("created"))
    assert get_build(forge, IMAGE)["status"] == "pending"
    post_gitlab(forge, job_hook("skipped"))
    assert get_build(forge, IMAGE)["status"] == "cancelled"


@pytest.mark.parametrize("pipeline", ["success", "failed"])
def test_a_manual_job_that_nobody_starts_is_over_with_its_pipeline(
    forge: FlaskClient, pipeline: str
):
    post_gitlab(forge, job_hook("manual"))
    assert get_build(forge, IMAGE)["status"] == "pending"
    post_gitlab(forge, job_hook("manual", commit={"id": 900, "status": pipeline}))
    assert get_build(forge, IMAGE)["status"] == "cancelled"


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_a_skipped_job_may_run_later(forge: FlaskClient, order: tuple[int, ...]):
    deliveries = [
        job_hook("created"),
        job_hook("skipped"),
        sample("gitlab", "job.running", build_name="image"),
    ]
    for place in order:
        assert post_gitlab(forge, deliveries[place]).status_code == 202
    build = get_build(forge, IMAGE)
    assert (build["status"], build["attempt"]) == ("running", 1)
    post_gitlab(forge, sample("gitlab", "job.success", build_name="image"))
    assert get_build(forge, IMAGE)["status"] == "completed"


def test_a_skipped_job_makes_no_build_alone(forge: FlaskClient):
    assert post_gitlab(forge, job_hook("skipped")).status_code == 202
    assert build_numbers(forge) == []


def test_a_pipeline_hook_without_jobs_is_ignored_with_the_reason(forge: FlaskClient, url: str):
    document = sample("gitlab", "pipeline.failed")
    del document["builds"]
    assert post_gitlab(forge, document, "Pipeline Hook").status_code == 202
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT outcome, reason FROM deliveries").fetchone()
    assert row == ("ignored", "the pipeline hook lists no jobs")


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_jobs_of_one_pipeline_that_a_route_gives_one_number_are_one_attempt(
    forge: FlaskClient, order: tuple[int, ...]
):
    def job(number: int, name: str, stage: str, status: str, minute: int) -> Json:
        began, ended = (f"2026-01-01 10:{each}:00 UTC" for each in (minute, minute + 5))
        times = {"started_at": began, "finished_at": ended}
        return {"id": number, "name": name, "stage": stage, "status": status, **times}

    image = job(4400, "image: [rhel-9, aws]", "Storage", "success", 10)
    test = "test image: [rhel-9, aws]"
    pipelines = [
        [image, job(4401, test, "Integration tests", "failed", 20)],
        [image, job(4402, test, "Integration tests", "success", 40)],
    ]
    for place in order:
        document = sample("gitlab", "pipeline.failed", builds=pipelines[place])
        assert post_gitlab(forge, document, "Pipeline Hook").status_code == 202
    (number,) = build_numbers(forge)
    build = get_build(forge, number)
    assert (build["status"], build["attempt"]) == ("completed", 2)
    rows = {(row["stage"], row["attempt"], row["status"]) for row in build["states"]}
    assert rows == {
        ("Storage", 2, "completed"),
        ("Integration tests", 1, "failed"),
        ("Integration tests", 2, "completed"),
    }


def test_a_jobs_link_keeps_scheme_port_and_path_of_its_server():
    home = "http://git.example.com:8443/gitlab/acme/images"
    document = job_hook("created", project__web_url=home)
    (report,) = gitlab.SOURCE.read(request_of(document)).reports
    assert report.statement.run.url == f"{home}/-/jobs/4242"


@pytest.mark.parametrize(
    ("changes", "known"),
    [
        ({}, ("main", None)),
        ({"tag": True, "ref": "v1.2"}, (None, None)),
        ({"ref": "refs/merge-requests/12/head"}, (None, "12")),
    ],
)
def test_a_job_hook_tells_branch_and_merge_request(
    changes: Json, known: tuple[str | None, str | None]
):
    document = job_hook("created", project__default_branch="main", **changes)
    (report,) = gitlab.SOURCE.read(request_of(document)).reports
    run = report.statement.run
    assert (run.branch, run.pull_request) == known
    assert run.default_branch == "main"


def test_a_pipeline_hook_tells_its_merge_request():
    document = sample("gitlab", "pipeline.failed", object_attributes__ref="topic")
    document["merge_request"] = {"id": 1, "iid": 12, "target_branch": "main"}
    for report in gitlab.SOURCE.read(request_of(document)).reports:
        assert (report.statement.run.branch, report.statement.run.pull_request) == ("topic", "12")


def request_of(document: Json) -> Request:
    headers = {"content-type": "application/json"}
    return Request(headers, orjson.dumps(document), "", datetime(2026, 1, 1, 12, tzinfo=UTC))
