"""GitHub's webhooks, alone and together with a hook inside the job."""

import hmac
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import orjson
import psycopg
import pytest
from flask.testing import FlaskClient

from receiver.config import Config
from tests.support.github_sender import ROUTES, SECRET, STEPS, job, run, send, step
from tests.support.senders import (
    Json,
    at,
    envelope,
    manifest,
    numbers,
    post,
    shown,
    stage,
    told,
    verdict,
)

NUMBER = "acme-images-500-rhel-9-hana-aws"
KEY = "github:acme/images:500:1:84211"
Serve = Callable[[Config], FlaskClient]


@pytest.fixture
def forge(serve: Serve, config: Config, tmp_path: Path) -> FlaskClient:
    """A receiver that takes GitHub's webhooks, with one route."""
    path = tmp_path / "routes.toml"
    path.write_text(ROUTES)
    secrets = {**config.secrets, "github": (SECRET,)}
    return serve(replace(config, secrets=secrets, routes=path))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Hub-Signature": "sha1=7d38cdd689735b008b3c702edd92eea23791c5f6"},
        {"X-Hub-Signature-256": "sha256="},
        {"X-Hub-Signature-256": "sha256=" + "0" * 64},
        {"X-Hub-Signature-256": "sha256=é"},
        {
            "X-Hub-Signature-256": "sha256="
            + hmac.digest(SECRET.encode(), b"{}", "sha256").hex().upper()
        },
    ],
)
def test_only_the_right_signature_counts(forge: FlaskClient, headers: dict[str, str]):
    response = forge.post(
        "/webhooks/github", data=b"{}", headers=headers, content_type="application/json"
    )
    assert response.status_code == 401


def test_a_routed_job_is_a_build_with_its_steps(forge: FlaskClient):
    for document in (job("queued"), job("in_progress", steps=STEPS[:2])):
        assert send(forge, "workflow_job", document).status_code == 202
    assert shown(forge, NUMBER)["status"] == "running"
    send(forge, "workflow_job", job("completed", "failure", steps=STEPS))
    build = shown(forge, NUMBER)
    assert (build["status"], build["current_state"], build["attempt"]) == ("failed", 25, 1)
    dimensions = [build[name] for name in ("project", "platform", "os_version", "image_type")]
    assert dimensions == ["core", "aws", "rhel-9", "hana"]
    assert [(row["stage"], row["status"]) for row in build["states"]] == [
        ("Set up job", "completed"),
        ("Run actions/checkout@v4", "completed"),
        ("Harden OS", "completed"),
        ("Frobnicate", "failed"),
        ("Complete job", "completed"),
    ]
    assert [row["error_message"] for row in build["failures"]] == [
        "Step Frobnicate ended with failure"
    ]
    assert (build["created_by"], build["branch"], build["duration_seconds"]) == (
        "ada",
        "main",
        1740,
    )


def test_a_job_whose_steps_name_nothing_is_estimated(forge: FlaskClient):
    steps = [STEPS[0], STEPS[1], step("Frobnicate", 3, None, None), step("x", 9, None, None)]
    send(forge, "workflow_job", job("in_progress", steps=steps))
    build = shown(forge, NUMBER)
    assert build["current_state"] == 95
    assert all(row["estimated"] for row in build["states"])


def test_without_a_route_or_a_hook_nothing_becomes_a_build(forge: FlaskClient, url: str):
    assert send(forge, "workflow_job", job("queued", name="lint")).status_code == 202
    assert numbers(forge) == []
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT outcome, reason FROM deliveries").fetchone()
    assert row == ("ignored", "no route and no hook makes it a build")


def test_a_rerun_is_the_second_attempt(forge: FlaskClient):
    send(forge, "workflow_job", job("completed", "failure"))
    again = job("in_progress", id=90000, run_attempt=2, started_at=at(60))
    send(forge, "workflow_job", again)
    build = shown(forge, NUMBER)
    assert (build["status"], build["attempt"]) == ("running", 2)


HOOKED = envelope(
    stage("Storage", minutes=5),
    number="mine",
    run=KEY,
    build={"os_version": "rhel-9.4"},
)


@pytest.mark.parametrize("native_first", [True, False])
@pytest.mark.parametrize("runner", [True, False])
def test_a_hook_and_the_webhook_about_its_job_are_one_build(
    forge: FlaskClient, native_first: bool, runner: bool
):
    key = KEY.replace("84211", "runner-4") if runner else KEY
    hooked = HOOKED | {"run": {"key": key}}
    native = job("completed", "success", steps=STEPS[:3])
    if native_first:
        send(forge, "workflow_job", native)
        assert numbers(forge) == [NUMBER]
    post(forge, hooked)
    if not native_first:
        send(forge, "workflow_job", native)
    assert numbers(forge) == ["mine"]
    build = shown(forge, "mine")
    assert (build["status"], build["os_version"], build["platform"]) == (
        "completed",
        "rhel-9.4",
        "aws",
    )
    assert {row["stage"] for row in build["states"]} == {
        "Storage",
        "Set up job",
        "Run actions/checkout@v4",
        "Harden OS",
    }
    assert shown(forge, NUMBER)["build_number"] == "mine"
    assert forge.get(f"/builds/{NUMBER}").location == "/builds/mine"


