"""`/builds`: facets, order, causes, nights, CSV, and names that nothing has."""

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from receiver.config import Config
from tests.support.senders import envelope, post, stage, verdict

OF = {"project": "core", "platform": "aws", "os_version": "rhel-9", "image_type": "base"}


def report(client: FlaskClient, number: str, status: str, minutes: int, **build: str) -> None:
    failure = {"type": "t", "message": f"\n=cmd password=hunter2 {number}\nmore", "component": "c"}
    end = (
        verdict(status, minutes, failure=failure)
        if status == "failed"
        else verdict(status, minutes)
    )
    events = (stage("Base configuration", minutes=minutes - 9, state=15), end)
    assert post(client, envelope(*events, number=number, run=number, build=OF | build))


@pytest.fixture
def listed(client: FlaskClient) -> FlaskClient:
    report(client, "b-2", "completed", 30)
    report(client, "b-1", "failed", 100, platform="azure")
    report(client, "b-3", "completed", 24 * 60 + 20, image_type="web")
    return client


def numbers(client: FlaskClient, query: str) -> list[str]:
    items = client.get(f"/builds.json?{query}").get_json()["items"]
    return [item["build_number"] for item in items]


@pytest.mark.parametrize(
    ("order", "first"),
    [
        ("newest", ["b-3", "b-1", "b-2"]),
        ("oldest", ["b-2", "b-1", "b-3"]),
        ("number", ["b-1", "b-2", "b-3"]),
        ("status", ["b-3", "b-2", "b-1"]),
        ("image", ["b-2", "b-3", "b-1"]),
        ("highest", ["b-3", "b-2", "b-1"]),
    ],
)
def test_a_head_sorts_the_list_by_its_address(listed: FlaskClient, order: str, first: list[str]):
    assert numbers(listed, f"order={order}") == first


def test_facets_count_the_values_that_builds_have(listed: FlaskClient):
    text = listed.get("/builds").text
    assert "platform=azure" in text
    assert ">pending<" not in text
    text = listed.get("/builds?status=completed").text
    assert "platform=azure" not in text
    assert "Remove the filter status completed" in text


def test_a_failed_build_shows_the_first_line_of_its_cause_without_secrets(listed: FlaskClient):
    rows = {each["build_number"]: each for each in listed.get("/builds.json").get_json()["items"]}
    assert rows["b-1"]["cause"] == "=cmd password=*** b-1"
    assert rows["b-2"]["cause"] is None
    shown = listed.get("/api/v1/builds").get_json()["items"]
    assert [each["cause"] for each in shown if each["build_number"] == "b-1"] == [
        "=cmd password=*** b-1"
    ]


def test_a_line_parts_the_nights_of_the_window(
    serve: Callable[[Config], FlaskClient], config: Config, tmp_path: Path
):
    file = tmp_path / "projects.toml"
    file.write_text('[project."*"]\nwindow = "20:00-08:00 Europe/Berlin"\n')
    client = serve(replace(config, projects=file))
    report(client, "b-1", "completed", 9 - 4 * 60)  # 07:00 in Berlin, of the night before
    report(client, "b-2", "completed", 9)  # 11:00 there, of the night that comes
    text = client.get("/builds").text
    assert text.count('class="night"') == 2
    assert text.index("Night of 1 Jan") < text.index("b-2") < text.index("Night of 31 Dec")
    assert "2026-01-01 07:00:00 CET" in text
    assert "Times are in Europe/Berlin" in text


def test_csv_has_every_row_and_runs_in_no_spreadsheet(listed: FlaskClient):
    answer = listed.get("/builds.csv?order=number")
    assert answer.mimetype == "text/csv"
    rows = list(csv.DictReader(answer.text.splitlines()))
    assert [row["build_number"] for row in rows] == ["b-1", "b-2", "b-3"]
    assert rows[0]["cause"] == "'=cmd password=*** b-1"


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("platform=nope", "Platform nope is unknown"),
        ("os_version=nope", "OS version nope is unknown"),
        ("project=nope&platform=aws", "Project nope is unknown"),
    ],
)
def test_a_name_that_nothing_has_is_said_to_be_unknown(
    listed: FlaskClient, query: str, sentence: str
):
    text = listed.get(f"/builds?{query}").text
    assert sentence in text
    assert "No build matches" not in text
    assert "unknown" not in listed.get("/builds?platform=aws&image_type=base&status=failed").text


def test_an_old_name_finds_the_builds_of_the_new_one(
    listed: FlaskClient, command: Callable[..., object]
):
    command("rename", "platform", "aws", "aws-commercial")
    assert numbers(listed, "platform=aws") == ["b-3", "b-2"]
    assert "is unknown" not in listed.get("/builds?platform=aws").text
