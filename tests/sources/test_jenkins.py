"""Jenkins's notifications, alone and together with a hook inside the build."""

import pytest
from flask.testing import FlaskClient

from tests.support.forges import notification, post_jenkins
from tests.support.samples import sample
from tests.support.senders import build_numbers, envelope, get_build, post, stage

NUMBER = "images-rhel-9-12-rhel-9"
PLUGIN = "org.jenkinsci.job"


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
        ("NOT_BUILT", "running"),
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
