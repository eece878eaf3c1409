"""CDEvents in CloudEvents, in both modes."""

import pytest
from flask.testing import FlaskClient

from tests.support.forges import post_cloudevent
from tests.support.samples import sample
from tests.support.senders import build_numbers, get_build


@pytest.mark.parametrize("binary", [True, False])
def test_the_events_of_a_pipelines_run_are_one_build(forge: FlaskClient, binary: bool):
    for case in (
        "pipelinerun.queued",
        "pipelinerun.started",
        "taskrun.started",
        "taskrun.finished",
        "artifact.published",
        "pipelinerun.finished",
    ):
        answer = post_cloudevent(forge, sample("cloudevents", case), binary=binary)
        assert answer.status_code == 202
    (number,) = build_numbers(forge)
    build = get_build(forge, number)
    result = (build["status"], build["current_state"], build["image_type"])
    assert result == ("failed", 45, "golden")
    assert [(row["stage"], row["status"]) for row in build["states"]] == [("Storage", "failed")]
    assert [each["artifact_id"] for each in build["artifacts"]] == ["pkg:oci/golden@sha256:00"]


@pytest.mark.parametrize("binary", [True, False])
def test_an_event_twice_is_one_delivery_in_either_mode(forge: FlaskClient, binary: bool):
    event = sample("cloudevents", "pipelinerun.started")
    assert post_cloudevent(forge, event, binary=True).status_code == 202
    assert post_cloudevent(forge, event, binary=binary).status_code == 200
