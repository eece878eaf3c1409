"""GitHub's webhooks together with a hook inside the job."""

import random

import psycopg
import pytest
from flask.testing import FlaskClient

from tests.support.forges import post_github, workflow_job, workflow_run
from tests.support.senders import (
    Json,
    at,
    build_numbers,
    envelope,
    get_build,
    manifest,
    post,
    stage,
    verdict,
)

NUMBER = "acme-images-500-rhel-9-hana-aws"
KEY = "github:acme/images:500:1:84211"
HOOKED = envelope(
    stage("Storage", minutes=5), number="mine", run=KEY, build={"os_version": "rhel-9.4"}
)


@pytest.mark.parametrize("native_first", [True, False])
@pytest.mark.parametrize("runner", [True, False])
def test_a_hook_and_the_webhook_about_its_job_are_one_build(
    forge: FlaskClient, native_first: bool, runner: bool
):
    key = KEY.replace("84211", "runner-4") if runner else KEY
    hooked = HOOKED | {"run": {"key": key}}
    native = workflow_job("completed", "success")
    del native["workflow_job"]["steps"][3:]
    if native_first:
        post_github(forge, native)
        assert build_numbers(forge) == [NUMBER]
    post(forge, hooked)
    if not native_first:
        post_github(forge, native)
    assert build_numbers(forge) == ["mine"]
    build = get_build(forge, "mine")
    names = (build["status"], build["os_version"], build["platform"])
    assert names == ("completed", "rhel-9.4", "aws")
    assert {row["stage"] for row in build["states"]} == {
        "Storage",
        "Set up job",
        "Run actions/checkout@v4",
        "Harden OS",
    }
    assert get_build(forge, NUMBER)["build_number"] == "mine"
    assert forge.get(f"/builds/{NUMBER}").location == "/builds/mine"


def test_a_runners_name_counts_only_within_the_jobs_interval(forge: FlaskClient):
    key = KEY.replace("84211", "runner-4")
    post(forge, envelope(stage("Storage", minutes=300), number="later", run=key))
    post_github(forge, workflow_job("completed", "success"))
    assert sorted(build_numbers(forge)) == [NUMBER, "later"]


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 0, 1], [0, 2, 1]])
def test_several_builds_of_one_job_stay_apart_and_share_its_verdict(
    forge: FlaskClient, order: list[int]
):
    silent = envelope(stage("Storage", minutes=5), number="silent", run=KEY)
    judged = envelope(
        stage("Storage", minutes=5), verdict("completed", 9), number="judged", run=KEY
    )
    for place in order:
        if place == 2:
            post_github(forge, workflow_job("completed"))
        else:
            post(forge, [silent, judged][place])
    assert get_build(forge, "silent")["status"] == "failed"
    assert get_build(forge, "judged")["status"] == "completed"
    assert {len(get_build(forge, name)["states"]) for name in ("silent", "judged")} == {1}
    assert sorted(set(build_numbers(forge)) - {NUMBER}) == ["judged", "silent"]


def test_any_order_and_any_duplicates_give_the_same_rows(forge: FlaskClient, url: str):
    again = workflow_job("in_progress", id=9, run_attempt=2, started_at=at(60), steps=[])
    deliveries: list[tuple[str, Json]] = [
        ("workflow_job", workflow_job("queued")),
        ("workflow_job", workflow_job("in_progress")),
        ("workflow_job", workflow_job("completed")),
        ("workflow_run", workflow_run("in_progress")),
        ("workflow_run", workflow_run("completed")),
        ("workflow_job", again),
        ("hook", HOOKED),
        ("hook", envelope(verdict("failed", 29), number="mine", run=KEY, manifest=manifest({}))),
    ]
    crowd, results = random.Random(4), []
    for _ in range(10):
        with psycopg.connect(url) as connection:
            connection.execute("TRUNCATE builds, deliveries CASCADE")
        shuffled = deliveries * 2
        crowd.shuffle(shuffled)
        for event, document in shuffled:
            hooked = event == "hook"
            answer = post(forge, document) if hooked else post_github(forge, document, event)
            assert answer.status_code == 202
        assert build_numbers(forge) == ["mine"]
        volatile = {"last_heard_at": "", "deliveries": "", "failures": ""}
        results.append(get_build(forge, "mine") | volatile)
    assert results == [results[0]] * 10


@pytest.mark.parametrize("hook_first", [True, False])
def test_a_hook_and_a_route_of_two_projects_do_not_merge(
    forge: FlaskClient, url: str, hook_first: bool
):
    hooked = envelope(stage("Base"), number="mine", run=KEY, build={"project": "edge"})
    if hook_first:
        assert post(forge, hooked).status_code == 202
    assert post_github(forge, workflow_job("completed", "success")).status_code == 202
    if not hook_first:
        refused = post(forge, hooked)
        assert (refused.status_code, list(refused.get_json()["errors"])) == (422, ["build.project"])
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT source, outcome, reason FROM deliveries").fetchall()
    if hook_first:
        assert build_numbers(forge) == ["mine"]
        assert get_build(forge, "mine")["status"] == "running"
        assert ("github", "quarantined") in [row[:2] for row in rows]
        assert "edge" in str(rows)
    else:
        assert build_numbers(forge) == [NUMBER]
        assert get_build(forge, NUMBER)["project"] == "core"
