"""Lineage and checks on the page of a build, and what is behind on the overview."""

from collections.abc import Callable
from dataclasses import replace

from click.testing import Result
from flask.testing import FlaskClient

from receiver.config import Config
from tests.api.test_lineage import BASE_1, BASE_2, CORE, DB_1, WEB, WEB_1, report, take
from tests.support.senders import at, envelope

Serve = Callable[[Config], FlaskClient]


def test_a_page_shows_parents_and_children_with_links(client: FlaskClient):
    take(client, BASE_1, WEB_1)
    assert 'href="/builds/web-1"' in client.get("/builds/base-1").text
    text = client.get("/builds/web-1").text
    assert 'href="/builds/base-1"' in text
    assert "Behind its base" not in text
    take(client, BASE_2)
    text = client.get("/builds/web-1").text
    assert "Behind its base" in text
    assert 'href="/builds/base-2"' in text


def test_a_build_without_relatives_has_no_such_part(client: FlaskClient):
    take(client, BASE_1)
    text = client.get("/builds/base-1").text
    assert "Lineage" not in text
    assert "Checks" not in text


def test_the_page_of_a_failed_base_names_what_is_built_on_the_older_one(client: FlaskClient):
    take(client, BASE_1, WEB_1, report("base-3", CORE, None, minutes=200))
    text = client.get("/builds/base-3").text
    assert "Still built on the good build before this one" in text
    assert 'href="/builds/web-1"' in text


def test_checks_are_shown_with_their_numbers_and_a_safe_link(client: FlaskClient):
    told = {
        "name": "trivy",
        "kind": "scan",
        "status": "failed",
        "counts": {"critical": 2},
        "fixable": {"critical": 1},
        "tool": "<script>",
        "url": "https://ci.example.com/8?x=<y>",
    }
    event = {"kind": "check", "at": at(60), "check": told}
    take(client, BASE_1, envelope(event, number="base-1", run="scan", build=CORE))
    text = client.get("/builds/base-1").text
    assert "2 critical" in text
    assert "(1 with a fix)" in text
    assert "&lt;script&gt;" in text
    assert 'href="https://ci.example.com/8?x=&lt;y&gt;"' in text


def test_the_images_show_their_checks_and_are_filtered_by_them(client: FlaskClient):
    take(client, BASE_1, WEB_1, DB_1)
    for number, build, status in (("base-1", CORE, "passed"), ("web-1", WEB, "unknown")):
        for name, each in (("tests", "passed"), ("trivy", status)):
            told = {"name": name, "kind": "scan", "status": each}
            event = {"kind": "check", "at": at(60), "check": told}
            take(client, envelope(event, number=number, run=f"{name}-{number}", build=build))
    items = client.get("/images.json").get_json()["items"]
    shown = {row["build_number"]: [each["status"] for each in row["checks"]] for row in items}
    assert shown == {"base-1": ["passed"] * 2, "web-1": ["passed", "unknown"], "db-1": []}
    for checks, number in (("passed", "base-1"), ("failed", "web-1"), ("none", "db-1")):
        (row,) = client.get(f"/images.json?checks={checks}").get_json()["items"]
        assert row["build_number"] == number
    assert 'href="/builds/web-1#checks"' in client.get("/images").text
    nothing = client.get("/images?checks=failed&behind=1").text
    assert "No image that is served fits" in nothing
    assert client.get("/images?checks=good").status_code == 422


def test_the_overview_counts_the_images_behind_their_base(client: FlaskClient):
    take(client, BASE_1, WEB_1, DB_1)
    assert "behind" not in client.get("/").text
    take(client, BASE_2)
    assert "2 images are behind their base" in client.get("/").text
    assert 'href="/images?behind=1"' in client.get("/").text
    assert client.get("/overview.json").get_json()["behind"] == 2


def test_the_overview_of_one_project_counts_its_own_images_behind_their_base(
    client: FlaskClient, command: Callable[..., Result]
):
    take(client, BASE_1, WEB_1, DB_1, BASE_2)
    made = command("token", "create", "--name", "d", "--scope", "read", "--project", "data")
    token = {"Authorization": f"Bearer {made.stdout.strip()}"}
    assert client.get("/overview.json", headers=token).get_json()["behind"] == 1


def test_the_page_names_no_build_of_another_project(
    serve: Serve, config: Config, command: Callable[..., Result]
):
    client = serve(replace(config, public_read=False))
    take(client, BASE_1, DB_1)
    made = command("token", "create", "--name", "d", "--scope", "read", "--project", "data")
    token = {"Authorization": f"Bearer {made.stdout.strip()}"}
    text = client.get("/builds/db-1", headers=token).text
    assert "a build of another project" in text
    assert "base-1" not in text
