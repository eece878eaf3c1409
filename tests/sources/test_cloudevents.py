"""CDEvents in their true shape, and what they become."""

import pytest
from flask.testing import FlaskClient

from tests.support.forge_senders import RUN, TASK, cdevent, cloud, forge
from tests.support.senders import Json, numbers, shown
from tests.support.table_rows import outcomes

__all__ = ["forge"]  # the fixture


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
