"""Which builds are served as images."""

import re
import shlex
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask.testing import FlaskClient

from tests.support.senders import START, Json, envelope, manifest, post, stage, verdict
from tests.support.served import (
    GUESS,
    MAIN,
    OF,
    PATH,
    Report,
    ami,
    client,
    image,
    projects,
    report,
    set_projects,
    why,
)

__all__ = ["client", "projects", "report"]  # fixtures


@pytest.mark.parametrize(
    "run",
    [
        MAIN,
        {"branch": "refs/heads/main", "default_branch": "main"},
        {"branch": "origin/main", "default_branch": "main"},
        {"branch": "topic"},
        {"default_branch": "main"},
        {},
    ],
)
def test_build_of_the_default_branch_is_served_and_all_where_nobody_tells_it(
    client: FlaskClient, report: Report, run: Json
):
    report("n-1", 10, ami("ami-1"), run=run)
    assert image(client) == "ami-1"


def test_build_of_another_branch_does_not_replace_the_image(client: FlaskClient, report: Report):
    report("n-1", 10, ami("ami-1"), run=MAIN)
    report("n-2", 20, ami("ami-2"), run=MAIN | {"branch": "topic"})
    assert image(client) == "ami-1"
    (row,) = client.get("/images.json").get_json()["unserved"]
    assert (row["build_number"], row["reason"], row["branch"]) == ("n-2", "branch", "topic")


@pytest.mark.parametrize("run", [{"pull_request": "7"}, {"pull_request": "7", "branch": "main"}])
def test_build_of_a_pull_request_is_never_served(
    client: FlaskClient, report: Report, projects: Path, run: Json
):
    set_projects(projects, '[project."*"]\nserve_branches = ["*"]\n')
    report("n-1", 10, ami("ami-1"), run=run)
    assert image(client) is None


def test_project_names_the_branches_that_are_served(
    client: FlaskClient, report: Report, projects: Path
):
    report("n-1", 10, ami("ami-1"), run=MAIN)
    report("n-2", 20, ami("ami-2"), run=MAIN | {"branch": "release/9_1"})
    report("n-3", 30, ami("ami-3"), run=MAIN | {"branch": "release-9"})
    for patterns, served in (
        ('"release/*"', "ami-2"),
        ('"release/9_?"', "ami-2"),
        ('"release_9"', None),
        ('"main"', "ami-1"),
        ('"*"', "ami-3"),
    ):
        set_projects(projects, f"[project.core]\nserve_branches = [{patterns}]\n")
        assert image(client) == served, patterns


@pytest.mark.parametrize(
    ("run", "marks", "words"),
    [
        (MAIN, {}, None),
        (MAIN | {"branch": "topic"}, {}, "branch is topic and the default branch is main"),
        ({"pull_request": "7"}, {}, "pull or merge request 7"),
        (MAIN, {"word": "unstable"}, "Jenkins calls it UNSTABLE"),
    ],
)
def test_page_of_a_build_says_why_its_image_is_not_served(
    client: FlaskClient, report: Report, run: Json, marks: Json, words: str | None
):
    report("n-1", 10, ami("ami-1"), run=run, **marks)
    page = client.get("/builds/n-1").text
    assert ("Its image is not served" in page) == bool(words)
    assert words is None or words in page


def test_settings_of_a_project_hold_for_those_below_it_and_by_its_old_name(
    client: FlaskClient, report: Report, projects: Path, command: Callable[..., Any], url: str
):
    set_projects(projects, '[project.top]\nserve_branches = ["topic"]\n')
    report("n-1", 10, ami("ami-1"), run=MAIN | {"branch": "topic"})
    assert image(client) is None
    with psycopg.connect(url) as connection:
        connection.execute("INSERT INTO projects (name) VALUES ('top')")
        connection.execute(
            "UPDATE projects SET parent_project_id = (SELECT id FROM projects WHERE name = 'top') "
            "WHERE name = 'core'"
        )
    assert image(client) == "ami-1"
    assert command("rename", "project", "top", "summit").exit_code == 0
    assert image(client) == "ami-1"


def test_build_that_says_two_values_is_not_served(client: FlaskClient, report: Report):
    report("n-1", 10, ami("ami-1"))
    report("n-2", 20, ami("ami-2"))
    other = envelope(stage("Base"), number="n-2", run="n-2", build={"os_version": "rhel-8"})
    assert post(client, other).status_code == 202
    assert image(client) == "ami-1"
    (row,) = client.get("/images.json").get_json()["unserved"]
    assert "os_version is rhel-8 and rhel-9" in row["why"]


def test_unstable_build_is_served_only_where_the_project_says_so(
    client: FlaskClient, report: Report, projects: Path
):
    report("n-1", 10, ami("ami-1"), word="unstable")
    assert 'unstable = "completed" in [project."core"]' in why(client)
    set_projects(projects, '[project.core]\nunstable = "completed"\n')
    assert image(client) == "ami-1"


def test_inferred_image_is_served_only_when_asked_for(client: FlaskClient, report: Report):
    report("n-1", 10, ami("ami-1"), **GUESS)
    assert "os_version is inferred from the target" in why(client)
    assert "inferred=1" in why(client)
    assert image(client, "inferred=1") == "ami-1"
    assert client.get(f"{PATH}?inferred=1").get_json()["inferred"] == {"os_version": "target"}


