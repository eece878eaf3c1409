"""Jobs of a run that come late, twice or not at all: re-runs, carried-over and skipped jobs, and
several jobs of one pipeline, against a model."""

import os
from typing import Any

import orjson
import psycopg
from flask.testing import FlaskClient
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.support.forges import post_github, workflow_job
from tests.support.senders import Json, at, envelope, manifest, post, sign, stage, verdict
from tests.support.table_rows import rows

EXAMPLES = int(os.environ.get("TORTURE_EXAMPLES", "20"))
Told = tuple[str, ...]  # which delivery: of which job, attempt and moment


class Jobs(RuleBasedStateMachine):
    """Deliveries of known jobs in any order. At the end their rows are those of the first order."""

    client: FlaskClient
    url: str

    def __init__(self) -> None:
        super().__init__()
        self.known: dict[Told, Json] = {}
        self.waiting: dict[Told, Json] = {}
        self._empty()

    @rule(data=st.data())
    @precondition(lambda self: self.waiting)
    def arrive(self, data: st.DataObject) -> None:
        told = data.draw(st.sampled_from(sorted(self.waiting)))
        self.known[told] = self.waiting.pop(told)
        self.send(self.known[told])

    @rule(data=st.data())
    @precondition(lambda self: self.known)
    def arrive_again(self, data: st.DataObject) -> None:
        self.send(self.known[data.draw(st.sampled_from(sorted(self.known)))])

    def send(self, document: Json) -> None:
        raise NotImplementedError

    def build(self, number: str) -> Any:
        answer = self.client.get(f"/api/v1/builds/{number}", follow_redirects=True)
        return answer.get_json() if answer.status_code == 200 else None

    def teardown(self) -> None:
        before = rows(self.url)
        self._empty()
        for told in sorted(self.known):
            self.send(self.known[told])
        assert rows(self.url) == before

    def _empty(self) -> None:
        with psycopg.connect(self.url) as connection:
            connection.execute("DELETE FROM builds; DELETE FROM deliveries; DELETE FROM run_keys")


LEGS = ("rhel-8", "rhel-9", "suse-15")
OUTCOMES = st.sampled_from(["success", "failure", "skipped"])


class Legs(Jobs):
    """A run of GitHub with three legs whose failed ones run again: those that passed are carried
    over, those that were skipped never ran."""

    @initialize(
        first=st.tuples(OUTCOMES, OUTCOMES, OUTCOMES),
        second=st.sampled_from(["success", "failure"]),
    )
    def begin(self, first: tuple[str, ...], second: str) -> None:
        self.first = dict(zip(LEGS, first, strict=True))
        self.second = second
        for place, (leg, outcome) in enumerate(self.first.items()):
            self._run(leg, "1", outcome, id=100 + place, created_at=at(0), minutes=1)
            if "failure" not in first or outcome == "skipped":
                continue
            again = {"id": 200 + place, "run_attempt": 2, "created_at": at(60)}
            if outcome == "failure":
                self._run(leg, "2", second, **again, minutes=61)
            else:
                times = {"started_at": at(1), "completed_at": at(10)}
                document = _job(leg, "completed", "success", **again, **times)
                self.waiting[leg, "carried"] = document

    def _run(self, leg: str, attempt: str, outcome: str, minutes: float, **changes: Any) -> None:
        """Let a leg's job wait to be told."""
        if outcome != "skipped":
            began = _job(leg, "in_progress", None, **changes, started_at=at(minutes))
            self.waiting[leg, attempt, "began"] = began
        times = {"started_at": at(minutes), "completed_at": at(minutes + 9)}
        self.waiting[leg, attempt, "ended"] = _job(leg, "completed", outcome, **changes, **times)

    def send(self, document: Json) -> None:
        assert post_github(self.client, document).status_code == 202

    @invariant()
    def every_leg_is_as_the_model_has_it(self) -> None:
        for leg in LEGS:
            build = self.build(f"acme-images-500-{leg}-hana-aws")
            found = build and (build["status"], build["attempt"])
            assert found == self._model(leg), (leg, sorted(self.known))

    def _model(self, leg: str) -> tuple[str, int] | None:
        """Return status and attempt: the newest try that is known; a carried-over job is the first
        one's, and one that never ran alone makes no build."""
        told = {each[1:] for each in self.known if each[0] == leg}
        if ("2", "ended") in told:
            return {"success": "completed", "failure": "failed"}[self.second], 2
        if ("2", "began") in told:
            return "running", 2
        if told & {("1", "ended"), ("carried",)} and self.first[leg] != "skipped":
            return {"success": "completed", "failure": "failed"}[self.first[leg]], 1
        return ("running", 1) if ("1", "began") in told else None


