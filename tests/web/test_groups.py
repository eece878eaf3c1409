"""Groups that a trusted proxy tells: what their users may do, and where."""

import re
from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from receiver.config import Config, load
from receiver.errors import ConfigError
from tests.support.channels import report
from tests.support.senders import Json

SETTINGS = """
[group."platform team"]
scope = "promote"
projects = ["core"]

[group.data]
scope = "write"
projects = ["data"]

[group.auditors]
scope = "read"

[group.admins]
scope = "admin"
projects = ["core", "data"]
override = true
"""


@pytest.fixture
def behind(serve: Callable[[Config], FlaskClient], config: Config, tmp_path: Path) -> FlaskClient:
    """Requests to a closed receiver behind a proxy that tells users and groups."""
    path = tmp_path / "projects.toml"
    path.write_text(SETTINGS)
    changed = replace(
        config,
        public_read=False,
        projects=path,
        trusted_proxies=(ip_network("127.0.0.1"),),
        user_header="X-Forwarded-User",
        groups_header="X-Forwarded-Groups",
        user_scope=None,
    )
    client = serve(changed)
    report(client, "c-1", 10, "us-1:ami-1")
    report(client, "d-1", 10, "us-1:ami-2", project="data")
    return client


def headers(groups: str) -> Json:
    return {"X-Forwarded-User": "ada", "X-Forwarded-Groups": groups}


def test_a_user_who_lost_a_group_gets_no_page_that_was_made_before(behind: FlaskClient):
    both = behind.get("/images.json", headers=headers("auditors,data")).get_json()["items"]
    assert {row["build_number"] for row in both} == {"c-1", "d-1"}
    one = behind.get("/images.json", headers=headers("data")).get_json()["items"]
    assert [row["build_number"] for row in one] == ["d-1"]


def images(client: FlaskClient, groups: str) -> set[str] | int:
    answer = client.get("/api/v1/images", headers=headers(groups))
    if answer.status_code != 200:
        return answer.status_code
    return {row["build_number"] for row in answer.get_json()["items"]}


def test_groups_say_which_projects_a_user_sees(behind: FlaskClient):
    assert images(behind, "") == 401
    assert images(behind, "others") == 401
    assert images(behind, "platform team") == {"c-1"}
    assert images(behind, "others, data") == {"d-1"}
    assert images(behind, "platform team,data") == {"c-1", "d-1"}
    assert images(behind, "auditors") == {"c-1", "d-1"}


def test_page_of_a_user_of_more_groups_is_not_kept_for_fewer(behind: FlaskClient):
    for groups, numbers in (("platform team,data", {"c-1", "d-1"}), ("platform team", {"c-1"})):
        answer = behind.get("/images.json", headers=headers(groups)).get_json()
        assert {row["build_number"] for row in answer["items"]} == numbers


def test_groups_say_what_a_user_may_do_in_which_project(behind: FlaskClient):
    def revoke(number: str, groups: str) -> int:
        csrf = re.search(
            r'name="csrf" value="([^"]+)"',
            behind.get("/builds/c-1", headers=headers("admins")).text,
        )
        assert csrf
        fields = {"csrf": csrf[1], "reason": "bad"}
        path = f"/builds/{number}/revoke"
        return behind.post(path, data=fields, headers=headers(groups)).status_code

    assert revoke("d-1", "data") == 403  # scope write alone
    assert revoke("c-1", "auditors") == 403
    assert revoke("d-1", "platform team") == 404
    assert revoke("d-1", "platform team,auditors") == 403  # may read it
    assert revoke("c-1", "platform team,auditors") == 303
    assert revoke("d-1", "admins") == 303


def test_groups_of_another_peer_are_ignored(behind: FlaskClient):
    answer = behind.get(
        "/api/v1/images",
        headers=headers("auditors"),
        environ_overrides={"REMOTE_ADDR": "192.0.2.7"},
    )
    assert answer.status_code == 401


def test_group_of_some_projects_reveals_nothing_of_others(behind: FlaskClient):
    groups = headers("platform team")
    assert behind.get("/api/v1/builds/d-1", headers=groups).status_code == 404
    numbers = [
        row["build_number"]
        for row in behind.get("/api/v1/builds", headers=groups).get_json()["items"]
    ]
    assert numbers == ["c-1"]
    assert behind.get("/api/v1/builds?project=data", headers=groups).status_code == 403
    assert behind.get("/api/v1/audit", headers=headers("admins")).status_code == 403


def test_settings_of_groups_are_checked():
    sso = {
        "MILEPOST_TRUSTED_PROXIES": "10.0.0.1",
        "MILEPOST_GROUPS_HEADER": "X-Forwarded-Groups",
    }
    with pytest.raises(ConfigError, match="needs MILEPOST_USER_HEADER"):
        load({**sso, "MILEPOST_DATA_DIR": "/tmp"})
    user = {"MILEPOST_USER_HEADER": "X-Forwarded-User"}
    assert load({**sso, **user, "MILEPOST_DATA_DIR": "/tmp"}).user_scope is None
    alone = load({**sso, **user, "MILEPOST_USER_SCOPE": "read", "MILEPOST_DATA_DIR": "/tmp"})
    assert alone.user_scope == "read"
    with pytest.raises(ConfigError, match="must be stdout, syslog, or"):
        load({"MILEPOST_AUDIT_LOG": "file", "MILEPOST_DATA_DIR": "/tmp"})
