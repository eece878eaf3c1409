"""Images that are late or renewed: in the API, on pages, in metrics and in commands."""

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
from tests.support.senders import COMBINATION, envelope, manifest, post

Json = dict[str, Any]
OTHER = COMBINATION | {"image_type": "base"}
NAMES = {name: COMBINATION[name] for name in ("platform", "os_version", "image_type")}


def good(
    client: FlaskClient,
    number: str,
    days: float,
    regions: str = "eu-1",
    build: Json = COMBINATION,
    **run: str,
) -> None:
    """Report a good build that ended so many days ago, with an image in each region."""
    ids = ",".join(f"{region}:ami-{number}" for region in regions.split())
    made = manifest({"builder_type": "amazon-ebs", "artifact_id": ids}, run_uuid=number)
    end(client, number, "completed", days, build=build, run=run, manifest=made)


def end(
    client: FlaskClient, number: str, status: str, days: float, word: str | None = None, **more: Any
) -> None:
    at = datetime.now(UTC) - timedelta(days=days)
    begin = {"kind": "stage", "stage": "Storage", "status": "started"}
    begin["at"] = (at - timedelta(minutes=10)).isoformat()
    event = {"kind": "build", "status": status, "at": at.isoformat()}
    event |= {"word": word} if word else {}
    build, run = more.pop("build", COMBINATION), more.pop("run", {})
    document = envelope(begin, event, number=number, run=number, build=build, run_more=run, **more)
    assert post(client, document).status_code == 202


@pytest.fixture
def expecting(
    serve: Callable[[Config], FlaskClient], config: Config, tmp_path: Path
) -> Callable[[str], FlaskClient]:
    def make(text: str) -> FlaskClient:
        path = tmp_path / "projects.toml"
        path.write_text(text)
        return serve(replace(config, projects=path))

    return make


def images(client: FlaskClient, query: str = "") -> list[Json]:
    items: list[Json] = client.get(f"/api/v1/images?{query}").get_json()["items"]
    return items


def expected(client: FlaskClient) -> Json:
    part: Json = client.get("/overview.json").get_json()["expected"]
    return part


WEEKLY = '[[expect]]\nproject = "core"\nimage_type = "ha*"\nevery = "7d"\n'


def test_an_image_that_is_expected_weekly_is_late_after_nine_days(
    expecting: Callable[[str], FlaskClient],
):
    client = expecting(WEEKLY)
    good(client, "n-1", 9, build=COMBINATION)
    good(client, "o-1", 9, build=OTHER)
    (image,) = images(client, "late=1")
    assert (image["build_number"], image["late"]) == ("n-1", True)
    assert image["late_reason"] == "no good image for 9 d, expected every 7 d"
    assert [each["late"] for each in images(client, "image_type=base")] == [False]
    (late,) = expected(client)["late"]
    assert (late["good_build"], late["reason"]) == ("n-1", image["late_reason"])
    assert image["late_reason"] in client.get("/").text
    assert 'title="no good image for 9 d, expected every 7 d"' in client.get("/images").text
    page = client.get("/metrics").text
    labels = 'image_type="hana",os_version="rhel-8.8",platform="aws-commercial",project="core"'
    assert f"milepost_image_late{{{labels}}} 1.0" in page
    assert f"milepost_image_age_seconds{{{labels}}} 777" in page
    one = client.get("/api/v1/image", query_string=NAMES).get_json()
    assert (one["late"], one["late_reason"]) == (True, image["late_reason"])


def test_an_image_within_its_interval_is_not_late(expecting: Callable[[str], FlaskClient]):
    client = expecting(WEEKLY)
    good(client, "n-1", 6)
    assert images(client, "late=1") == []
    assert (expected(client)["count"], expected(client)["late"]) == (1, [])


def test_a_usual_interval_is_learned_of_the_builds(client: FlaskClient):
    for number in range(8):
        good(client, f"n-{number}", 16 + 7 * number)
    (image,) = images(client, "late=1")
    assert image["late_reason"] == "no good image for 16 d, usually every 7 d"
    good(client, "n-9", 13)
    assert images(client, "late=1") == []


def test_builds_of_other_branches_and_of_pull_requests_are_not_expected(
    expecting: Callable[[str], FlaskClient],
):
    client = expecting(WEEKLY)
    end(client, "p-1", "failed", 30, run={"pull_request": "7", "branch": "fix"})
    end(client, "b-1", "failed", 30, run={"branch": "fix", "default_branch": "main"})
    assert images(client, "late=1") == []
    good(client, "n-1", 9, branch="main", default_branch="main")
    good(client, "n-2", 1, branch="fix", default_branch="main")
    (image,) = images(client, "late=1")
    assert image["build_number"] == "n-1"


def test_an_expected_image_that_was_never_good_is_listed(
    expecting: Callable[[str], FlaskClient], url: str
):
    client = expecting(WEEKLY)
    end(client, "n-1", "failed", 2)
    assert images(client, "late=1") == []
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE builds SET created_at = now() - interval '8 days'")
    (image,) = images(client, "late=1")
    assert (image["artifact_id"], image["built_at"], image["image_type"]) == (None, None, "hana")
    assert image["late_reason"] == "no good image yet, expected every 7 d"
    assert images(client) == []


