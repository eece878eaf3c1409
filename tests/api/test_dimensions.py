"""Platforms, OS versions, image types and projects: created, changed, deleted when unused."""

import re
from collections.abc import Callable
from html import unescape
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.api import NAMES, Api, Token
from tests.support.senders import Json, envelope, get_build, post, stage

Admin = Callable[..., TestResponse]
TABLES: dict[str, tuple[str, Json]] = {
    "platforms": ("platform", {"cloud_provider": "aws", "display_name": "AWS Gov"}),
    "os_versions": ("os_version", {"os_family": "rhel", "major_version": 9, "minor_version": 4}),
    "image_types": ("image_type", {"description": "nginx"}),
    "projects": ("project", {"description": "ours"}),
}
each_table = pytest.mark.parametrize("table", TABLES)


@pytest.fixture
def admin(api: Api) -> Admin:
    """Send a request with an administrator's token."""

    def send(method: str, path: str, document: Json | None = None) -> TestResponse:
        return api.send(method, f"/{path}", scope="admin", json=document)

    return send


def report(client: FlaskClient, table: str, name: str, number: str = "core-1") -> None:
    """Report a build of this platform, OS version, image type or project."""
    dimension, _ = TABLES[table]
    document = envelope(stage("Base"), number=number, build={dimension: name})
    assert post(client, document).status_code == 202


@each_table
def test_row_is_created_from_its_name_and_other_fields(admin: Admin, table: str):
    _, more = TABLES[table]
    created = admin("POST", table, {"name": "rhel-9 web"} | more)
    assert created.status_code == 201
    row = created.get_json()
    assert row.items() >= more.items()
    assert created.headers["Location"] == f"/api/v1/{table}/rhel-9%20web"
    assert admin("GET", f"{table}/rhel-9%20web").get_json() == row
    again = admin("POST", table, {"name": "rhel-9 web"})
    assert (again.status_code, again.get_json()["code"]) == (409, "taken")


@each_table
def test_reported_names_are_listed_in_order(client: FlaskClient, admin: Admin, table: str):
    for name in ("beta", "alpha", "team/gamma"):
        report(client, table, name, number=f"of-{name[:4]}")
    page = admin("GET", f"{table}?limit=1").get_json()
    rest = admin("GET", f"{table}?after={page['next']}").get_json()
    names = [each["name"] for each in [*page["items"], *rest["items"]]]
    assert names == sorted(names)
    assert {"alpha", "beta", "team/gamma"} <= set(names)
    assert rest["next"] is None
    assert admin("GET", f"{table}/team/gamma").get_json()["name"] == "team/gamma"
    assert admin("GET", f"{table}/none").status_code == 404


@each_table
def test_builds_and_reports_follow_a_new_name(client: FlaskClient, admin: Admin, table: str):
    dimension, more = TABLES[table]
    report(client, table, "old")
    changed = admin("PATCH", f"{table}/old", {"name": "new"} | more)
    assert changed.get_json().items() >= ({"name": "new"} | more).items()
    report(client, table, "old")
    assert get_build(client)[dimension] == "new"
    assert admin("POST", table, {"name": "other"}).status_code == 201
    assert admin("PATCH", f"{table}/new", {"name": "other"}).get_json()["code"] == "taken"
    assert admin("PATCH", f"{table}/none", {"name": "x"}).status_code == 404


@each_table
def test_row_that_builds_refer_to_is_not_deleted(client: FlaskClient, admin: Admin, table: str):
    numbers = {f"build-{place}" for place in range(7)}
    for number in numbers:
        report(client, table, "busy", number)
    refused = admin("DELETE", f"{table}/busy")
    assert (refused.status_code, refused.get_json()["code"]) == (409, "in-use")
    builds = refused.get_json()["references"]["builds"]
    assert (builds["count"], len(builds["some"])) == (7, 5)
    assert set(builds["some"]) < numbers


@each_table
def test_unused_row_is_deleted_with_its_aliases(admin: Admin, table: str):
    assert admin("POST", table, {"name": "idle"}).status_code == 201
    assert admin("PATCH", f"{table}/idle", {"name": "still-idle"}).status_code == 200
    deleted = admin("DELETE", f"{table}/still-idle")
    assert (deleted.status_code, deleted.data) == (204, b"")
    assert admin("DELETE", f"{table}/still-idle").status_code == 404
    assert admin("POST", table, {"name": "idle"}).status_code == 201  # it is no alias


@each_table
def test_deleted_name_returns_when_its_build_is_folded(
    client: FlaskClient, admin: Admin, table: str
):
    dimension, _ = TABLES[table]
    report(client, table, "old")
    assert admin("PATCH", f"{table}/old", {"name": "new"}).status_code == 200
    assert admin("POST", table, {"name": "old"}).status_code == 201  # the build is still of "new"
    assert admin("DELETE", f"{table}/old").status_code == 204
    failure = {"stage": "Base", "message": "no route"}
    assert admin("POST", "builds/core-1/failures", failure).status_code == 201
    assert get_build(client)[dimension] == "old"


