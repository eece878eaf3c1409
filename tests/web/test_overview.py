"""`/`: the night in one line, what needs somebody, and the nights of every image."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask.testing import FlaskClient

from receiver.config import Config
from tests.support.senders import envelope, manifest, post
from tests.web.test_page_sizes import BUILDS

NOW = datetime.now(UTC)
OF = {"project": "core", "platform": "aws", "os_version": "rhel-9", "image_type": "base"}
FAILURE = {"type": "t", "message": "no route to 10.0.0.1", "component": "ansible"}


def report(client: FlaskClient, number: str, status: str, days: float, **build: Any) -> None:
    began = NOW - timedelta(days=days, hours=1)
    end: dict[str, Any] = {
        "kind": "build",
        "status": status,
        "at": (began + timedelta(minutes=30)).isoformat(),
    }
    start = {
        "kind": "stage",
        "stage": "Base",
        "state": 15,
        "status": "started",
        "at": began.isoformat(),
    }
    failed = {"failure": FAILURE} if status == "failed" else {}
    events: list[dict[str, Any]] = [start] if status == "running" else [start, end | failed]
    made = {"manifest": manifest({"builder_type": "amazon-ebs", "artifact_id": f"eu:ami-{number}"})}
    more = made if status == "completed" else {}
    document = envelope(*events, number=number, run=number, build=OF | build, **more)
    document["run"]["url"] = f"https://ci.example.com/{number}"
    assert post(client, document).status_code == 202


@pytest.fixture
def night(serve: Callable[[Config], FlaskClient], config: Config, tmp_path: Path) -> FlaskClient:
    """Four images of two projects: good, failed twice in a row, not started, and running."""
    file = tmp_path / "projects.toml"
    file.write_text('[project."core"]\nowner = "team-linux"\n')
    client = serve(replace(config, projects=file))
    for days in (3, 2, 1, 0):
        report(client, f"good-{days}", "completed", days, image_type="good")
        report(client, f"bad-{days}", "completed" if days > 1 else "failed", days, image_type="bad")
        report(client, f"run-{days}", "completed" if days else "running", days, image_type="run")
        if days:
            report(client, f"miss-{days}", "completed", days, image_type="miss", project="web")
    return client


def test_the_first_line_tells_what_came_of_the_night(night: FlaskClient):
    found = night.get("/overview.json").get_json()["night"]
    assert (found["good"], found["failed"], found["running"], found["due"]) == (1, 1, 1, 4)
    assert found["missing"] + found["waiting"] == 1
    text = night.get("/").text
    assert "1 of 4 due are good" in text
    assert "1 failed</span>" in text


def test_what_failed_is_told_by_cause_with_what_one_needs_to_act(night: FlaskClient):
    text = night.get("/").text
    needs = text[text.index('id="needs"') : text.index('id="running"')]
    for part in ("no route to 10.0.0.1", "at 15", "team-linux", "https://ci.example.com/bad-0"):
        assert part in needs
    assert "/builds/bad-2" in needs  # the last good one
    assert 'data-label="Failed in a row">2 nights, 2 builds</td>' in needs


def test_another_night_is_shown_by_its_day(night: FlaskClient):
    day = (NOW - timedelta(days=2, hours=1)).date().isoformat()
    found = night.get(f"/overview.json?night={day}").get_json()["night"]
    assert (found["day"], found["good"], found["failed"]) == (day, 4, 0)
    assert night.get("/?night=x").status_code == 422
    assert 'rel="next"' in night.get(f"/?night={day}").text


def test_the_row_of_an_image_has_its_nights_and_what_is_served(night: FlaskClient):
    rows = {row["image_type"]: row for row in night.get("/overview.json").get_json()["images"]}
    words = [each["word"] for each in rows["bad"]["nights"]]
    assert words == ["good", "good", "failed", "failed"]
    assert rows["bad"]["success"] == 50
    text = night.get("/").text
    row = text[text.index("<bdi>bad</bdi></a>") :].partition("</li>")[0]
    assert "ami-bad-2" in row
    assert 'href="/builds/bad-0"' in row


def test_a_filter_acts_on_the_whole_page(night: FlaskClient):
    assert "image_type=bad" not in night.get("/?q=good").text
    shown = night.get("/?project=web").text
    assert "no route" not in shown
    assert "image_type=miss" in shown
    assert "No image matches" in night.get("/?q=nothing").text


def test_a_token_of_one_project_gets_the_same_page_of_its_own(
    night: FlaskClient, token: Callable[..., str]
):
    headers = {"Authorization": f"Bearer {token('read', '--project', 'web')}"}
    answer = night.get("/overview.json", headers=headers).get_json()
    assert {row["project"] for row in answer["images"]} == {"web"}
    assert {row["project"] for row in answer["latest"]} == {"web"}
    assert (answer["failed"], answer["failed_images"], answer["open_failures"]) == ([], 0, 0)
    assert answer["running"] == []
    text = night.get("/", headers=headers).text
    assert "core" not in text.partition("<main")[2]


def test_the_page_of_three_hundred_images_is_small(client: FlaskClient, url: str):
    with psycopg.connect(url) as connection:
        connection.execute(BUILDS, {"count": 300})
        connection.execute(
            "INSERT INTO builds (id, build_number, platform_id, os_version_id, image_type_id,"
            " current_state, status, start_time, end_time, created_at)"
            " SELECT gen_random_uuid(), build_number || '-' || d, platform_id, os_version_id,"
            " image_type_id, 100, CASE WHEN random() < 0.1 THEN 'failed' ELSE 'completed' END,"
            " start_time - d * interval '1 day', start_time - d * interval '1 day',"
            " created_at - d * interval '1 day' FROM builds, generate_series(1, 4) AS d"
        )
    assert len(client.get("/").data) < 200_000


def test_the_night_is_named_by_the_hours_of_most_images(
    serve: Callable[[Config], FlaskClient], config: Config, tmp_path: Path
):
    file = tmp_path / "projects.toml"
    began = NOW - timedelta(days=1, minutes=-30)  # the next window is not near
    hours = f"{began:%H:%M}-{NOW - timedelta(hours=1):%H:%M} UTC"
    file.write_text(f'[project."core"]\nwindow = "{hours}"\n')
    client = serve(replace(config, projects=file))
    for image_type in ("a", "b"):
        report(client, f"{image_type}-1", "completed", 0.2, image_type=image_type)
    report(client, "c-1", "completed", 0.2, image_type="c", project="web")
    night = client.get("/overview.json").get_json()["night"]
    assert night["day"] == began.date().isoformat()
    assert night["before"] == (began.date() - timedelta(days=1)).isoformat()


def test_the_end_of_the_night_is_that_of_its_own_builds(
    serve: Callable[[Config], FlaskClient], config: Config, tmp_path: Path
):
    begin, end = (f"{NOW - timedelta(hours=hours):%H:%M}" for hours in (6, 2))
    file = tmp_path / "projects.toml"
    file.write_text(f'[project."core"]\nwindow = "{begin}-{end} UTC"\n')
    client = serve(replace(config, projects=file))
    for days in (2, 1):
        for image_type in ("one", "two"):
            report(
                client, f"{image_type}-{days}", "completed", days + 2 / 24, image_type=image_type
            )
    report(client, "one-0", "running", 2 / 24, image_type="one")  # usually ends in half an hour
    report(client, "two-0", "running", -58 / 1440, image_type="two")  # of the window that comes
    first = client.get("/").text.partition("</h1>")[0].rpartition("<h1>")[2]
    assert "1 running" in first
    assert "done about" not in first


def test_a_second_try_is_told_from_a_first_one_without_colours(night: FlaskClient):
    report(night, "again-1", "failed", 0.01, image_type="again")
    report(night, "again-2", "completed", 0, image_type="again")
    text = night.get("/").text
    assert 'again-2"' in text.partition('<i class="cell-second">↻</i> at the second try')[2]
    assert "good at the second try" in text
    assert 'try, 2 builds">↻</a>' in text
