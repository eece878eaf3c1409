"""CDEvents in CloudEvents, in both modes."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from flask.testing import FlaskClient

from receiver.domain.delivery import Request
from receiver.sources import cloudevents
from tests.support.forges import post_cloudevent
from tests.support.samples import sample
from tests.support.senders import build_numbers, get_build, sign


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


@pytest.mark.parametrize(
    "changes",
    [{"ce-id": "another"}, {"ce-type": "dev.cdevents.pipelinerun.finished.0.2.0"}, {}],
)
def test_headers_beside_a_signature_are_not_believed(changes: dict[str, str]):
    event = sample("cloudevents", "pipelinerun.started")
    body = orjson.dumps(event["data"])
    headers = {f"ce-{name}": event[name] for name in ("id", "source", "type")}
    signed = {name.lower(): text for name, text in sign(body).items()} | headers
    first, second = (
        Request(signed | more, body, "", datetime(2026, 1, 1, 12, tzinfo=UTC))
        for more in ({}, changes)
    )
    assert keys_and_events(first) == keys_and_events(second)


def keys_and_events(request: Request) -> list[Any]:
    document = cloudevents.SOURCE.decode(request).document
    (report,) = cloudevents.SOURCE.read(request).reports
    statuses = [event.status for event in report.statement.events]
    return [cloudevents.SOURCE.identify(request, document), statuses]
