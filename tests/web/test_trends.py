"""`/trends`: success, durations and waste of the last days."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from flask.testing import FlaskClient

from tests.support.senders import envelope, post

OF = {"project": "core", "platform": "aws", "os_version": "rhel-9", "image_type": "base"}
NOW = datetime.now(UTC)


def report(client: FlaskClient, number: str, status: str, days: float, minutes: int, **build: str):
    began = NOW - timedelta(days=days)
    ended = began + timedelta(minutes=minutes)
    events: list[dict[str, Any]] = [
        {
            "kind": "stage",
            "stage": "Base",
            "state": 15,
            "status": "started",
            "at": began.isoformat(),
        },
        {"kind": "build", "status": status, "at": ended.isoformat()},
    ]
    document = envelope(*events, number=number, run=number, build=OF | build)
    assert post(client, document).status_code == 202


@pytest.fixture
def filled_days(client: FlaskClient) -> FlaskClient:
    for number, (status, days, minutes) in enumerate(
        [("completed", 1, 60), ("failed", 2, 10), ("completed", 3, 20), ("completed", 3, 40)]
    ):
        report(client, f"b-{number}", status, days, minutes)
    report(client, "web-1", "failed", 1, 90, project="web", image_type="web")
    return client


def test_trends_count_nights_platforms_and_images(filled_days: FlaskClient):
    found = filled_days.get("/trends.json?days=7").get_json()
    assert sum(row["completed"] for row in found["nights"]) == 3
    (platform,) = found["platforms"]
    assert (platform["completed"], platform["failed"]) == (3, 2)
    assert (platform["median_seconds"], platform["p90_seconds"]) == (2400, 3600)
    base, web = found["images"]
    assert (base["unsteady"], base["builds"], base["wasted_seconds"]) == (1, 4, 600)
    assert web["wasted_seconds"] == 5400


def test_the_page_has_pictures_with_titles_and_the_numbers_beside_them(filled_days: FlaskClient):
    text = filled_days.get("/trends?days=7").text
    assert "<title id=" in text
    assert "2 good, 0 failed" in text
    assert "Most wasteful" in text
    assert "1 h 30 min" in text
    assert "style=" not in text


def test_a_span_of_another_length_is_refused(client: FlaskClient):
    assert client.get("/trends?days=8").status_code == 422
    assert client.get("/trends").status_code == 200


def test_a_token_of_one_project_sees_its_own_trends(
    filled_days: FlaskClient, token: Callable[..., str]
):
    headers = {"Authorization": f"Bearer {token('read', '--project', 'web')}"}
    found = filled_days.get("/trends.json?days=7", headers=headers).get_json()
    assert [row["project"] for row in found["images"]] == ["web"]
    assert sum(row["completed"] for row in found["nights"]) == 0


def test_a_lost_build_counts_as_failed(filled_days: FlaskClient, url: str):
    report(filled_days, "lost-1", "running", 1, 5, image_type="lost")
    with psycopg.connect(url) as connection:
        changed = connection.execute(
            "UPDATE builds SET status = 'running', end_time = NULL, last_heard_at = start_time,"
            " start_time = start_time - interval '2 days' WHERE build_number = 'lost-1'"
        )
        assert changed.rowcount == 1
        connection.execute("UPDATE builds SET last_heard_at = now() - interval '3 days'")
    found = filled_days.get("/trends.json?days=7").get_json()
    assert sum(row["failed"] for row in found["nights"]) == 3
    (lost,) = [row for row in found["images"] if row["image_type"] == "lost"]
    assert (lost["builds"], lost["unsteady"], lost["wasted_seconds"]) == (1, 1, 0)


def test_trends_of_one_platform_leave_out_the_others(filled_days: FlaskClient):
    report(filled_days, "gcp-1", "failed", 1, 10, platform="gcp")
    found = filled_days.get("/trends.json?days=7&platform=gcp").get_json()
    assert [(row["platform"], row["failed"]) for row in found["platforms"]] == [("gcp", 1)]
    assert sum(row["completed"] for row in found["nights"]) == 0
    text = filled_days.get("/trends?days=7&platform=gcp").text
    assert 'aria-label="Remove the filter platform gcp"' in text
    assert 'href="/trends?days=7&amp;platform=aws"' in filled_days.get("/trends?days=7").text
    assert "No build of <bdi>none</bdi> ended" in filled_days.get("/trends?platform=none").text


def test_the_last_seven_nights_are_compared_with_the_seven_before(client: FlaskClient):
    for number, (status, days, minutes) in enumerate(
        [("completed", 1, 60), ("failed", 2, 10), ("completed", 8, 30), ("completed", 9, 30)]
    ):
        report(client, f"b-{number}", status, days, minutes)
    for span in (7, 30):
        found = client.get(f"/trends.json?days={span}").get_json()
        assert [
            (row["weeks_ago"], row["completed"], row["failed"], row["median_seconds"])
            for row in found["weeks"]
        ] == [(0, 1, 1, 3600), (1, 2, 0, 1800)]
    assert (
        sum(row["completed"] for row in client.get("/trends.json?days=7").get_json()["nights"]) == 1
    )
    text = client.get("/trends?days=7").text
    week = text[text.index('id="weeks"') :].partition("</section>")[0]
    assert "<b>50 %</b>" in week
    assert "week before 100 %" in week
    assert "<b>1 h</b>" in week
    assert "week before 30 min" in week


def test_nothing_is_compared_without_a_week_before(filled_days: FlaskClient):
    assert "Against last week" not in filled_days.get("/trends").text
