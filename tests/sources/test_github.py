"""GitHub's webhooks alone."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import orjson
import psycopg
import pytest
from flask.testing import FlaskClient

from receiver.domain.delivery import Content, Request
from receiver.sources import github
from tests.support.forges import post_github, workflow_job, workflow_run
from tests.support.senders import (
    START,
    Json,
    at,
    build_numbers,
    get_build,
)

NUMBER = "acme-images-500-rhel-9-hana-aws"


def test_a_routed_job_is_a_build_with_its_steps(forge: FlaskClient):
    for status in ("queued", "in_progress"):
        assert post_github(forge, workflow_job(status)).status_code == 202
    assert get_build(forge, NUMBER)["status"] == "running"
    post_github(forge, workflow_job("completed"))
    build = get_build(forge, NUMBER)
    assert (build["status"], build["current_state"], build["attempt"]) == ("failed", 80, 1)
    assert build["estimated"]
    dimensions = [build[name] for name in ("project", "platform", "os_version", "image_type")]
    assert dimensions == ["core", "aws", "rhel-9", "hana"]
    assert [(row["stage"], row["status"]) for row in build["states"]] == [
        ("Set up job", "completed"),
        ("Run actions/checkout@v4", "completed"),
        ("Harden OS", "completed"),
        ("Frobnicate", "failed"),
        ("Complete job", "completed"),
    ]
    assert [row["error_message"] for row in build["failures"]] == [
        "Step Frobnicate ended with failure"
    ]
    who = (build["created_by"], build["branch"], build["duration_seconds"])
    assert who == ("ada", "main", 1740)


def test_a_job_whose_steps_name_no_state_is_estimated(forge: FlaskClient):
    document = workflow_job("in_progress")
    document["workflow_job"]["steps"][2]["name"] = "Frobnicate"
    post_github(forge, document)
    build = get_build(forge, NUMBER)
    assert build["current_state"] == 95
    assert all(row["estimated"] for row in build["states"])


@pytest.mark.parametrize(
    "name",
    ["Set up JDK 21", "Install Ruby", "Run actions/setup-java@v4", "Run shellcheck on hardening"],
)
def test_a_step_that_sets_up_a_tool_says_nothing_of_the_image(forge: FlaskClient, name: str):
    document = workflow_job("in_progress")
    document["workflow_job"]["steps"][1]["name"] = name
    document["workflow_job"]["steps"][2]["name"] = "Packer build"
    post_github(forge, document)
    build = get_build(forge, NUMBER)
    assert (build["current_state"], build["estimated"]) == (95, True)
    assert build["resume"]["state"] == 0


def test_a_built_in_name_of_a_forges_step_does_not_stop_the_estimate(forge: FlaskClient):
    post_github(forge, workflow_job("in_progress"))
    hardened = get_build(forge, NUMBER)
    document = workflow_job("in_progress")
    step = {"name": "Test", "status": "in_progress", "conclusion": None, "started_at": at(8)}
    document["workflow_job"]["steps"].append(step)
    post_github(forge, document)
    assert hardened["current_state"] < get_build(forge, NUMBER)["current_state"]


def test_a_job_without_a_route_or_a_hook_is_ignored(forge: FlaskClient, url: str):
    assert post_github(forge, workflow_job("queued", name="lint")).status_code == 202
    assert build_numbers(forge) == []
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT outcome, reason FROM deliveries").fetchone()
    assert row == ("ignored", "no route and no hook makes it a build")


def test_a_rerun_is_the_second_attempt(forge: FlaskClient):
    post_github(forge, workflow_job("completed"))
    again = workflow_job("in_progress", id=90000, run_attempt=2, started_at=at(60), steps=[])
    post_github(forge, again)
    build = get_build(forge, NUMBER)
    assert (build["status"], build["attempt"]) == ("running", 2)


@pytest.mark.parametrize("run_first", [True, False])
def test_a_runs_verdict_is_that_of_its_unfinished_jobs(forge: FlaskClient, run_first: bool):
    deliveries = [
        ("workflow_run", workflow_run("completed", "cancelled")),
        ("workflow_job", workflow_job("in_progress")),
    ]
    for event, document in deliveries if run_first else reversed(deliveries):
        assert post_github(forge, document, event).status_code == 202
    assert get_build(forge, NUMBER)["status"] == "cancelled"
    post_github(forge, workflow_job("completed", "success"))
    assert get_build(forge, NUMBER)["status"] == "completed"


def test_a_redelivery_is_a_duplicate(forge: FlaskClient):
    for status, answer in (("queued", 202), ("queued", 200), ("in_progress", 200)):
        delivery = post_github(forge, workflow_job(status), **{"X-GitHub-Delivery": "g-1"})
        assert delivery.status_code == answer


def test_a_form_is_read_like_json(forge: FlaskClient):
    body = urlencode({"payload": orjson.dumps(workflow_job("in_progress")).decode()}).encode()
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    assert post_github(forge, body, **kind).status_code == 202
    assert get_build(forge, NUMBER)["status"] == "running"


@pytest.mark.parametrize("before", ["queued", "waiting"])
def test_a_job_that_was_skipped_is_over(forge: FlaskClient, before: str):
    waits = workflow_job("queued")
    waits["workflow_job"]["status"] = before
    post_github(forge, waits)
    assert get_build(forge, NUMBER)["status"] == "pending"
    post_github(forge, workflow_job("completed", "skipped", steps=[]))
    build = get_build(forge, NUMBER)
    assert (build["status"], build["start_time"]) == ("cancelled", None)


def test_a_skipped_job_makes_no_build_alone(forge: FlaskClient):
    assert post_github(forge, workflow_job("completed", "skipped", steps=[])).status_code == 202
    assert build_numbers(forge) == []


@pytest.mark.parametrize("conclusion", ["skipped", "cancelled"])
def test_a_job_that_never_began_leaves_the_last_one_on_the_badge(
    forge: FlaskClient, conclusion: str
):
    post_github(forge, workflow_job("completed", "success"))
    badge = "/badge/core/aws/rhel-9/hana.json"
    known = forge.get(badge).get_json()["message"]
    later: Json = {"run_id": 501, "id": 91000}
    silent: Json = {"steps": [], "runner_id": 0, "runner_name": ""}
    post_github(forge, workflow_job("queued", **later))
    post_github(forge, workflow_job("completed", conclusion, **(later | silent)))
    assert len(build_numbers(forge)) == 2
    assert forge.get(badge).get_json()["message"] == known


def test_a_job_that_was_cancelled_in_the_queue_tells_no_start():
    silent: Json = {"steps": [], "runner_id": 0, "runner_name": ""}
    (report,) = read(workflow_job("completed", "cancelled", **silent)).reports
    assert [event.status for event in report.statement.events] == ["cancelled"]


@pytest.mark.parametrize(
    ("changes", "number"),
    [
        ({"event": "push", "pull_requests": [{"number": 7}]}, None),
        ({"event": "pull_request", "pull_requests": [{"number": 7}]}, "7"),
        ({"event": "pull_request_target", "pull_requests": []}, "ada:topic"),
    ],
)
def test_a_run_tells_the_pull_request_that_it_builds(changes: Json, number: str | None):
    head: Json = {"head_branch": "topic", "head_repository": {"owner": {"login": "ada"}}}
    document = workflow_run("completed", **(changes | head))
    document["repository"]["default_branch"] = "main"
    (report,) = read(document, "workflow_run").reports
    run = report.statement.run
    assert (run.branch, run.default_branch, run.pull_request) == ("topic", "main", number)


def read(document: Json, event: str = "workflow_job") -> Content:
    headers = {"content-type": "application/json", "x-github-event": event}
    now = datetime(2026, 1, 1, 12, tzinfo=UTC)
    return github.SOURCE.read(Request(headers, orjson.dumps(document), "", now))


def carried_over(**changes: Any) -> Json:
    """Return the job that had passed once more, as a job of attempt 2."""
    again = {"id": 90001, "run_attempt": 2, "created_at": at(60)}
    return workflow_job("completed", "success", **(again | changes))


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
@pytest.mark.parametrize("lost", [None, 0, 1])
def test_a_job_that_was_carried_over_changes_nothing(
    forge: FlaskClient, order: tuple[int, ...], lost: int | None
):
    deliveries = [
        workflow_job("in_progress"),
        workflow_job("completed", "success"),
        carried_over(),
    ]
    run = workflow_run("completed", "failure", run_attempt=2)
    for place in order:
        if place != lost:
            assert post_github(forge, deliveries[place]).status_code == 202
    before = shown(forge)
    assert post_github(forge, run, "workflow_run").status_code == 202
    assert post_github(forge, carried_over(id=90002, run_attempt=3)).status_code == 202
    assert shown(forge) == before
    assert before[:2] == ("completed", 1)
    assert [row[0] for row in before[2]].count("Harden OS") == 1


def shown(client: FlaskClient) -> tuple[str, int, list[tuple[str, str]]]:
    build = get_build(client, NUMBER)
    rows = [(row["stage"], row["status"]) for row in build["states"]]
    return build["status"], build["attempt"], rows


def test_a_job_that_ran_again_is_the_second_attempt(forge: FlaskClient):
    post_github(forge, workflow_job("completed"))
    again = {"id": 90001, "run_attempt": 2, "created_at": at(60), "started_at": at(61)}
    post_github(forge, workflow_job("completed", "success", **again, completed_at=at(70)))
    assert get_build(forge, NUMBER)["attempt"] == 2


@pytest.mark.parametrize(
    ("job", "labels", "kept"),
    [
        ("build (ubuntu-22.04)", ["ubuntu-22.04"], False),
        ("build (rhel9)", ["ubuntu-22.04"], True),
        ("build linux", ["self-hosted", "linux"], True),
        ("build (ubuntu-22.04)", None, True),
    ],
)
def test_a_jobs_name_that_tells_its_runner_is_no_name_of_the_image(
    job: str, labels: list[str] | None, kept: bool
):
    document = {
        "workflow_job": {"id": 1, "run_id": 2, "name": job, "workflow_name": "w", "labels": labels},
        "repository": {"full_name": "acme/images"},
    }
    request = Request({"x-github-event": "workflow_job"}, b"", "", START)
    (report,) = github.parse(request, document).reports
    assert report.statement.names == ({"job": job} if kept else {}) | {"workflow": "w"}