def test_an_image_that_a_line_names_and_nobody_builds_is_listed(
    expecting: Callable[[str], FlaskClient], command: Callable[..., Result]
):
    names = COMBINATION | {"image_type": "hanna"}
    lines = "".join(f'{name} = "{text}"\n' for name, text in names.items())
    client = expecting(f'[[expect]]\nevery = "7d"\n{lines}{WEEKLY}')
    good(client, "n-1", 1)
    (image,) = images(client, "late=1")
    assert {name: image[name] for name in names} == names
    assert (image["artifact_id"], image["late_reason"]) == (None, "no build of it ever began")
    assert images(client, "late=1&image_type=hana") == []
    made = command("token", "create", "--name", "d", "--scope", "read", "--project", "data")
    headers = {"Authorization": f"Bearer {made.stdout.strip()}"}
    assert client.get("/api/v1/images?late=1", headers=headers).get_json()["items"] == []
    end(client, "n-2", "failed", 0, build=names)
    assert images(client, "late=1") == []


def test_a_failed_build_is_late_and_not_missing(expecting: Callable[[str], FlaskClient]):
    client = expecting('[[expect]]\nevery = "1d"\n')
    good(client, "n-1", 3)
    (missing,) = expected(client)["missing"]
    assert missing["build_number"] == "n-1"
    end(client, "n-2", "failed", 0.1)
    part = expected(client)
    assert (part["missing"], part["seen"], len(part["late"])) == ([], 1, 1)


def test_a_weekly_image_is_not_missing_on_six_days_and_a_monthly_one_is_noticed(
    client: FlaskClient,
):
    for number in reversed(range(4)):
        good(client, f"w-{number}", 6 + 7 * number)
        good(client, f"m-{number}", 61 + 30 * number, build=OTHER)
    part = expected(client)
    assert (part["count"], part["seen"]) == (2, 1)
    assert [each["build_number"] for each in part["missing"]] == ["m-0"]


def test_expected_regions_that_are_absent_are_named(expecting: Callable[[str], FlaskClient]):
    client = expecting('[[expect]]\nregions = ["eu-1", "us-1"]\n')
    good(client, "n-1", 1, "eu-1 us-1")
    assert images(client, "late=1") == []
    good(client, "n-2", 0.5, "eu-1")
    found = {each["region"]: each for each in images(client, "late=1")}
    assert found["us-1"]["missing_regions"] == ["us-1"]
    assert found["us-1"]["late_reason"] == "its newest build has no image in us-1"
    assert (found["us-1"]["behind"], found["eu-1"]["superseded_at"]) == (1, None)
    superseded = datetime.fromisoformat(found["us-1"]["superseded_at"])
    assert superseded == datetime.fromisoformat(found["eu-1"]["built_at"])


def test_an_unchanged_build_renews_the_image_and_makes_none(
    expecting: Callable[[str], FlaskClient],
):
    client = expecting(WEEKLY)
    good(client, "n-1", 9)
    end(client, "n-2", "completed", 1, word="unchanged")
    build = client.get("/api/v1/builds/n-2").get_json()
    assert (build["status"], build["unchanged"], build["artifacts"]) == ("completed", True, [])
    (image,) = images(client)
    assert (image["build_number"], image["late"]) == ("n-1", False)
    assert image["age_seconds"] // 86400 == 1
    assert image["renewed_at"] is not None
    assert images(client, "late=1") == []
    assert "unchanged, renewed" in client.get("/images").text
    assert "Unchanged, renewed." in client.get("/builds/n-2").text
    assert "Unchanged, renewed." not in client.get("/builds/n-1").text
    good(client, "n-3", 0.5)
    (image,) = images(client)
    assert (image["build_number"], image["renewed_at"]) == ("n-3", None)


def test_many_renewals_do_not_push_the_image_out(client: FlaskClient):
    good(client, "n-1", 40)
    for number in range(12):
        end(client, f"u-{number}", "completed", 30 - number, word="unchanged")
    (image,) = images(client)
    assert (image["build_number"], image["age_seconds"] // 86400) == ("n-1", 19)


def test_the_command_ends_with_3_where_an_image_is_late(
    client: FlaskClient, command: Callable[..., Result]
):
    for number in range(3):
        good(client, f"n-{number}", 20 + number)
    late = command("images", "--late")
    assert (late.exit_code, "late: no good image for 20 d, usually every 1 d" in late.stdout) == (
        3,
        True,
    )
    assert command("images", "--max-age", "30d").exit_code == 0
    assert command("images", "--max-age", "19d").exit_code == 3
    assert command("images", "--late", "--max-age", "30d", "--json").exit_code == 3
    assert command("images", "--max-age", "30").exit_code == 2
    good(client, "n-9", 0.1)
    assert command("images", "--late").exit_code == 0


def test_a_receiver_without_builds_expects_nothing(client: FlaskClient):
    assert images(client, "late=1") == []
    assert expected(client)["count"] == 0
    assert "milepost_image_late{" not in client.get("/metrics").text