def test_a_runners_name_counts_only_within_the_jobs_interval(forge: FlaskClient):
    key = KEY.replace("84211", "runner-4")
    post(forge, envelope(stage("Storage", minutes=300), number="later", run=key))
    send(forge, "workflow_job", job("completed", "success"))
    assert sorted(numbers(forge)) == [NUMBER, "later"]


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 0, 1], [0, 2, 1]])
def test_several_builds_of_one_job_stay_apart_and_share_its_verdict(
    forge: FlaskClient, order: list[int]
):
    silent = envelope(stage("Storage", minutes=5), number="silent", run=KEY)
    judged = envelope(
        stage("Storage", minutes=5), verdict("completed", 9), number="judged", run=KEY
    )
    native = job("completed", "failure", steps=STEPS)
    for place in order:
        if place == 2:
            send(forge, "workflow_job", native)
        else:
            post(forge, [silent, judged][place])
    assert shown(forge, "silent")["status"] == "failed"
    assert shown(forge, "judged")["status"] == "completed"
    assert {len(shown(forge, name)["states"]) for name in ("silent", "judged")} == {1}
    assert sorted(set(numbers(forge)) - {NUMBER}) == ["judged", "silent"]


@pytest.mark.parametrize("run_first", [True, False])
def test_a_run_judges_what_never_reported(forge: FlaskClient, run_first: bool):
    deliveries = [
        ("workflow_run", run("completed", "cancelled")),
        ("workflow_job", job("in_progress")),
    ]
    for event, document in deliveries if run_first else reversed(deliveries):
        assert send(forge, event, document).status_code == 202
    assert shown(forge, NUMBER)["status"] == "cancelled"
    send(forge, "workflow_job", job("completed", "success"))
    assert shown(forge, NUMBER)["status"] == "completed"


def test_any_order_and_any_duplicates_give_the_same_rows(forge: FlaskClient, url: str):
    told_once: list[tuple[str, Json]] = [
        ("workflow_job", job("queued")),
        ("workflow_job", job("in_progress", steps=STEPS[:1])),
        ("workflow_job", job("completed", "failure", steps=STEPS)),
        ("workflow_run", run("in_progress")),
        ("workflow_run", run("completed", "failure")),
        ("workflow_job", job("in_progress", id=9, run_attempt=2, started_at=at(60))),
        ("hook", HOOKED),
        ("hook", envelope(verdict("failed", 29), number="mine", run=KEY, manifest=manifest({}))),
    ]
    crowd, results = random.Random(4), []
    for _ in range(10):
        with psycopg.connect(url) as connection:
            connection.execute("TRUNCATE builds, deliveries CASCADE")
        shuffled = told_once * 2
        crowd.shuffle(shuffled)
        for event, document in shuffled:
            answer = post(forge, document) if event == "hook" else send(forge, event, document)
            assert answer.status_code == 202
        assert numbers(forge) == ["mine"]
        volatile = {"last_heard_at": "", "deliveries": "", "failures": ""}
        results.append(shown(forge, "mine") | volatile)
    assert results == [results[0]] * 10


@pytest.mark.parametrize(
    ("event", "document", "outcome"),
    [
        ("ping", {"zen": "x"}, "ignored"),
        ("push", {}, "ignored"),
        ("workflow_job", {"workflow_job": None}, "quarantined"),
        ("workflow_job", {}, "quarantined"),
        ("workflow_job", job("queued") | {"repository": None}, "quarantined"),
        ("workflow_job", job("completed", "skipped"), "ignored"),
        ("workflow_job", job("never seen", "finished", name="x"), "ignored"),
        ("workflow_job", job("queued", id=2**62, run_id=2**61), "stored"),
        ("workflow_job", job("queued", name="", steps=None), "ignored"),
        ("workflow_job", job("completed", "failure", started_at=None, created_at=5), "stored"),
        ("workflow_run", run("completed", "failure", updated_at=None), "ignored"),
        ("workflow_job", b"[]", "quarantined"),
        ("workflow_job", b"{", "quarantined"),
        ("workflow_job", b"", "quarantined"),
    ],
)
def test_whatever_is_authentic_is_202_and_kept(
    forge: FlaskClient, url: str, event: str, document: Any, outcome: str
):
    assert send(forge, event, document).status_code == 202
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT outcome FROM deliveries").fetchall()
    assert rows == [(outcome,)]


def test_a_redelivery_is_a_duplicate(forge: FlaskClient):
    assert send(forge, "workflow_job", job("queued"), guid="g-1").status_code == 202
    assert send(forge, "workflow_job", job("queued"), guid="g-1").status_code == 200
    assert send(forge, "workflow_job", job("in_progress"), guid="g-1").status_code == 200


def test_a_form_is_read_like_json(forge: FlaskClient):
    body = urlencode({"payload": orjson.dumps(job("in_progress")).decode()}).encode()
    kind = "application/x-www-form-urlencoded"
    assert send(forge, "workflow_job", body, content_type=kind).status_code == 202
    assert shown(forge, NUMBER)["status"] == "running"


@pytest.mark.parametrize("hook_first", [True, False])
def test_a_hook_and_a_route_of_two_projects_do_not_merge(
    forge: FlaskClient, url: str, hook_first: bool
):
    hooked = envelope(stage("Base"), number="mine", run=KEY, build={"project": "edge"})
    if hook_first:
        assert post(forge, hooked).status_code == 202
    answer = send(forge, "workflow_job", job("completed", "success", steps=STEPS))
    assert answer.status_code == 202
    if not hook_first:
        refused = post(forge, hooked)
        assert (refused.status_code, list(told(refused)["errors"])) == (422, ["build.project"])
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT source, outcome, reason FROM deliveries").fetchall()
    if hook_first:
        assert numbers(forge) == ["mine"]
        assert shown(forge, "mine")["status"] == "running"
        assert ("github", "quarantined") in [row[:2] for row in found]
        assert "edge" in str(found)
    else:
        assert numbers(forge) == [NUMBER]
        assert shown(forge, NUMBER)["project"] == "core"
