"""The lineage of a build, what became of an artifact, and which images are behind their base."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from click.testing import Result
from flask.testing import FlaskClient

from tests.support import channels
from tests.support.api import Api
from tests.support.senders import Json, at, envelope, post, stage, verdict

CORE = {"project": "core", "platform": "aws", "os_version": "rhel-9", "image_type": "base"}
WEB = {"project": "core", "platform": "aws", "os_version": "rhel-9", "image_type": "web"}
DATA = {"project": "data", "platform": "aws", "os_version": "rhel-9", "image_type": "db"}
REGION = "us-east-1"


def report(
    number: str,
    build: Json,
    made: str | None,
    source: str | None = None,
    minutes: int = 0,
    **more: Any,
) -> Json:
    """Return what a build reports from start to end; it failed where it made nothing."""
    status = more.pop("status", "completed" if made else "failed")
    events = [stage("Base configuration", minutes=minutes), verdict(status, minutes + 5)]
    if made:
        artifact = {"artifact_id": made, "region": REGION}
        events.append({"kind": "artifact", "at": at(minutes + 4), "artifact": artifact})
    document = envelope(*events, number=number, run=more.pop("run", f"run-{number}"), build=build)
    return document | ({"sources": [{"artifact_id": source, "region": REGION}]} if source else {})


def take(client: FlaskClient, *documents: Json) -> None:
    for document in documents:
        answer = post(client, document)
        assert answer.status_code == 202, answer.text


def get(client: FlaskClient, path: str, **headers: str) -> Json:
    answer = client.get(f"/api/v1{path}", headers=headers)
    assert answer.status_code == 200, answer.text
    document: Json = answer.get_json()
    return document


BASE_1 = report("base-1", CORE, "ami-b1")
BASE_2 = report("base-2", CORE, "ami-b2", minutes=100)
WEB_1 = report("web-1", WEB, "ami-w1", "ami-b1", minutes=50)
DB_1 = report("db-1", DATA, "ami-d1", "ami-b1", minutes=60)


def test_parents_and_children_are_told_with_how_they_stand(client: FlaskClient):
    take(client, BASE_1, WEB_1)
    (child,) = get(client, "/builds/base-1/lineage")["children"]
    assert (child["build_number"], child["depth"], child["state"]) == ("web-1", 1, "up-to-date")
    take(client, BASE_2)
    lineage = get(client, "/builds/web-1/lineage")
    (child,) = get(client, "/builds/base-1/lineage")["children"]
    assert (child["state"], child["newest"]) == ("behind", "base-2")
    (parent,) = lineage["parents"]
    assert (lineage["state"], parent["state"], parent["newest"]) == ("behind", "behind", "base-2")
    assert (parent["build_number"], parent["artifact_id"]) == ("base-1", "ami-b1")


def test_a_child_of_an_image_that_was_made_again_is_behind(client: FlaskClient):
    again = report("base-1", CORE, "ami-b1b", minutes=80, run="run-2")
    take(client, BASE_1, WEB_1, again)
    (child,) = get(client, "/builds/base-1/lineage")["children"]
    assert (child["state"], child["newest"]) == ("behind", "base-1")


@pytest.mark.parametrize(
    "base",
    [
        None,
        report("base-1", {**CORE, "os_version": None}, "ami-b1"),
        report("base-1", CORE, "ami-b1", status="failed"),
    ],
)
def test_a_child_of_an_image_that_is_not_known_as_a_good_one_is_unknown(
    client: FlaskClient, base: Json | None
):
    take(client, WEB_1, *([base] if base else []))
    assert get(client, "/builds/web-1/lineage")["state"] == "unknown"


def test_a_build_that_says_no_source_has_no_state(client: FlaskClient):
    take(client, BASE_1)
    lineage = get(client, "/builds/base-1/lineage")
    assert (lineage["state"], lineage["parents"], lineage["children"]) == (None, [], [])


def test_images_that_are_behind_are_listed_with_their_base(client: FlaskClient):
    take(client, BASE_1, WEB_1, DB_1)
    assert get(client, "/images?behind=1")["items"] == []
    take(client, BASE_2)
    behind = {row["build_number"] for row in get(client, "/images?behind=1")["items"]}
    assert behind == {"web-1", "db-1"}
    take(client, report("db-2", DATA, "ami-d2", "ami-b2", minutes=120))
    (image,) = get(client, "/images?behind=1")["items"]
    assert (image["build_number"], image["base"]["newest"]) == ("web-1", "base-2")
    bases = {row["build_number"]: row["base"] for row in get(client, "/images")["items"]}
    assert bases["base-2"] is None
    assert (bases["db-2"]["build_number"], bases["db-2"]["state"]) == ("base-2", "up-to-date")


def test_a_base_that_failed_names_what_is_built_on_the_older_one(client: FlaskClient):
    failed = report("base-3", CORE, None, minutes=200)
    take(client, BASE_1, WEB_1, DB_1, failed)
    waiting = get(client, "/builds/base-3/lineage")["children_of_older"]
    assert [row["build_number"] for row in waiting] == ["web-1", "db-1"]
    take(client, report("base-4", CORE, "ami-b4", minutes=300))
    assert get(client, "/builds/base-3/lineage")["children_of_older"] == []


def test_what_became_of_an_artifact(client: FlaskClient, url: str):
    take(client, BASE_1)
    (made,) = get(client, f"/artifacts?id=ami-b1&region={REGION}")["items"]
    assert (made["build_number"], made["fate"]) == ("base-1", "newest")
    assert get(client, "/artifacts?id=ami-b1&region=eu-west-1")["items"] == []
    take(client, BASE_2)
    (made,) = get(client, "/artifacts?id=ami-b1")["items"]
    assert (made["fate"], made["superseded_by"]) == ("superseded", "base-2")
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE artifacts SET expires_at = now()")
    (made,) = get(client, "/artifacts?id=ami-b1")["items"]
    assert (made["fate"], made["superseded_by"]) == ("expired", None)


def test_an_artifact_of_an_earlier_attempt_is_superseded_by_its_own_build(client: FlaskClient):
    take(client, BASE_1, report("base-1", CORE, "ami-b1b", minutes=80, run="run-2"))
    (made,) = get(client, "/artifacts?id=ami-b1")["items"]
    assert (made["attempt"], made["fate"], made["superseded_by"]) == (1, "superseded", "base-1")


def test_an_id_with_slashes_reaches_its_artifact(client: FlaskClient):
    name = "/subscriptions/1/resourceGroups/g/providers/Microsoft.Compute/images/base"
    take(client, report("base-1", CORE, name))
    answer = client.get("/api/v1/artifacts", query_string={"id": name})
    assert [row["artifact_id"] for row in answer.get_json()["items"]] == [name]


@pytest.fixture
def data_token(client: FlaskClient, command: Callable[..., Result]) -> dict[str, str]:
    """What a token of the project data shows."""
    take(client, BASE_1, WEB_1, DB_1)
    made = command("token", "create", "--name", "d", "--scope", "read", "--project", "data")
    return {"Authorization": f"Bearer {made.stdout.strip()}"}


def test_a_token_of_a_project_sees_no_names_of_another_one(
    client: FlaskClient, data_token: dict[str, str]
):
    lineage = get(client, "/builds/db-1/lineage", **data_token)
    (parent,) = lineage["parents"]
    assert parent["is_other_project"]
    assert (parent["artifact_id"], parent["state"]) == ("ami-b1", "up-to-date")
    assert not {"base-1", "core", "web-1"} & set(str(lineage).replace("'", " ").split())
    assert get(client, "/artifacts?id=ami-b1", **data_token)["items"] == []
    assert client.get("/api/v1/builds/base-1/lineage", headers=data_token).status_code == 404
    assert client.get("/api/v1/builds/base-1/checks", headers=data_token).status_code == 404


def test_children_in_another_project_are_counted_without_their_names(
    client: FlaskClient, command: Callable[..., Result]
):
    take(client, BASE_1, WEB_1, DB_1)
    grandchild = report("etl-1", DATA, "ami-e1", "ami-d1", minutes=70)
    take(client, grandchild)
    made = command("token", "create", "--name", "c", "--scope", "read", "--project", "core")
    token = {"Authorization": f"Bearer {made.stdout.strip()}"}
    children = get(client, "/builds/base-1/lineage", **token)["children"]
    told = [(row["build_number"], row["is_other_project"], row["artifact_id"]) for row in children]
    assert told == [("web-1", False, "ami-b1"), (None, True, "ami-b1"), (None, True, None)]
    assert "db-1" not in str(children)


def test_the_checks_of_a_build(client: FlaskClient):
    def scan(minutes: int, status: str) -> Json:
        told = {"name": "trivy", "kind": "scan", "status": status, "counts": {"high": 2}}
        event = {"kind": "check", "at": at(minutes), "check": told}
        return envelope(event, number="base-1", run="scan", build=CORE)

    take(client, scan(60, "failed"), BASE_1, scan(20_000, "passed"))
    (last,) = get(client, "/builds/base-1/checks")["items"]
    assert (last["status"], last["counts"], last["is_latest"]) == ("passed", {"high": 2}, True)
    history = get(client, "/builds/base-1/checks?history=1")["items"]
    assert [row["status"] for row in history] == ["passed", "failed"]
    assert client.get("/api/v1/builds/nothing/checks").status_code == 404


def just_now(document: Json) -> Json:
    """Return a report whose build begins and ends at this moment."""
    moment = datetime.now(UTC).isoformat()
    return document | {"events": [event | {"at": moment} for event in document["events"]]}


def test_a_child_is_behind_once_the_channel_of_its_base_has_moved(client: FlaskClient, api: Api):
    take(client, BASE_1, BASE_2)
    channels.create(api, "prod")
    channels.create(api, "other")
    for name, number in (("prod", "base-2"), ("other", "base-1")):
        assert channels.assign(api, name, number).status_code == 201
    take(client, just_now(report("web-1", WEB, "ami-w1", "ami-b2")))
    assert get(client, "/builds/web-1/lineage")["state"] == "up-to-date"
    assert channels.assign(api, "prod", "base-1").status_code == 201
    assert get(client, "/builds/web-1/lineage")["state"] == "behind"
    (child,) = get(client, "/builds/base-2/lineage")["children"]
    assert child["state"] == "behind"
    assert [row["build_number"] for row in get(client, "/images?behind=1")["items"]] == ["web-1"]
    assert channels.assign(api, "prod", "base-2").status_code == 201
    assert get(client, "/builds/web-1/lineage")["state"] == "up-to-date"


def test_a_channel_that_never_held_the_base_does_not_matter(client: FlaskClient, api: Api):
    take(client, BASE_1, BASE_2)
    channels.create(api, "prod")
    channels.assign(api, "prod", "base-1")
    take(client, just_now(report("web-1", WEB, "ami-w1", "ami-b2")))
    channels.assign(api, "prod", "base-2")
    channels.assign(api, "prod", "base-1")
    assert get(client, "/builds/web-1/lineage")["state"] == "up-to-date"


def test_an_artifact_of_a_revoked_build_is_revoked(client: FlaskClient, api: Api):
    take(client, BASE_1)
    answer = api.post("/builds/base-1/revocation", {"reason": "broken"}, scope="admin")
    assert answer.status_code in (200, 201), answer.text
    (made,) = get(client, "/artifacts?id=ami-b1")["items"]
    assert (made["fate"], made["superseded_by"]) == ("revoked", None)
