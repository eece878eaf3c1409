"""Whatever comes late, twice, at once or out of order: the rows are the same."""

import os
from collections.abc import Callable
from itertools import permutations
from typing import Any

import psycopg
import pytest
from click.testing import Result
from flask.testing import FlaskClient
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from tests.support.fold_events import fold, statement
from tests.support.fold_events import stage as stage_event
from tests.support.fold_events import verdict as verdict_event
from tests.support.forges import post_github, workflow_job
from tests.support.kept_bodies import forget, kept_bodies
from tests.support.senders import (
    OTHER_SECRET,
    SECRET,
    Json,
    at,
    envelope,
    get_build,
    manifest,
    post,
    post_manifest,
    sign,
    stage,
    verdict,
)
from tests.support.table_rows import rows

EXAMPLES = int(os.environ.get("TORTURE_EXAMPLES", "20"))  # of 40 steps: 10,000 in `make torture`
NAMES = {"Base configuration": 15, "Security baseline": 25, "Storage": 45}
ENDS = ("completed", "failed")


def test_all_720_orders_of_six_events_each_twice_give_the_same_rows():
    known = [
        statement(stage_event("Base configuration", "started", 0)),
        statement(stage_event("Base configuration", "failed", 5)),
        statement(stage_event("Base configuration", "started", 6)),
        statement(stage_event("Storage", "started", 6), run="run-2"),
        statement(stage_event("Storage", "completed", 6), run="run-2"),
        statement(verdict_event("completed", 6)),
    ]
    results = [fold(*order, *order) for order in permutations(known)]
    assert len(results) == 720
    first = results[0]
    assert all((each.build, each.states) == (first.build, first.states) for each in results)
    assert all(each.failures == first.failures for each in results)


@pytest.mark.parametrize("late_first", [True, False])
def test_of_one_second_the_end_outranks_the_start(forge: FlaskClient, late_first: bool):
    told = [
        workflow_job("in_progress", started_at=at(1)),
        workflow_job("completed", "success", started_at=at(1), completed_at=at(1)),
    ]
    for document in reversed(told) if late_first else told:
        assert post_github(forge, document).status_code == 202
    (build,) = forge.get("/api/v1/builds").get_json()["items"]
    assert build["status"] == "completed"


def test_a_late_queued_reopens_nothing(forge: FlaskClient):
    for status in ("completed", "in_progress", "queued"):
        assert post_github(forge, workflow_job(status)).status_code == 202
    (build,) = forge.get("/api/v1/builds").get_json()["items"]
    assert build["status"] == "failed"


def test_a_second_attempt_that_starts_before_the_first_one_s_end_arrives(client: FlaskClient):
    post(client, envelope(stage("Storage"), run="run-1"))
    post(client, envelope(stage("Storage", minutes=30), run="run-2"))
    post(client, envelope(verdict("failed", 20), run="run-1"))
    build = get_build(client)
    assert (build["status"], build["attempt"]) == ("running", 2)
    assert [(row["attempt"], row["status"]) for row in build["states"]] == [
        (1, "failed"),
        (2, "started"),
    ]


def test_a_manifest_of_two_runs_posted_twice_is_its_last_run_once(client: FlaskClient, url: str):
    made = [
        {"packer_run_uuid": run, "builder_type": "amazon-ebs", "artifact_id": f"eu:ami-{place}"}
        for place, run in enumerate(("uuid-0", "uuid-1", "uuid-1"))
    ]
    assert post_manifest(client, manifest(*made), "build_number=core-1").status_code == 202
    before = rows(url)
    assert post_manifest(client, manifest(*made), "build_number=core-1").status_code == 200
    assert post_manifest(client, manifest(*made), "build_number=core-1&os_version=").status_code
    assert [each["artifact_id"] for each in get_build(client)["artifacts"]] == ["ami-1", "ami-2"]
    assert rows(url)["artifacts"] == before["artifacts"]


def test_the_same_report_after_a_month_changes_nothing(
    client: FlaskClient, command: Callable[..., Result], url: str
):
    told = [envelope(stage("Storage")), envelope(verdict("failed", 9), manifest=manifest({}))]
    for document in told:
        post(client, document, message_id=f"msg_{document['events'][0]['kind']}")
    before = rows(url)
    assert command("prune", "--older-than", "0s").exit_code == 0
    assert kept_bodies(url) == [None, None]
    for document in told:
        again = post(client, document, message_id=f"msg_{document['events'][0]['kind']}")
        assert again.status_code == 200
        assert post(client, document).status_code == 202
    assert rows(url) == before


