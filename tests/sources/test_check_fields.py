"""Checks and sources in an envelope: what is taken, and what each wrong field is answered with."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.support.senders import Json, at, envelope, get_build, post, stage

TOLD: Json = {
    "name": "trivy",
    "kind": "scan",
    "status": "failed",
    "counts": {"critical": 2, "high": 0},
    "fixable": {"critical": 1},
    "tool": "trivy",
    "tool_version": "0.58.1",
    "database_at": at(-600),
    "digest": f"sha256:{'0a' * 32}",
    "url": "https://ci.example.com/1/trivy.json",
}


def problems(client: FlaskClient, document: Json) -> set[str]:
    answer = post(client, document)
    assert answer.status_code == 422, answer.text
    return set(answer.get_json()["errors"])


def check(**changes: Any) -> Json:
    return envelope({"kind": "check", "at": at(1), "check": TOLD | changes})


def test_a_whole_check_is_taken(client: FlaskClient):
    assert post(client, check()).get_json()["outcome"] == "stored"
    assert get_build(client)["status"] == "pending"


def test_a_check_beside_a_heartbeat_is_kept(client: FlaskClient):
    beat = {"kind": "heartbeat", "at": at(1)}
    document = check()
    document["events"].append(beat)
    assert post(client, document).get_json()["outcome"] == "stored"


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"name": ""}, "name"),
        ({"name": "a,b"}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"kind": "lint"}, "kind"),
        ({"status": "green"}, "status"),
        ({"counts": {"critical": -1}}, "counts.critical"),
        ({"counts": {"critical": 2**31}}, "counts.critical"),
        ({"counts": {"critical": True}}, "counts.critical"),
        ({"counts": {"awful": 1}}, "counts.awful"),
        ({"fixable": {"components": 1}}, "fixable.components"),
        ({"database_at": "yesterday"}, "database_at"),
        ({"digest": "sha256:1"}, "digest"),
        ({"url": "javascript:alert(1)"}, "url"),
        ({"url": f"https://x/{'y' * 2000}"}, "url"),
        ({"report": "…"}, "report"),
    ],
)
def test_a_wrong_field_of_a_check_is_named(client: FlaskClient, changes: Json, path: str):
    assert problems(client, check(**changes)) == {f"events.0.check.{path}"}


def test_an_event_of_a_check_without_one_is_refused(client: FlaskClient):
    bare = envelope({"kind": "check", "at": at(1)})
    assert problems(client, bare) == {"events.0.check"}


@pytest.mark.parametrize(
    ("sources", "path"),
    [
        ([{"artifact_id": ""}], "sources.0.artifact_id"),
        ([{"artifact_id": "x" * 2001}], "sources.0.artifact_id"),
        ([{"artifact_id": "ami-1", "region": 5}], "sources.0.region"),
        ([{"region": "us-east-1"}], "sources.0.artifact_id"),
        ([{"artifact_id": "ami-1", "x": 1}], "sources.0.x"),
        ([{"artifact_id": "ami-1"}] * 21, "sources"),
    ],
)
def test_a_wrong_source_is_named(client: FlaskClient, sources: list[Json], path: str):
    assert problems(client, envelope(stage("x")) | {"sources": sources}) == {path}


def test_sources_alone_say_nothing_of_a_build(client: FlaskClient):
    document = envelope() | {"sources": [{"artifact_id": "ami-1"}]}
    assert problems(client, document) == {"events"}
