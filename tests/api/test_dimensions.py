"""Platforms, OS versions, image types, projects: created, changed, deleted if nothing is lost."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.senders import Json, envelope, post, shown, stage

Ask = Callable[..., TestResponse]
TABLES: dict[str, tuple[str, Json]] = {
    "platforms": ("platform", {"cloud_provider": "aws", "display_name": "AWS Gov"}),
    "os_versions": ("os_version", {"os_family": "rhel", "major_version": 9, "minor_version": 4}),
    "image_types": ("image_type", {"description": "nginx"}),
    "projects": ("project", {"description": "ours"}),
}
table = pytest.mark.parametrize("table", TABLES)


@pytest.fixture
def ask(client: FlaskClient, token: Callable[..., str]) -> Ask:
    headers = {"Authorization": f"Bearer {token('admin')}"}

    def call(method: str, path: str, document: Json | None = None) -> TestResponse:
        return client.open(f"/api/v1/{path}", method=method, json=document, headers=headers)

    return call


@table
def test_a_row_is_created_from_its_name_and_what_else_is_said(ask: Ask, table: str):
    _, more = TABLES[table]
    made = ask("POST", table, {"name": "rhel-9 web"} | more)
    assert made.status_code == 201
    row = made.get_json()
    assert row.items() >= more.items()
    assert made.headers["Location"] == f"/api/v1/{table}/rhel-9%20web"
    assert ask("GET", f"{table}/rhel-9%20web").get_json() == row
    again = ask("POST", table, {"name": "rhel-9 web"})
    assert (again.status_code, again.get_json()["code"]) == (409, "taken")


@table
def test_a_row_that_reports_made_is_listed_by_name(client: FlaskClient, ask: Ask, table: str):
    dimension, _ = TABLES[table]
    for name in ("beta", "alpha", "team/gamma"):
        said = envelope(stage("Base"), number=f"of-{name[:4]}", build={dimension: name})
        assert post(client, said).status_code == 202
    page = ask("GET", f"{table}?limit=1").get_json()
    rest = ask("GET", f"{table}?after={page['next']}").get_json()
    names = [each["name"] for each in [*page["items"], *rest["items"]]]
    assert names == sorted(names)
    assert {"alpha", "beta", "team/gamma"} <= set(names)
    assert rest["next"] is None
    assert ask("GET", f"{table}/team/gamma").get_json()["name"] == "team/gamma"
    assert ask("GET", f"{table}/none").status_code == 404


@table
def test_a_changed_name_takes_builds_and_reports_along(client: FlaskClient, ask: Ask, table: str):
    dimension, more = TABLES[table]
    said = envelope(stage("Base"), build={dimension: "old"})
    assert post(client, said).status_code == 202
    changed = ask("PATCH", f"{table}/old", {"name": "new"} | more)
    assert changed.get_json().items() >= ({"name": "new"} | more).items()
    assert post(client, envelope(stage("Next"), build={dimension: "old"})).status_code == 202
    assert shown(client)[dimension] == "new"
    assert ask("POST", table, {"name": "other"}).status_code == 201
    assert ask("PATCH", f"{table}/new", {"name": "other"}).get_json()["code"] == "taken"
    assert ask("PATCH", f"{table}/none", {"name": "x"}).status_code == 404


@table
def test_a_row_that_builds_refer_to_stays(client: FlaskClient, ask: Ask, table: str):
    dimension, _ = TABLES[table]
    for place in range(7):
        said = envelope(stage("Base"), number=f"build-{place}", build={dimension: "busy"})
        assert post(client, said).status_code == 202
    refused = ask("DELETE", f"{table}/busy")
    assert (refused.status_code, refused.get_json()["code"]) == (409, "in-use")
    builds = refused.get_json()["references"]["builds"]
    assert builds["count"] == 7
    assert len(builds["some"]) == 5
    assert set(builds["some"]) < {f"build-{place}" for place in range(7)}


@table
def test_a_row_that_nothing_refers_to_is_deleted(ask: Ask, table: str):
    assert ask("POST", table, {"name": "idle"}).status_code == 201
    assert ask("PATCH", f"{table}/idle", {"name": "still-idle"}).status_code == 200
    gone = ask("DELETE", f"{table}/still-idle")
    assert (gone.status_code, gone.data) == (204, b"")
    assert ask("DELETE", f"{table}/still-idle").status_code == 404
    assert ask("POST", table, {"name": "idle"}).status_code == 201  # no alias is left


@table
def test_a_name_that_was_deleted_comes_back_with_what_said_it(
    client: FlaskClient, ask: Ask, table: str
):
    dimension, _ = TABLES[table]
    assert post(client, envelope(stage("Base"), build={dimension: "old"})).status_code == 202
    assert ask("PATCH", f"{table}/old", {"name": "new"}).status_code == 200
    assert ask("POST", table, {"name": "old"}).status_code == 201  # the build is of the other yet
    assert ask("DELETE", f"{table}/old").status_code == 204
    failure = {"stage": "Base", "message": "no route"}
    assert ask("POST", "builds/core-1/failures", failure).status_code == 201
    assert shown(client)[dimension] == "old"


def test_projects_are_a_tree(ask: Ask):
    for name, parent in (("core", None), ("child", "core"), ("grandchild", "child")):
        made = ask("POST", "projects", {"name": name, "parent": parent})
        assert made.get_json()["parent"] == parent
    for name in ("core", "child", "grandchild"):
        refused = ask("PATCH", "projects/core", {"parent": name})
        assert (refused.status_code, refused.get_json()["code"]) == (409, "cycle")
    missing = ask("POST", "projects", {"name": "lost", "parent": "none"})
    assert (missing.status_code, list(missing.get_json()["errors"])) == (404, ["parent"])
    refused = ask("DELETE", "projects/core")
    assert refused.get_json()["references"] == {"projects": {"count": 1, "some": ["child"]}}
    assert ask("PATCH", "projects/child", {"parent": None}).get_json()["parent"] is None
    assert ask("DELETE", "projects/core").status_code == 204


def test_a_project_that_a_token_is_for_stays(ask: Ask, token: Callable[..., str]):
    assert ask("POST", "projects", {"name": "core"}).status_code == 201
    token("read", "--project", "core")
    assert ask("DELETE", "projects/core").get_json()["references"]["tokens"]["count"] == 1


def test_each_scope_goes_as_far_as_it_says(client: FlaskClient, token: Callable[..., str]):
    def statuses(scope: str) -> list[int]:
        headers = {"Authorization": f"Bearer {token(scope)}"}
        calls: list[tuple[str, str, Json | None]] = [
            ("GET", "platforms", None),
            ("POST", "platforms", {"name": scope}),
            ("PATCH", f"platforms/{scope}", {"region": "x"}),
            ("DELETE", f"platforms/{scope}", None),
        ]
        return [
            client.open(f"/api/v1/{path}", method=method, json=body, headers=headers).status_code
            for method, path, body in calls
        ]

    assert statuses("read") == [200, 403, 403, 403]
    assert statuses("write") == [200, 201, 403, 403]
    assert statuses("admin") == [200, 201, 200, 204]


@table
def test_changes_are_in_the_audit_trail(ask: Ask, table: str):
    kind, more = TABLES[table]
    ask("POST", table, {"name": "a"})
    ask("PATCH", f"{table}/a", {"name": "b"} | more)
    ask("DELETE", f"{table}/b")
    items = ask("GET", f"audit?target_kind={kind}").get_json()["items"]
    assert [each["action"].partition(".")[2] for each in items] == ["delete", "change", "create"]
    assert items[1]["before"]["name"] == "a"
    assert items[1]["after"].items() >= ({"name": "b"} | more).items()
    assert items[0]["before"] == items[1]["after"]


@pytest.mark.parametrize(
    ("path", "document", "field"),
    [
        ("platforms", {"name": ""}, "name"),
        ("platforms", {"name": "a/b"}, "name"),
        ("platforms", {"name": " a"}, "name"),
        ("platforms", {"name": "a\nb"}, "name"),
        ("platforms", {"name": "x" * 201}, "name"),
        ("platforms", {"name": "a", "id": "b"}, "id"),
        ("os_versions", {"name": "a", "major_version": -1}, "major_version"),
        ("projects", {"name": "a", "parent": 5}, "parent"),
    ],
)
def test_a_wrong_field_is_named(ask: Ask, path: str, document: Json, field: str):
    answer = ask("POST", path, document)
    assert (answer.status_code, list(answer.get_json()["errors"])) == (422, [field])
