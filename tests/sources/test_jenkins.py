"""Jenkins' notifications in their true shape, and what they become."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.support.forge_senders import BEGAN, LOGIN, forge, hook, jenkins, notification
from tests.support.senders import envelope, numbers, shown, stage
from tests.support.table_rows import outcomes

__all__ = ["forge"]  # the fixture
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