class Deliveries(RuleBasedStateMachine):
    """Two builds of three stages. What arrives is compared with a model that sorts by time."""

    client: FlaskClient
    url: str
    sent = Bundle("sent")

    def __init__(self) -> None:
        super().__init__()
        self.known: dict[str, set[tuple[str, str]]] = {"one": set(), "two": set()}
        self.ends: dict[str, str] = {}
        self.count = 0
        with psycopg.connect(self.url) as connection:
            connection.execute("TRUNCATE builds, deliveries, run_keys CASCADE")

    @rule(target=sent, number=st.sampled_from(["one", "two"]), name=st.sampled_from([*NAMES]))
    def start(self, number: str, name: str) -> Any:
        return self._tell(number, name, "started")

    @rule(
        target=sent,
        number=st.sampled_from(["one", "two"]),
        name=st.sampled_from([*NAMES]),
        end=st.sampled_from(ENDS),
    )
    def end(self, number: str, name: str, end: str) -> Any:
        chosen = self.ends.setdefault(f"{number} {name}", end)  # a stage has one end
        return self._tell(number, name, chosen)

    @rule(
        target=sent,
        number=st.sampled_from(["one", "two"]),
        end=st.sampled_from(["completed", "failed", "cancelled"]),
    )
    def judge(self, number: str, end: str) -> Any:
        chosen = self.ends.setdefault(number, end)
        return self._tell(number, "", chosen)

    @rule(known=sent)
    def repeat(self, known: tuple[str, Json]) -> None:
        message_id, document = known
        assert post(self.client, document, message_id=message_id).status_code == 200

    @rule(known=sent)
    def repeat_under_another_id(self, known: tuple[str, Json]) -> None:
        assert post(self.client, known[1]).status_code == 202

    @rule(known=sent)
    def use_an_id_again(self, known: tuple[str, Json]) -> None:
        message_id, document = known
        other = document | {"manifest": manifest({})}
        assert post(self.client, other, message_id=message_id).status_code == 409

    @rule(known=sent)
    def forge_a_verdict(self, known: tuple[str, Json]) -> None:
        forged = known[1] | {"events": [verdict("completed", 99)]}
        assert post(self.client, forged, secret=OTHER_SECRET).status_code in (
            401,
            429,
        )  # a minute has so many guesses

    @rule(number=st.sampled_from(["one", "two"]))
    def send_what_is_wrong(self, number: str) -> None:
        wrong = envelope(verdict("victorious", 99), number=number)
        assert post(self.client, wrong).status_code == 422

    @rule()
    def forget_bodies(self) -> None:
        forget(self.url)

    @invariant()
    def every_build_is_as_the_model_has_it(self) -> None:
        for number, known in self.known.items():
            if known:
                build = get_build(self.client, number)
                found = [(row["stage"], row["status"]) for row in build["states"]]
                assert (build["status"], build["current_state"], found) == _model(known)

    def _tell(self, number: str, name: str, status: str) -> Any:
        if (name, status) in self.known[number]:
            return multiple()
        self.known[number].add((name, status))
        self.count += 1
        message_id, minutes = f"msg_{self.count}", _minutes(name, status)
        event = stage(name, status, minutes=minutes) if name else verdict(status, minutes)
        document = envelope(event, number=number, run=number)
        answer = post(self.client, document, headers=signed_as(document, message_id))
        assert answer.status_code == 202, answer.text
        return message_id, document


def signed_as(document: Json, message_id: str) -> dict[str, str]:
    import orjson

    return sign(orjson.dumps(document), SECRET, message_id=message_id)


def _minutes(name: str, status: str) -> int:
    return 60 if not name else 10 * [*NAMES].index(name) + (0 if status == "started" else 5)


def _model(known: set[tuple[str, str]]) -> tuple[str, int, list[tuple[str, str]]]:
    """Status, state and rows of a build of which this is known."""
    judged = next((status for name, status in known if not name), None)
    started = [name for name in NAMES if (name, "started") in known]
    found: list[tuple[str, str]] = []
    for name in NAMES:
        end = next((end for end in ENDS if (name, end) in known), None)
        if end is None and name not in started:
            continue
        followed = any([*NAMES].index(later) > [*NAMES].index(name) for later in started)
        found.append((name, end or ("completed" if followed else judged or "started")))
    last = found[-1][1] if found else ""
    status = judged or ("failed" if last == "failed" else "running")
    return status, _state(known, found, status), found


def _state(known: set[tuple[str, str]], found: list[tuple[str, str]], status: str) -> int:
    """The highest state of what did not start after a failure."""
    if status == "completed":
        return 100
    fails = [_minutes(name, "failed") for name, _ in found if (name, "failed") in known]
    first = min(fails, default=99)
    starts = {
        name: _minutes(name, "started" if (name, "started") in known else "failed")
        for name, _ in found
    }
    return max((NAMES[name] for name, start in starts.items() if start <= first), default=0)


def test_any_sequence_of_deliveries_gives_what_a_model_does(client: FlaskClient, url: str):
    machine = type("Machine", (Deliveries,), {"client": client, "url": url})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
