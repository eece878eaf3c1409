"""Overdue and lost builds in the API, on pages, in commands and in metrics: the same words."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import Result
from flask.testing import FlaskClient

from receiver.config import Config
from receiver.domain.conditions import CONDITIONS, expected_end
from tests.support.senders import COMBINATION, envelope, post

Json = dict[str, Any]
STAGE = "Security baseline"


def event(kind: str, status: str, minutes: float, **more: Any) -> Json:
    """Return an event of so many minutes ago."""
    at = datetime.now(UTC) - timedelta(minutes=minutes)
    return {"kind": kind, "status": status, "at": at.isoformat(), **more}


def send(client: FlaskClient, number: str, *events: Json, **more: Any) -> None:
    document = envelope(*events, number=number, run=number, build=COMBINATION, **more)
    assert post(client, document).status_code == 202


def finish(client: FlaskClient, number: str, minutes: float, took: float = 2) -> None:
    """Report a good build that began so many minutes ago."""
    end = minutes - took
    begin = event("stage", "started", minutes, stage=STAGE)
    send(client, number, begin, event("build", "completed", end))


def begin(client: FlaskClient, number: str, minutes: float, **more: Any) -> None:
    send(client, number, event("stage", "started", minutes, stage=STAGE), **more)


def silence(url: str, number: str, hours: float) -> None:
    """Move what was heard of a build, and when it was made known, into the past."""
    moment = datetime.now(UTC) - timedelta(hours=hours)
    with psycopg.connect(url) as connection:
        connection.execute(
            "UPDATE builds SET last_heard_at = %s, created_at = %s, start_time = %s"
            " WHERE build_number = %s",
            [moment, moment, moment, number],
        )


@pytest.fixture
def overdue(client: FlaskClient) -> FlaskClient:
    for number in range(4):
        finish(client, f"good-{number}", 1440 * (number + 1))
    begin(client, "slow", 22)
    return client


@pytest.fixture
def lost(client: FlaskClient, url: str) -> FlaskClient:
    finish(client, "good", 3000)
    silence(url, "good", 50)
    begin(client, "gone", 0)
    silence(url, "gone", 30)
    return client


def show(client: FlaskClient, number: str) -> Json:
    document: Json = client.get(f"/api/v1/builds/{number}").get_json()
    return document


def numbers(client: FlaskClient, query: str) -> list[str]:
    document = client.get(f"/api/v1/builds?{query}").get_json()
    return [each["build_number"] for each in document["items"]]


def metric(client: FlaskClient, name: str) -> float:
    lines = client.get("/metrics").text.splitlines()
    return float(next(line for line in lines if line.startswith(f"{name} ")).split()[-1])


def test_a_stage_longer_than_usual_makes_an_overdue_build(overdue: FlaskClient):
    build = show(overdue, "slow")
    assert (build["status"], build["condition"], build["stalled"]) == ("running", "overdue", False)
    assert build["condition_reason"].startswith(f"{STAGE} runs for 22 min, and mostly ends within")
    assert numbers(overdue, "condition=overdue") == numbers(overdue, "status=running") == ["slow"]
    assert metric(overdue, "milepost_builds_overdue") == 1
    assert "status overdue" in overdue.get("/").text
    assert "status overdue" in overdue.get("/builds").text
    assert "<b>Overdue:</b>" in overdue.get("/builds/slow").text


def test_an_overdue_build_has_no_expected_end(overdue: FlaskClient):
    assert "ends ≈" not in overdue.get("/builds/slow").text
    assert 'data-label="Ends about">≈' not in overdue.get("/").text
    begin(overdue, "quick", 1)
    assert "ends ≈" in overdue.get("/builds/quick").text
    assert 'data-label="Ends about">≈' in overdue.get("/").text


@pytest.mark.parametrize("condition", [None, *CONDITIONS])
def test_a_build_that_has_a_condition_or_is_past_its_end_has_no_expected_end(
    condition: str | None,
):
    now = datetime.now(UTC)
    later, earlier = now + timedelta(minutes=5), now - timedelta(minutes=5)
    assert expected_end(condition, later, now) == (None if condition else later)
    assert expected_end(condition, earlier, now) is None


def test_the_overview_shows_a_stalled_build_on_the_page_and_in_json(client: FlaskClient, url: str):
    started, heard = (event(*each) for each in (("stage", "started", 90), ("heartbeat", "", 90)))
    del heard["status"]
    send(client, "silent", started | {"stage": STAGE}, heard)
    with psycopg.connect(url) as connection:
        moment = datetime.now(UTC) - timedelta(hours=1)
        connection.execute("UPDATE builds SET last_heard_at = %s", [moment])
    (row,) = client.get("/overview.json").get_json()["stalled"]
    assert (row["build_number"], row["condition"]) == ("silent", "stalled")
    needs = client.get("/").text.partition('id="needs"')[2].partition("</section>")[0]
    assert "status stalled" in needs
    assert "silent" in needs


def test_a_build_within_the_usual_time_has_no_condition(overdue: FlaskClient):
    begin(overdue, "quick", 10)
    assert show(overdue, "quick")["condition"] is None
    assert numbers(overdue, "condition=overdue") == ["slow"]


def test_a_lost_build_counts_as_failed_everywhere(
    lost: FlaskClient, command: Callable[..., Result]
):
    build = show(lost, "gone")
    assert (build["status"], build["condition"], build["stalled"]) == ("running", "lost", True)
    assert build["condition_reason"] == "nothing was heard for 1 d 6 h"
    assert numbers(lost, "condition=lost") == numbers(lost, "status=failed") == ["gone"]
    assert numbers(lost, "status=running") == []
    page = lost.get("/overview.json").get_json()
    assert [each["build_number"] for each in page["failed"]] == ["gone"]
    assert page["failed"][0]["condition_reason"] == build["condition_reason"]
    assert (page["running"], page["stalled"]) == ([], [])
    stats = lost.get("/api/v1/stats").get_json()
    assert (stats["running"], stats["lost"], stats["failed_images"]) == (0, 1, 1)
    (combination,) = lost.get("/api/v1/stats/combinations").get_json()["items"]
    assert (combination["builds"], combination["failed"]) == (2, 1)
    (stage,) = lost.get("/api/v1/stats/stages").get_json()["items"]
    assert (stage["runs"], stage["failed"]) == (2, 1)
    assert metric(lost, "milepost_builds_lost") == metric(lost, "milepost_images_failed") == 1
    assert metric(lost, 'cicd_pipeline_run_active{cicd_pipeline_run_state="executing"}') == 0
    badge = lost.get("/badge/core/aws-commercial/rhel-8.8/hana.json").get_json()
    assert (badge["isError"], "lost" in badge["message"]) == (True, True)
    assert lost.get("/badge/core.json").get_json()["message"] == "0/1 good"
    assert "<title>gone: 25 lost</title>" in lost.get("/feed.atom?status=failed").text
    assert "Lost:" in lost.get("/builds/gone").text
    listed = command("builds", "--condition", "lost").stdout
    assert "✗ lost" in listed
    assert "gone" in command("builds", "--status", "failed").stdout


def test_the_builds_of_a_day_count_a_lost_one_as_failed(client: FlaskClient, url: str):
    begin(client, "gone", 0)
    silence(url, "gone", 3)
    begin(client, "next", 0)
    assert client.get("/api/v1/stats").get_json()["builds_of_24_hours"] == {
        "running": 1,
        "failed": 1,
    }


def test_a_silent_build_is_lost_once_the_next_one_began(client: FlaskClient, url: str):
    begin(client, "first", 0, run_more={"branch": "main"})
    silence(url, "first", 3)
    begin(client, "fix", 0, run_more={"branch": "fix"})
    assert show(client, "first")["condition"] == "overdue"
    begin(client, "second", 0, run_more={"branch": "main"})
    build = show(client, "first")
    assert build["condition_reason"] == "nothing was heard for 3 h, and second began"
    assert numbers(client, "condition=lost") == ["first"]
    begin(client, "first", -1)  # it reports again
    assert show(client, "first")["condition"] is None


def test_a_stage_of_another_image_says_nothing(overdue: FlaskClient):
    other = COMBINATION | {"image_type": "web"}
    document = envelope(
        event("stage", "started", 60, stage=STAGE), number="web", run="web", build=other
    )
    post(overdue, document)
    assert show(overdue, "web")["condition"] is None


def test_what_the_projects_file_expects_counts(
    serve: Callable[[Config], FlaskClient], config: Config, tmp_path: Path
):
    path = tmp_path / "projects.toml"
    path.write_text('[[expect]]\nproject = "core"\nmax_duration = "20m"\n')
    client = serve(replace(config, projects=path))
    begin(client, "slow", 22)
    reason = "it runs for 22 min, and 20 min is the most"
    build = show(client, "slow")
    assert (build["condition"], build["condition_reason"]) == ("overdue", reason)
    assert numbers(client, "condition=overdue") == ["slow"]


def test_a_build_that_waits_for_an_approval_is_never_lost(client: FlaskClient, url: str):
    send(client, "gated", event("build", "running", 5))
    silence(url, "gated", 300)
    assert show(client, "gated")["condition"] == "lost"
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE builds SET waiting = true")
    assert show(client, "gated")["condition"] is None
    assert numbers(client, "status=running") == ["gated"]


def test_a_receiver_without_builds_has_no_conditions(client: FlaskClient):
    assert numbers(client, "condition=lost") == []
    assert client.get("/builds?condition=overdue").status_code == 200
    assert metric(client, "milepost_builds_lost") == 0
