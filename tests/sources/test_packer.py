"""Manifests as they are posted: alone, or in an envelope."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from receiver.domain.delivery import Request
from receiver.sources import packer
from tests.support.senders import (
    PACKER_BEARER,
    START,
    build_numbers,
    envelope,
    get_build,
    manifest,
    post,
    post_manifest,
    proof,
    stage,
    verdict,
)
from tests.support.table_rows import count


def ids(client: FlaskClient, number: str) -> list[str]:
    return [each["artifact_id"] for each in get_build(client, number)["artifacts"]]


def test_a_raw_manifest_is_a_completed_build_with_its_artifacts(client: FlaskClient):
    document = manifest({"builder_type": "amazon-ebs", "artifact_id": "a-1:ami-1,b-1:ami-2"})
    response = post_manifest(client, document, "build_number=m-1&os_version=rhel-9")
    assert response.status_code == 202
    build = get_build(client, "m-1")
    assert (build["status"], build["current_state"]) == ("completed", 100)
    assert [(each["region"], each["artifact_id"]) for each in build["artifacts"]] == [
        ("a-1", "ami-1"),
        ("b-1", "ami-2"),
    ]
    assert (build["platform"], build["os_version"]) == ("amazon-ebs", "rhel-9")
    assert build["packer_manifest"] == document


def test_a_raw_manifest_twice_is_one_delivery(client: FlaskClient, url: str):
    assert post_manifest(client, manifest({})).status_code == 202
    assert post_manifest(client, manifest({})).status_code == 200
    assert count(url, "deliveries") == 1
    assert get_build(client, "packer-uuid-1-null-base")["status"] == "completed"


def test_sources_of_one_run_that_post_apart_are_a_build_each(client: FlaskClient):
    for name in ("rhel9", "rhel8"):
        entry = {"builder_type": "amazon-ebs", "name": name, "artifact_id": f"a-1:ami-{name}"}
        assert post_manifest(client, manifest(entry)).status_code == 202
    assert sorted(build_numbers(client)) == [
        "packer-uuid-1-amazon-ebs-rhel8",
        "packer-uuid-1-amazon-ebs-rhel9",
    ]
    assert ids(client, "packer-uuid-1-amazon-ebs-rhel9") == ["ami-rhel9"]


def test_sources_of_one_run_in_one_manifest_are_a_build_each(client: FlaskClient):
    document = manifest(
        {"builder_type": "qemu", "name": "rhel9", "artifact_id": "old", "packer_run_uuid": "0"},
        {"builder_type": "qemu", "name": "rhel9", "artifact_id": "a"},
        {"builder_type": "amazon-ebs", "name": "rhel9", "artifact_id": "a-1:ami-1"},
        {"builder_type": "qemu", "name": "rhel9", "artifact_id": "b"},
    )
    answer = post_manifest(client, document).get_json()
    assert answer["builds"] == ["packer-uuid-1-amazon-ebs-rhel9", "packer-uuid-1-qemu-rhel9"]
    assert ids(client, "packer-uuid-1-qemu-rhel9") == ["a", "b"]
    assert ids(client, "packer-uuid-1-amazon-ebs-rhel9") == ["ami-1"]
    kept = get_build(client, "packer-uuid-1-qemu-rhel9")["packer_manifest"]
    assert [entry["artifact_id"] for entry in kept["builds"]] == ["old", "a", "b"]


def test_sources_of_one_run_with_an_explicit_number_are_one_build(client: FlaskClient):
    document = manifest({"name": "a", "artifact_id": "1"}, {"name": "b", "artifact_id": "2"})
    post_manifest(client, document, "build_number=both")
    assert build_numbers(client) == ["both"]
    assert ids(client, "both") == ["1", "2"]
    assert get_build(client, "both")["packer_manifest"] == document


def test_a_source_has_the_number_of_its_own_custom_data(client: FlaskClient):
    one = {"name": "a", "artifact_id": "1", "custom_data": {"build_number": "n-a"}}
    two = {"name": "b", "artifact_id": "2", "custom_data": {"build_number": "n-b"}}
    post_manifest(client, manifest(one, two, {"name": "c", "artifact_id": "3"}))
    assert ids(client, "n-a") == ["1"]
    assert ids(client, "n-b") == ["2"]
    assert ids(client, "packer-uuid-1-null-c") == ["3"]


@pytest.mark.parametrize("around", ["\ufeff{}", "\n{}", "\r\n{}\r\n", "\ufeff\r\n{}"])
def test_a_manifest_with_a_mark_or_a_blank_line_first_is_taken(client: FlaskClient, around: str):
    text = json.dumps(manifest({}), indent=2).replace("\n", "\r\n")
    body = around.replace("{}", text).encode()
    response = client.post(
        "/webhooks/packer",
        data=body,
        headers=proof("packer", PACKER_BEARER, body),
        content_type="application/json",
    )
    assert response.status_code == 202
    assert build_numbers(client) == ["packer-uuid-1-null-base"]


@pytest.mark.parametrize("document", [{}, {"builds": None}, {"builds": []}, {"builds": [{}]}])
def test_what_is_no_manifest_makes_no_build(client: FlaskClient, document: dict[str, Any]):
    response = post_manifest(client, document, "build_number=ghost")
    assert response.status_code == 422
    assert "builds" in response.get_json()["errors"]
    assert build_numbers(client) == []


def test_a_manifest_has_no_key_of_a_forge():
    document = manifest({}, run_uuid="github:acme/images:700:1:7001")
    request = Request({}, b"", "", START)
    (statement,) = packer.parse(request, document).statements
    assert statement.run.key == "packer:github:acme/images:700:1:7001"


def test_a_manifests_entries_are_names_of_the_image():
    document = manifest({"name": "rhel9"}, {"name": "rhel9-arm64"}, {"name": "rhel9"})
    (statement,) = packer.parse(Request({}, b"", "build_number=a", START), document).statements
    assert statement.names == {"entry": "rhel9, rhel9-arm64"}
    assert statement.inferred.os_version is None


def test_custom_data_outranks_the_query(client: FlaskClient):
    document = manifest({"custom_data": {"build_number": "c-1", "platform": "azure"}})
    post_manifest(client, document, "build_number=q-1&platform=aws&image_type=base")
    build = get_build(client, "c-1")
    assert (build["platform"], build["image_type"]) == ("azure", "base")


def test_a_wrong_query_is_422(client: FlaskClient):
    response = post_manifest(client, manifest({}), "build_number=a%20b&os=x")
    assert response.status_code == 422
    assert set(response.get_json()["errors"]) == {"query.build_number", "query.os"}


def test_entries_of_earlier_runs_are_history(client: FlaskClient):
    old = {"packer_run_uuid": "uuid-0", "builder_type": "amazon-ebs", "artifact_id": "a-1:ami-0"}
    new = {"builder_type": "amazon-ebs", "artifact_id": "a-1:ami-1"}
    post(client, envelope(verdict("completed"), manifest=manifest(old, new)))
    build = get_build(client)
    assert [each["artifact_id"] for each in build["artifacts"]] == ["ami-1"]
    assert len(build["packer_manifest"]["builds"]) == 2


def test_the_later_manifest_stays_in_either_order(client: FlaskClient):
    early = manifest({"build_time": 1_700_000_000}, run_uuid="a")
    late = manifest({"build_time": 1_800_000_000}, run_uuid="b")
    post(client, envelope(stage("x"), manifest=late))
    post(client, envelope(stage("x"), manifest=early))
    assert get_build(client)["packer_manifest"]["last_run_uuid"] == "b"


def test_a_manifest_without_any_word_of_its_image_is_named_by_its_entry(client: FlaskClient):
    entry = {"builder_type": "amazon-ebs", "name": "rhel9-base", "artifact_id": "us-1:ami-1"}
    post_manifest(client, manifest(entry), "build_number=m-1&image_type=web")
    build = get_build(client, "m-1")
    assert [build[name] for name in ("platform", "os_version", "image_type")] == [
        "amazon-ebs",
        "rhel-9",
        "web",
    ]
    assert build["inferred"] == {"platform": "builder", "os_version": "entry"}