def test_inferred_image_is_served_once_it_is_confirmed(
    client: FlaskClient, report: Report, command: Callable[..., Any]
):
    report("n-1", 10, ami("ami-1"), **GUESS)
    line = re.search(r"run: milepost (.*?)\. Or", why(client))
    assert line
    for more, served in (((), "ami-1"), (("--undo",), None)):
        assert command(*shlex.split(line[1]), *more).exit_code == 0
        assert image(client) == served
        assert (client.get("/images.json").get_json()["unserved"] == []) == bool(served)


def test_inferred_image_never_replaces_a_stated_one(client: FlaskClient, report: Report):
    report("n-1", 10, ami("ami-1"))
    report("n-2", 20, ami("ami-2"), ami("ami-eu", "eu-1"), **GUESS)
    assert image(client, "inferred=1") == image(client) == "ami-1"
    assert image(client, "region=eu-1&inferred=1") == "ami-eu"
    assert image(client, "region=eu-1") is None


def test_platform_by_the_type_of_the_builder_is_stated(client: FlaskClient, report: Report):
    report("n-1", 10, ami("ami-1"), of={"platform": None})
    path = "/api/v1/images/amazon-ebs/rhel-9/web?format=text"
    assert client.get(path).text == "ami-1\n"


@pytest.mark.parametrize("name", ["os_version", "image_type", "platform"])
def test_unknown_is_no_image(client: FlaskClient, report: Report, name: str):
    report("n-1", 10, ami("ami-1"), of={name: "unknown"})
    names = OF | {name: "unknown"}
    path = "/api/v1/images/{platform}/{os_version}/{image_type}".format_map(names)
    assert "[[default]]" in why(client, path=path)
    assert client.get("/api/v1/images").get_json()["items"] == []
    shown = client.get("/images.json").get_json()
    assert [row["reason"] for row in shown["unserved"]] == ["unknown"]


def test_unnamed_builds_are_no_combination_of_overview_and_badges(
    client: FlaskClient, report: Report
):
    report("n-1", 10, ami("ami-1"), of={"os_version": "unknown"})
    shown = client.get("/overview.json").get_json()
    assert (shown["latest"], shown["expected"]["count"]) == ([], 0)
    assert client.get("/badge/core/aws/unknown/web.svg").status_code == 404
    assert client.get("/badge/core.svg").status_code == 404


def test_builds_that_nobody_names_are_not_compared(client: FlaskClient, report: Report):
    for place in range(3):
        report(f"n-{place}", 10 * place, ami(f"ami-{place}"), of={"image_type": "unknown"})
        report(f"web-{place}", 10 * place, ami(f"ami-{place}"))
    assert 'rel="prev"' in client.get("/builds/web-1").text
    page = client.get("/builds/n-1").text
    assert 'rel="prev"' not in page
    assert "What changed" not in page
    rows = client.get("/api/v1/stats/combinations").get_json()["items"]
    assert [row["image_type"] for row in rows] == ["web"]


def test_end_in_the_future_is_not_the_newest_for_ever(client: FlaskClient, report: Report):
    report("n-1", 4_000_000_000, ami("ami-1"))
    assert client.get(PATH).get_json()["age_seconds"] in range(600)
    now = (datetime.now(UTC) - START).total_seconds() / 60
    report("n-2", now, ami("ami-2"))
    assert image(client) == "ami-2"
    late = envelope(stage("Base", minutes=1), number="n-1", build=OF)
    assert post(client, late | {"build": OF | {"number": "n-1"}}).status_code == 202
    assert image(client) == "ami-2"  # a late delivery makes n-1 no newer


def test_builds_in_the_future_do_not_push_others_out(client: FlaskClient, report: Report, url: str):
    report("good", 10, ami("ami-good"))
    for place in range(12):
        report(f"n-{place}", 4_000_000_000, ami(f"ami-{place}", "eu-1"))
    with psycopg.connect(url) as connection:
        connection.execute(
            "UPDATE builds SET created_at = '2025-01-01', last_heard_at = '2025-01-01' WHERE future"
        )
    assert image(client) == "ami-good"


def test_build_that_never_ran_and_pull_request_leave_the_last_build_on_grid_and_badge(
    client: FlaskClient, report: Report
):
    report("n-1", 10, ami("ami-1"), run=MAIN)
    report("n-2", 20, ami("ami-2"), run={"pull_request": "7"})
    never = envelope(verdict("cancelled", 30), number="n-3", run="n-3", build=OF)
    assert post(client, never).status_code == 202
    (cell,) = client.get("/overview.json").get_json()["latest"]
    assert cell["build_number"] == "n-1"
    assert "completed" in client.get("/badge/core/aws/rhel-9/web.json").get_json()["message"]
    begun = envelope(stage("Base", minutes=30), verdict("cancelled", 40), number="n-4", run="n-4")
    assert post(client, begun | {"build": OF | {"number": "n-4"}}).status_code == 202
    (cell,) = client.get("/overview.json").get_json()["latest"]
    assert cell["build_number"] == "n-4"


def test_custom_data_of_two_images_in_one_build_is_a_conflict(client: FlaskClient):
    entries = [
        ami(name, region, name=name, builder_type="amazon-ebs", custom_data={"os_version": name})
        for name, region in (("rhel-8", "us-1"), ("rhel-9", "eu-1"))
    ]
    build = {name: text for name, text in OF.items() if name != "os_version"}
    said = envelope(verdict("completed"), number="n-1", build=build, manifest=manifest(*entries))
    assert post(client, said).status_code == 202
    assert image(client, "region=us-1") is None
    assert "rhel-8" in why(client)
