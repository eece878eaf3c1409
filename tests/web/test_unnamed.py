"""Builds of which nobody says what they make: on the overview, in doctor and on /setup."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from click.testing import Result
from flask.testing import FlaskClient

from receiver.config import Config
from receiver.domain.unnamed import naming_lines, repository
from tests.support.senders import Json, envelope, get_build, post, stage, verdict

Command = Callable[..., Result]
GITHUB = "https://github.com/acme/images/actions/runs/500"
GITLAB = "https://gitlab.example.com/acme/sub/golden/-/jobs/7"


def report(client: FlaskClient, number: str, url: str, status: str = "completed", **more: Json):
    document = envelope(
        stage("Base"),
        verdict(status, 9, failure={"message": "no space left"} if status == "failed" else None),
        number=number,
        build=more.get("build", {}),
        run_more={"url": url, "key": f"run-{number}", **more.get("run", {})},
    )
    assert post(client, document).status_code == 202


def unnamed(client: FlaskClient) -> Json:
    found: Json = client.get("/overview.json").get_json()["unnamed"]
    return found


def test_failures_of_unnamed_builds_count_by_repository(client: FlaskClient):
    report(client, "one", GITHUB, "failed")
    report(client, "two", GITLAB)
    report(client, "three", GITHUB)
    found = unnamed(client)
    assert (found["builds"], found["failed"], found["count"]) == (3, 1, 2)
    rows = [(row["repository"], row["builds"], row["failed"]) for row in found["repositories"]]
    assert rows == [("acme/images", 2, 1), ("acme/sub/golden", 1, 0)]
    assert [row["failed_build"] for row in found["repositories"]] == ["one", None]
    page = client.get("/").text
    first = page.partition('class="trust')[2].partition("</p>")[0]
    assert "<b>3</b> unnamed, 1 failed" in first


def test_unnamed_builds_are_no_image(client: FlaskClient):
    report(client, "one", GITHUB, "failed")
    report(client, "two", GITLAB)
    overview = client.get("/overview.json").get_json()
    assert (overview["latest"], overview["failed"], overview["expected"]["count"]) == ([], [], 0)
    page = client.get("/builds/two").text
    assert "MILEPOST_OS_VERSION=…" in page
    assert "What changed" not in page
    assert "Confirm this image" not in page
    assert 'rel="prev"' not in page


def test_a_resolved_failure_does_not_count(client: FlaskClient, token: Callable[..., str]):
    report(client, "one", GITHUB, "failed")
    (failure,) = get_build(client, "one")["failures"]
    header = {"Authorization": f"Bearer {token('write')}"}
    done = client.post(f"/api/v1/failures/{failure['id']}/resolve", json={}, headers=header)
    assert done.status_code == 200
    assert unnamed(client)["failed"] == 0


def test_a_pull_request_is_not_counted(client: FlaskClient, url: str):
    report(client, "one", GITHUB, "failed", run={"pull_request": "12"})
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE builds SET pull_request = '12'")
    assert unnamed(client)["builds"] == 0


def test_a_build_of_a_branch_that_is_not_served_is_not_counted(
    serve: Callable[[Config], FlaskClient], config: Config, tmp_path: Path
):
    settings = tmp_path / "projects.toml"
    settings.write_text('[project."core"]\nserve_branches = ["main"]\n')
    client = serve(replace(config, projects=settings))
    for number, branch in (("one", "main"), ("two", "feature")):
        report(client, number, GITHUB, build={"project": "core"}, run={"branch": branch})
    assert unnamed(client)["builds"] == 1


def test_a_named_build_is_not_listed(client: FlaskClient):
    report(client, "one", GITHUB, build={"os_version": "rhel-9", "image_type": "base"})
    assert unnamed(client)["count"] == 0
    assert "unnamed" not in client.get("/").text


def test_doctor_and_setup_say_which_line_names_them(client: FlaskClient, command: Command):
    report(client, "acme.images-500-x", GITHUB, build={"names": {"job": "Build (all)"}})
    line = r"job = '^Build \(all\)$'"
    text = command("doctor").stdout
    assert "unnamed: 1 of acme/images, the newest is acme.images-500-x" in text
    assert line in text
    assert "MILEPOST_PLATFORM=… MILEPOST_OS_VERSION=… MILEPOST_IMAGE_TYPE=…" in text
    assert line.replace("'", "&#39;") in client.get("/setup").text
    (row,) = client.get("/setup.json").get_json()["unnamed"]
    assert line in row["lines"]["default"]


@pytest.mark.parametrize("names", [{"job": "it's a (job)"}, {"workflow": "W [1]"}, {}])
def test_the_line_for_senders_names_the_next_build(
    client: FlaskClient, tmp_path: Path, names: dict[str, str]
):
    report(client, "acme.images-500-x", GITHUB, build={"names": names})
    (row,) = unnamed(client)["repositories"]
    (tmp_path / "senders.toml").write_text(row["lines"]["default"].replace("…", "named"))
    report(client, "acme.images-501-x", GITHUB, build={"names": names})
    build = get_build(client, "acme.images-501-x")
    assert [build[name] for name in ("platform", "os_version", "image_type")] == ["named"] * 3


@pytest.mark.parametrize(
    ("url", "key", "expected"),
    [
        (GITHUB, None, "acme/images"),
        (f"{GITHUB}/attempts/2", None, "acme/images"),
        (GITLAB, None, "acme/sub/golden"),
        ("https://gitlab.example.com/acme/golden/-/pipelines/9", None, "acme/golden"),
        ("https://ci.example.com/jenkins/job/images/job/main/12/", None, "images/main"),
        ("https://ci.example.com/job/a%20b/12/", None, "a b"),
        (None, "github:acme/images:500:1:7", "acme/images"),
        ("https://ci.example.com/x", "local", None),
        (None, None, None),
        ("http://[", None, None),
    ],
)
def test_a_run_tells_its_repository(url: str | None, key: str | None, expected: str | None):
    assert repository(url, key) == expected


def test_a_manifest_alone_is_named_by_its_builder():
    row = {"platform": "amazon-ebs", "os_version": "unknown", "image_type": "base"}
    lines = naming_lines(row | {"run_url": None, "build_number": "packer-u"}, {}, is_routed=True)
    assert lines == {
        "default": "[[default]]\nbuilder_type = '^amazon-ebs$'\nos_version = \"…\"",
        "route": 'os_version = "…"',
    }