def _job(leg: str, status: str, conclusion: str | None, **changes: Any) -> Json:
    name = f"build ({leg}, hana, aws)"
    return workflow_job(status, conclusion, name=name, steps=[], runner_name=None, **changes)


class Pipeline(Jobs):
    """Two jobs of one pipeline with hooks: one builds, one tests; either may run again."""

    @initialize(
        tested=st.sampled_from(["completed", "failed"]),
        again=st.sampled_from(["", "build", "test"]),
    )
    def begin(self, tested: str, again: str) -> None:
        self.tested, self.again = tested, again
        self._run("build", "1", 0, "completed")
        self._run("test", "1", 10, tested)
        if again:
            self._run(again, "2", 30, "completed")

    def _run(self, job: str, number: str, minutes: float, end: str) -> None:
        """Let a job's reports wait to be told; the job that builds has an image."""
        name = {"build": "Base configuration", "test": "Integration tests"}[job]
        image = {"artifact_id": f"us-1:ami-{number}", "builder_type": "amazon-ebs"}
        made: Json = (
            {"manifest": manifest(image, run_uuid=f"uuid-{number}")} if job == "build" else {}
        )
        reports = {
            "began": envelope(stage(name, "started", minutes)),
            "ended": envelope(verdict(end, minutes + 9), **made),
        }
        for moment, document in reports.items():
            document["run"] = {"key": f"gitlab:h:{job}-{number}", "pipeline": "acme/images:500"}
            document["build"] |= {"number": "b-1", "names": {"job": job}}
            self.waiting[job, number, moment] = document

    def send(self, document: Json) -> None:
        headers = sign(orjson.dumps(document))
        assert post(self.client, document, headers=headers).status_code == 202

    @invariant()
    def an_image_stands_until_its_job_runs_again(self) -> None:
        ended = {each[1] for each in self.known if (each[0], each[2]) == ("build", "ended")}
        if build := self.build("b-1"):
            images = {each["artifact_id"] for each in build["artifacts"]}
            assert images == {f"ami-{number}" for number in ended}

    @invariant()
    def all_that_was_told_is_as_the_model_has_it(self) -> None:
        if self.waiting or not self.known:
            return
        build = self.build("b-1")
        is_failed = self.tested == "failed" and self.again != "test"
        assert build["status"] == ("failed" if is_failed else "completed")
        assert build["attempt"] == (2 if self.again else 1)
        newest = {each["stage"] for each in build["states"] if each["attempt"] == build["attempt"]}
        assert newest == {"Base configuration", "Integration tests"}


def run(machine: type[Jobs], client: FlaskClient, url: str) -> None:
    run_state_machine_as_test(
        type("Machine", (machine,), {"client": client, "url": url}),
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )


def test_legs_that_run_again_are_carried_over_or_skipped_end_as_a_model_has_them(
    forge: FlaskClient, url: str
):
    run(Legs, forge, url)


def test_jobs_of_one_pipeline_end_as_a_model_has_them(client: FlaskClient, url: str):
    run(Pipeline, client, url)
