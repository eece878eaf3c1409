"""What a channel refuses: builds that are not served, and checks that are not passed."""

from datetime import UTC, datetime, timedelta

from flask.testing import FlaskClient

from tests.support.api import Api
from tests.support.channels import assign, create
from tests.support.senders import envelope, manifest, post, stage, verdict


def history(api: Api, name: str) -> list[str | None]:
    return [each["build_number"] for each in api.items(f"/channels/{name}/history")]


def test_build_that_is_not_served_cannot_be_assigned(two: Api, client: FlaskClient):
    said = {"project": "core", "platform": "aws", "os_version": "rhel-9", "image_type": "web"}
    image = manifest({"builder_type": "amazon-ebs", "artifact_id": "us-1:ami-7"})
    topic = {"branch": "topic", "default_branch": "main"}
    builds = {
        "runs": envelope(stage("Base"), build=said),
        "failed": envelope(verdict("failed"), build=said, manifest=image),
        "topic": envelope(verdict("completed"), build=said, manifest=image, run_more=topic),
        "pull": envelope(
            verdict("completed"), build=said, manifest=image, run_more={"pull_request": "7"}
        ),
        "bare": envelope(verdict("completed"), build=said),
        "nameless": envelope(verdict("completed"), manifest=image),
        "guessed": envelope(
            verdict("completed"),
            build={
                "project": "core",
                "platform": "aws",
                "image_type": "web",
                "names": {"target": "amazon-ebs.rhel9"},
            },
            manifest=image,
        ),
    }
    words = {
        "runs": "is running",
        "failed": "is failed",
        "topic": "its branch is topic",
        "pull": "pull or merge request 7",
        "bare": "no artifact",
        "nameless": "nobody names",
        "guessed": "inferred",
    }
    for number, document in builds.items():
        document["build"]["number"] = document["run"]["key"] = number
        assert post(client, document).status_code == 202
        answer = assign(two, "prod", number)
        assert answer.status_code == 409, number
        assert answer.get_json()["code"] == "not-assignable"
        assert words[number] in answer.get_json()["detail"], answer.get_json()["detail"]
    assert assign(two, "prod", "no-such").status_code == 404
    assert history(two, "prod") == []


def test_required_check_that_is_missing_is_a_gate_and_can_be_passed_over(two: Api):
    create(two, "strict", require=["trivy", "tests"], max_age="7d")
    refused = assign(two, "strict", "n-1")
    assert (refused.status_code, refused.get_json()["code"]) == (422, "gate")
    assert set(refused.get_json()["errors"]) == {"trivy", "tests"}
    without = assign(two, "strict", "n-1", override=True, note="in a hurry")
    assert without.status_code == 403
    token = two.token("write", "--override")
    headers = {"Authorization": f"Bearer {token}"}
    body = {"build_number": "n-1", "override": True}
    path = "/api/v1/channels/strict/assignments"
    assert two.client.post(path, json=body, headers=headers).status_code == 422
    done = two.client.post(path, json=body | {"note": "in a hurry"}, headers=headers)
    assert done.status_code == 201, done.text
    assert done.get_json()["items"][0]["override"] is True
    noted = two.items("/audit?target_kind=channel&target_name=strict")[0]
    assert noted["after"]["override"].keys() == {"trivy", "tests"}


def test_check_that_is_too_old_or_finds_too_much_is_a_gate(two: Api, client: FlaskClient):
    limits = {"name": "trivy", "max_age": "7d", "limits": {"critical": 0}}
    channel = create(two, "scanned", require=[limits, "tests"])
    assert channel["require"] == ["trivy", "tests"]
    assert channel["checks"][0] == {
        "name": "trivy",
        "max_age_seconds": 7 * 86400,
        "limits": {"critical": 0},
    }
    now = datetime.now(UTC)
    scan = {"name": "trivy", "kind": "scan", "status": "failed", "counts": {"critical": 1}}
    tests = {"name": "tests", "kind": "tests", "status": "passed"}
    for age, changed in (
        (timedelta(days=9), scan | {"counts": {"critical": 0}}),
        (timedelta(hours=2), scan),
        (timedelta(hours=1), tests),
    ):
        event = {"kind": "check", "at": (now - age).isoformat(), "check": changed}
        assert post(client, envelope(event, number="n-1", run="run-n-1")).status_code == 202
    refused = assign(two, "scanned", "n-1").get_json()
    assert (refused["code"], set(refused["errors"])) == ("gate", {"trivy"})
    event = {"kind": "check", "at": now.isoformat(), "check": scan | {"counts": {"high": 3}}}
    assert post(client, envelope(event, number="n-1", run="run-n-1")).status_code == 202
    assert assign(two, "scanned", "n-1").status_code == 201
