"""Manifests as they are posted: alone, or in an envelope."""

from flask.testing import FlaskClient

from tests.support.senders import envelope, get_build, manifest, post, post_manifest, stage, verdict
from tests.support.table_rows import count


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
    assert get_build(client, "packer-uuid-1")["status"] == "completed"


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