def test_projects_are_a_tree(admin: Admin):
    for name, parent in (("core", None), ("child", "core"), ("grandchild", "child")):
        created = admin("POST", "projects", {"name": name, "parent": parent})
        assert created.get_json()["parent"] == parent
    for name in ("core", "child", "grandchild"):
        refused = admin("PATCH", "projects/core", {"parent": name})
        assert (refused.status_code, refused.get_json()["code"]) == (409, "cycle")
    missing = admin("POST", "projects", {"name": "lost", "parent": "none"})
    assert (missing.status_code, list(missing.get_json()["errors"])) == (404, ["parent"])
    refused = admin("DELETE", "projects/core")
    assert refused.get_json()["references"] == {"projects": {"count": 1, "some": ["child"]}}
    assert admin("PATCH", "projects/child", {"parent": None}).get_json()["parent"] is None
    assert admin("DELETE", "projects/core").status_code == 204


def test_project_of_a_token_is_not_deleted(admin: Admin, token: Token):
    assert admin("POST", "projects", {"name": "core"}).status_code == 201
    token("read", "--project", "core")
    assert admin("DELETE", "projects/core").get_json()["references"]["tokens"]["count"] == 1


@pytest.mark.parametrize(
    ("scope", "statuses"),
    [
        ("read", [200, 403, 403, 403]),
        ("write", [200, 201, 403, 403]),
        ("admin", [200, 201, 200, 204]),
    ],
)
def test_scope_decides_which_methods_are_allowed(api: Api, scope: str, statuses: list[int]):
    requests = (
        ("GET", "/platforms", None),
        ("POST", "/platforms", {"name": "a"}),
        ("PATCH", "/platforms/a", {"region": "x"}),
        ("DELETE", "/platforms/a", None),
    )
    responses = [
        api.send(method, path, scope=scope, json=document) for method, path, document in requests
    ]
    assert [each.status_code for each in responses] == statuses


@each_table
def test_changes_are_in_the_audit_trail(admin: Admin, table: str):
    kind, more = TABLES[table]
    admin("POST", table, {"name": "a"})
    admin("PATCH", f"{table}/a", {"name": "b"} | more)
    admin("DELETE", f"{table}/b")
    items = admin("GET", f"audit?target_kind={kind}").get_json()["items"]
    assert [each["action"].partition(".")[2] for each in items] == ["delete", "change", "create"]
    assert items[1]["before"]["name"] == "a"
    assert items[1]["after"].items() >= ({"name": "b"} | more).items()
    assert items[0]["before"] == items[1]["after"]


ODD_NAMES = ["group/sub/images", ".", "..", "a//b", "/", "100%", "a?b#c", "Ubuntu 24.04", "构建"]


def links_of(client: FlaskClient, path: str) -> set[str]:
    """Return the links of a page, but for files and what needs a token."""
    links = {unescape(each) for each in re.findall(r'href="(/[^"]*)"', client.get(path).text)}
    return {each for each in links if not each.startswith(("/audit", "/static", "/hook"))}


@each_table
def test_any_name_that_a_sender_says_is_reached(client: FlaskClient, admin: Admin, table: str):
    dimension, more = TABLES[table]
    for place, name in enumerate(ODD_NAMES):
        build, number = NAMES | {dimension: name}, f"core-{place}"
        assert post(client, envelope(stage("x"), number=number, build=build)).status_code == 202
        one = f"{dimension}?{urlencode({'name': name})}"
        assert admin("GET", one).get_json()["name"] == name
        assert admin("PATCH", one, more).get_json().items() >= more.items()
        assert admin("DELETE", one).status_code == 409
        found = client.get(f"/api/v1/builds?{urlencode({dimension: name})}").get_json()["items"]
        assert [each["build_number"] for each in found] == [number]
        links = links_of(client, f"/builds/{number}")
        assert build in [dict(parse_qsl(urlsplit(each).query)) for each in links]
        assert {each: client.get(each).status_code for each in links} == dict.fromkeys(links, 200)


@each_table
def test_row_whose_name_has_a_slash_is_created_and_deleted(admin: Admin, table: str):
    dimension, _ = TABLES[table]
    created = admin("POST", table, {"name": "group/sub"})
    location = created.headers["Location"]
    assert (created.status_code, location) == (201, f"/api/v1/{dimension}?name=group/sub")
    assert admin("GET", location.removeprefix("/api/v1/")).status_code == 200
    assert admin("DELETE", f"{dimension}?name=group/sub").status_code == 204
    assert admin("GET", f"{dimension}?name=group/sub").status_code == 404
