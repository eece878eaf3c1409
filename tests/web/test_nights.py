"""The nights of the pages: a build is of the same night on each of them."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from receiver.config import Config
from tests.support.senders import envelope, post

OF = {"platform": "aws", "os_version": "rhel-9", "image_type": "base"}
TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
NIGHT = (TODAY - timedelta(days=4)).date()
# 22:00 of the evening, 02:00 of the morning after, 14:00 of the day after: of the night that comes.
HOURS = (22, 26, 38)
CAUSE = {"type": "t", "message": "boom", "component": "c"}


def begin(client: FlaskClient, project: str, hour: int, minutes: int, **ending: Any) -> None:
    """Report a build that began so many hours after the beginning of the day."""
    began = TODAY - timedelta(days=4) + timedelta(hours=hour)
    started = {"kind": "stage", "stage": "Base", "state": 15, "status": "started"}
    ended = (began + timedelta(minutes=minutes)).isoformat()
    events = [started | {"at": began.isoformat()}, {"kind": "build", "at": ended} | ending]
    number = f"{project}-{hour}"
    document = envelope(*events, number=number, run=number, build=OF | {"project": project})
    assert post(client, document).status_code == 202


@pytest.fixture
def windows(serve: Callable[[Config], FlaskClient], config: Config, tmp_path: Path) -> FlaskClient:
    """Builds of a project with nights, and of one with days, all of which failed."""
    file = tmp_path / "projects.toml"
    file.write_text('[project.core]\nwindow = "20:00-08:00 UTC"\n')
    client = serve(replace(config, projects=file))
    for hour in HOURS:
        for project in ("core", "web"):
            begin(client, project, hour, 10, status="failed", failure=CAUSE)
    return client


def days(rows: list[dict[str, Any]], column: str) -> Counter[date]:
    counted: Counter[date] = Counter()
    for row in rows:
        counted[date.fromisoformat(row["day"])] += row[column]
    return counted


# The project's night holds two and the next night one; of days, the first has one, the next two.
EXPECTED = {NIGHT: 2 + 1, NIGHT + timedelta(days=1): 1 + 2}


def test_trends_count_a_build_in_the_night_of_its_project(windows: FlaskClient):
    assert days(windows.get("/trends.json").get_json()["nights"], "failed") == EXPECTED


def test_failures_are_counted_in_the_night_of_their_project(windows: FlaskClient):
    assert days(windows.get("/failures.json").get_json()["heat"], "count") == EXPECTED


def test_the_overview_has_the_same_nights(windows: FlaskClient):
    found = windows.get("/overview.json").get_json()["images"]
    cells = [
        {"day": cell["night"], "builds": cell["builds"]}
        for row in found
        for cell in row["nights"]
        if cell["builds"]
    ]
    assert days(cells, "builds") == EXPECTED


def test_lines_of_builds_have_the_nights_of_their_projects(windows: FlaskClient):
    text = windows.get("/builds?project=core").text
    assert text.count('class="night"') == 2
    assert f"Night of {NIGHT.day} {NIGHT:%b}" in text
    assert "Night of" not in windows.get("/builds?project=web").text


def test_a_failure_that_came_after_the_night_is_of_the_night_of_its_build(windows: FlaskClient):
    begin(windows, "core", 31, 120, status="failed", failure=CAUSE)
    heat = windows.get("/failures.json").get_json()["heat"]
    assert days(heat, "count")[NIGHT] == EXPECTED[NIGHT] + 1
