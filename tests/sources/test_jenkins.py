"""Jenkins's notifications, alone and together with a hook inside the build."""

from datetime import UTC, datetime

import orjson
import psycopg
import pytest
from flask.testing import FlaskClient

from receiver.domain.delivery import Request
from receiver.domain.model import Run
from receiver.sources import jenkins
from tests.support.forges import BEGAN, SENT, notification, post_jenkins
from tests.support.kept_bodies import kept_bodies
from tests.support.samples import Json, sample
from tests.support.senders import build_numbers, envelope, get_build, post, stage

NUMBER = "images-rhel-9-12-rhel-9"
PLUGIN = "org.jenkinsci.job"
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_the_phases_of_a_build_are_one_build(forge: FlaskClient):
    ended = [("COMPLETED", "FAILURE"), ("FINALIZED", "FAILURE")]
    for phase, status in (("QUEUED", None), ("STARTED", None), *ended):
        assert post_jenkins(forge, notification(phase, status)).status_code == 202
    assert build_numbers(forge) == [NUMBER]
    build = get_build(forge, NUMBER)
    result = (build["status"], build["duration_seconds"], build["os_version"])
    assert result == ("failed", 60, "rhel-9")
    assert build["failures"][0]["error_message"] == "images/rhel-9 #12 ended with failure"


def test_a_notification_twice_is_one_delivery(forge: FlaskClient):
    assert post_jenkins(forge, notification("STARTED")).status_code == 202
    assert post_jenkins(forge, notification("STARTED")).status_code == 200


@pytest.mark.parametrize(
    ("status", "ours"),
    [
        ("SUCCESS", "completed"),
        ("UNSTABLE", "completed"),
        ("ABORTED", "cancelled"),
    ],
)
def test_a_result_of_jenkins_is_a_status(forge: FlaskClient, status: str, ours: str):
    post_jenkins(forge, notification("COMPLETED", status))
    assert get_build(forge, NUMBER)["status"] == ours


def test_the_cloudevents_plugin_is_read_like_the_notification_plugin(forge: FlaskClient):
    for kind, status in (("started", None), ("finalized", "FAILURE"), ("failed", "FAILURE")):
        document = sample("jenkins", f"{PLUGIN}.finalized", build__status=status)
        answer = post_jenkins(forge, document, **{"ce-type": f"{PLUGIN}.{kind}"})
        assert answer.status_code in (200, 202)
    assert get_build(forge, NUMBER)["status"] == "failed"
    assert build_numbers(forge) == [NUMBER]


def test_a_hook_inside_the_build_names_it(forge: FlaskClient):
    key = "jenkins:https://jenkins.example.com/job/images/job/rhel-9/12/"
    post(forge, envelope(stage("Services"), number="mine", run=key))
    post_jenkins(forge, notification("COMPLETED", "SUCCESS"))
    assert build_numbers(forge) == ["mine"]
    assert get_build(forge, "mine")["status"] == "completed"


@pytest.mark.parametrize(
    ("phases", "end"),
    [
        (["STARTED", "COMPLETED", "FINALIZED"], "10:01:00"),
        (["QUEUED", "STARTED", "COMPLETED"], "10:01:00"),
        (["FINALIZED", "COMPLETED"], "10:01:00"),
        (["COMPLETED"], "10:01:00"),
        (["FINALIZED"], "10:01:00.900000"),
    ],
)
def test_a_build_lasts_as_long_as_jenkins_says(forge: FlaskClient, phases: list[str], end: str):
    for phase in phases:
        post_jenkins(forge, notification(phase, "SUCCESS" if SENT[phase] > 0 else None))
    build = get_build(forge, NUMBER)
    assert (build["duration_seconds"], build["attempt"], build["status"]) == (60, 1, "completed")
    assert build["end_time"] == f"2026-01-01T{end}+00:00"


def test_a_queued_build_has_not_begun(forge: FlaskClient):
    post_jenkins(forge, notification("QUEUED"))
    build = get_build(forge, NUMBER)
    assert (build["status"], build["start_time"]) == ("pending", None)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_build_that_was_not_built_is_over(forge: FlaskClient, order: tuple[int, int]):
    deliveries = [notification("STARTED"), notification("COMPLETED", "NOT_BUILT")]
    for place in order:
        post_jenkins(forge, deliveries[place])
    build = get_build(forge, NUMBER)
    assert (build["status"], build["start_time"]) == ("cancelled", None)


def test_what_was_not_built_makes_no_build_alone(forge: FlaskClient):
    assert post_jenkins(forge, notification("COMPLETED", "NOT_BUILT")).status_code == 202
    assert build_numbers(forge) == []


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 1, 2, 0), (2, 3, 0, 1)])
def test_a_job_that_was_made_again_runs_again(forge: FlaskClient, order: tuple[int, ...]):
    later = BEGAN + 86_400_000
    deliveries = [
        notification("STARTED"),
        notification("COMPLETED", "FAILURE"),
        notification("STARTED", timestamp=later),
        notification("COMPLETED", "SUCCESS", timestamp=later + 60_000),
    ]
    for place in order:
        assert post_jenkins(forge, deliveries[place]).status_code == 202
    build = get_build(forge, NUMBER)
    assert (build["status"], build["attempt"]) == ("completed", 2)
    assert build["start_time"] == "2026-01-02T10:00:00+00:00"


@pytest.mark.parametrize("kind", ["created", "updated"])
def test_the_configuration_of_a_job_is_not_kept(forge: FlaskClient, url: str, kind: str):
    document = {"name": "rhel-9", "status": kind.upper(), "configFile": "<secret>hunter2</secret>"}
    assert post_jenkins(forge, document, **{"ce-type": f"{PLUGIN}.{kind}"}).status_code == 202
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT outcome, reason FROM deliveries").fetchone()
    assert row == ("ignored", "a job's configuration is not used, and its body is not kept")
    assert kept_bodies(url) == [None]


def test_the_job_of_a_change_builds_a_pull_request():
    urls = {
        "https://jenkins.example.com/job/images/job/PR-12/3/": "12",
        "https://jenkins.example.com/job/images/job/MR-7-merge/3/": "7",
        "https://jenkins.example.com/job/images/job/main/3/": None,
    }
    for url, number in urls.items():
        assert run_of(notification("STARTED", full_url=url)).pull_request == number


@pytest.mark.parametrize("branch", ["origin/main", "refs/remotes/origin/main", "main"])
def test_a_branch_has_no_name_of_a_remote(branch: str):
    assert run_of(notification("STARTED", scm={"branch": branch})).branch == "main"


def test_a_long_url_is_cut_to_a_key_of_its_own():
    urls = [f"https://jenkins.example.com/job/{'x' * 600}/job/{name}/1/" for name in "ab"]
    keys = {run_of(notification("STARTED", full_url=url)).key for url in urls}
    assert [len(key) for key in keys] == [483, 483]


def run_of(document: Json) -> Run:
    request = Request({"content-type": "application/json"}, orjson.dumps(document), "", NOW)
    (report,) = jenkins.SOURCE.read(request).reports
    return report.statement.run
