"""A build takes a bounded number of stages and resources, and always its verdict and images."""

import pytest
from flask.testing import FlaskClient

from receiver.domain.fold.events import StoredStatement
from receiver.domain.model import Event, Run, Statement
from receiver.storage import event_bound
from receiver.storage.read_statements import KNOWN, ReadStatements
from receiver.storage.refold import LARGE
from tests.support.api import Api
from tests.support.forges import post_github, workflow_job
from tests.support.senders import START, at, envelope, get_build, manifest, post, stage, verdict
from tests.support.table_rows import rows

MOST = 20


@pytest.fixture(autouse=True)
def _low_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    assert event_bound.MOST == 5_000
    monkeypatch.setattr(event_bound, "MOST", MOST)


@pytest.fixture
def full(client: FlaskClient) -> FlaskClient:
    """A receiver with a build of as many events as it takes."""
    steps = [stage(f"step {place}", minutes=place) for place in range(MOST)]
    assert post(client, envelope(*steps)).status_code == 202
    return client


def test_a_stage_or_a_resource_past_the_bound_is_refused(full: FlaskClient, api: Api):
    resource = {
        "kind": "resource",
        "at": at(30),
        "status": "created",
        "resource": {"type": "instance", "id": "i-1"},
    }
    for event in (stage("one more", minutes=30), resource):
        answer = post(full, envelope(event))
        assert (answer.status_code, answer.get_json()["code"]) == (422, "too-many-events")
        assert answer.get_json()["detail"].startswith(f"The build core-1 has {MOST} events")
    said = {"stage": "one more", "status": "failed"}
    assert api.post("/builds/core-1/states", said).get_json()["code"] == "too-many-events"
    assert len(get_build(full)["states"]) == MOST


def test_verdict_artifact_and_manifest_are_taken_past_the_bound(full: FlaskClient):
    artifact = {"kind": "artifact", "at": at(40), "artifact": {"artifact_id": "ami-1"}}
    made = manifest({"builder_type": "amazon-ebs", "artifact_id": "eu:ami-2"})
    for document in (
        envelope(artifact),
        envelope(manifest=made),
        envelope(verdict("completed", 50)),
    ):
        assert post(full, document).status_code == 202
    build = get_build(full)
    assert build["status"] == "completed"
    assert [each["artifact_id"] for each in build["artifacts"]] == ["ami-1", "ami-2"]


def test_of_a_report_with_both_what_is_always_taken_is_kept(full: FlaskClient):
    answer = post(full, envelope(stage("one more", minutes=30), verdict("failed", 40)))
    assert answer.status_code == 202
    build = get_build(full)
    assert (build["status"], len(build["states"])) == ("failed", MOST)


def test_the_same_report_again_is_a_duplicate_past_the_bound(client: FlaskClient):
    steps = [stage(f"step {place}", minutes=place) for place in range(MOST)]
    for expected in (202, 200):
        assert post(client, envelope(*steps), message_id="msg_1").status_code == expected


def test_a_forge_s_delivery_is_taken_past_the_bound(forge: FlaskClient):
    job = workflow_job("in_progress")["workflow_job"]
    key = f"github:acme/images:{job['run_id']}:{job['run_attempt']}:{job['id']}"
    steps = [stage(f"step {place}", minutes=place) for place in range(MOST)]
    assert post(forge, envelope(*steps, run=key)).status_code == 202
    assert post_github(forge, workflow_job("completed", "failure")).status_code == 202
    assert get_build(forge)["status"] == "failed"


def test_what_was_read_before_is_folded_as_if_it_were_read_anew(client: FlaskClient, url: str):
    said = [stage(f"step {place}", minutes=place) for place in range(MOST)]
    details = {"kind": "stage", "stage": "x", "status": "failed", "at": at(70)}
    failure = {"message": "no route", "details": {"log": "x" * LARGE}}
    for number in ("a", "b"):
        post(client, envelope({**details, "failure": failure}, *said[:9], number=number, run="r"))
        post(client, envelope(said[10], number=number, run="r"))
    post(client, envelope(verdict("failed", 80), number="a", run="r"))
    before = rows(url)
    KNOWN.__init__()  # type: ignore[misc]  # another process has read nothing
    post(client, envelope(verdict("failed", 80), number="a", run="r"))
    assert rows(url) == before


def test_what_is_kept_of_large_builds_is_bounded():
    kept, events = ReadStatements(), tuple(Event("build", START) for _ in range(1_000))
    for place in range(20):
        read = StoredStatement(place, "milepost", Statement("b-1", Run("r"), events))
        kept.keep((place, 0), ("", None), read)
    found = [kept.find((place, 0), ("", None)) for place in range(20)]
    assert [each is not None for each in found] == [False] * 10 + [True] * 10


@pytest.mark.parametrize("events", [(), (Event("manifest", START),)], ids=["checks", "manifest"])
def test_long_texts_of_few_events_are_bounded_as_well(events: tuple[Event, ...]):
    kept, text = ReadStatements(), "x" * 2**16
    for place in range(100):
        read = StoredStatement(place, "milepost", Statement("b-1", Run("r"), events))
        kept.keep((place, 0), (text, None), read)
    found = [kept.find((place, 0), (text, None)) is not None for place in range(100)]
    assert found == sorted(found)
    assert 1 < sum(found) < 50
    kept.keep((100, 0), (text * 100, None), read)
    assert kept.find((100, 0), (text * 100, None)) is None


def test_what_a_replay_wrote_anew_is_read_anew():
    kept = ReadStatements()
    events = (Event("build", START),)
    for text in ("before", "after"):
        said = StoredStatement(1, "milepost", Statement("b-1", Run(text), events))
        kept.keep((1, 0), (text, None), said)
    assert kept.find((1, 0), ("before", None)) is None
    found = kept.find((1, 0), ("after", None))
    assert found
    assert found.statement.run.key == "after"


def check_event(place: int) -> dict[str, object]:
    told = {"name": "trivy", "kind": "scan", "status": "passed"}
    return {"kind": "check", "at": at(100 + place), "check": told}


def test_checks_and_stages_use_up_only_their_own_room(full: FlaskClient):
    checks = [check_event(place) for place in range(MOST)]
    assert post(full, envelope(*checks)).status_code == 202
    answer = post(full, envelope(check_event(MOST)))
    assert (answer.status_code, answer.get_json()["code"]) == (422, "too-many-events")
    assert "checks" in answer.get_json()["detail"]
    post(full, envelope(*checks, number="core-2"))
    assert post(full, envelope(stage("x", minutes=5), number="core-2")).status_code == 202


def test_a_verdict_beside_a_check_and_a_stage_too_many_is_taken_alone(full: FlaskClient):
    post(full, envelope(*(check_event(place) for place in range(MOST))))
    mixed = envelope(stage("one more", minutes=30), check_event(99), verdict("completed", 50))
    assert post(full, mixed).status_code == 202
    assert get_build(full)["status"] == "completed"
    assert len(get_build(full)["states"]) == MOST
