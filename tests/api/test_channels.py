"""Channels: what is current in them, who put it there, and what cannot be put there."""

import threading
from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient

from tests.support.api import Api
from tests.support.channels import IMAGE, PATH, assign, create, report, served
from tests.support.kept_bodies import age_deliveries
from tests.support.senders import envelope, manifest, post, stage, verdict


def history(api: Api, name: str) -> list[str | None]:
    return [each["build_number"] for each in api.items(f"/channels/{name}/history")]


def test_channel_hands_out_what_was_assigned_and_latest_goes_on(two: Api, client: FlaskClient):
    assert assign(two, "prod", "n-1", note="tested").status_code == 201
    report(client, "n-3", 30, "us-1:ami-4")
    assert served(two, "channel=prod&region=us-1") == "ami-1"
    assert served(two, "channel=prod&region=eu-1") == "ami-2"
    assert served(two, "region=us-1") == "ami-4"
    assert served(two, "channel=latest&region=us-1") == "ami-4"
    query = "channel=prod&region=us-1&project=core&platform=aws&os_version=rhel-9&image_type=web"
    assert served(two, query, "/image") == "ami-1"
    answer = two.send("GET", f"{PATH}?channel=prod&region=us-1", scope="read").get_json()
    assert (answer["channel"], answer["build_number"], answer["behind"]) == ("prod", "n-1", 2)


def test_what_is_current_says_who_when_and_why(two: Api):
    before = datetime.now(UTC)
    assign(two, "prod", "n-1", note="tested")
    (item,) = two.items("/channels/prod")
    assert {name: item[name] for name in IMAGE} == IMAGE
    assert (item["build_number"], item["attempt"], item["note"]) == ("n-1", 1, "tested")
    assert item["assigned_by"].startswith("admin-")
    assert datetime.fromisoformat(item["assigned_at"]) >= before
    assert [each["artifact_id"] for each in item["artifacts"]] == ["ami-1", "ami-2"]


def test_all_that_a_channel_holds_are_the_images_of_the_other_channels_projects(
    two: Api, client: FlaskClient
):
    report(client, "d-1", 10, "us-1:ami-8", project="data")
    create(two, "stable", project="core")
    for number in ("n-1", "d-1"):
        assert assign(two, "dev", number).status_code == 201
    body = {"from_channel": "dev"}
    moved = two.post("/channels/stable/assignments", body, scope="admin")
    assert moved.status_code == 201, moved.text
    assert [row["build_number"] for row in moved.get_json()["items"]] == ["n-1"]
    named = body | {"image": IMAGE | {"project": "data"}}
    assert two.post("/channels/stable/assignments", named, scope="admin").status_code == 404


def test_nothing_is_assigned_to_latest(two: Api):
    answer = assign(two, "latest", "n-1")
    assert answer.status_code == 404
    assert "latest manages itself" in answer.get_json()["detail"]


def test_rollback_is_a_new_assignment_and_history_has_all(two: Api):
    for number in ("n-1", "n-2", "n-1"):
        assert assign(two, "prod", number).status_code == 201
    assert history(two, "prod") == ["n-1", "n-2", "n-1"]
    again = assign(two, "prod", "n-1")
    assert (again.status_code, again.get_json()["duplicate"]) == (200, True)
    assert len(history(two, "prod")) == 3


def test_rollback_assigns_the_attempt_that_was_pinned(two: Api, client: FlaskClient):
    for number in ("n-1", "n-2"):
        assert assign(two, "prod", number).status_code == 201
    made = manifest({"builder_type": "amazon-ebs", "artifact_id": "us-1:ami-again"}, run_uuid="2")
    run = {"key": "run-again", "attempt": 2}
    again = envelope(verdict("completed", 50), number="n-1", run="run-again", manifest=made)
    again |= {"run": again["run"] | run, "build": again["build"] | IMAGE}
    assert post(client, again).status_code == 202
    assert served(two, "region=us-1") == "ami-again"
    body = {"previous": True, "image": IMAGE, "expect": "n-2"}
    done = two.post("/channels/prod/assignments", body, scope="admin")
    assert (done.status_code, history(two, "prod")) == (201, ["n-1", "n-2", "n-1"])
    assert served(two, "channel=prod&region=us-1") == "ami-1"
    for wrong in ({"previous": True}, {"previous": False, "image": IMAGE}, {"image": IMAGE}):
        assert two.post("/channels/prod/assignments", wrong, scope="admin").status_code == 422


def test_what_was_current_at_a_moment(two: Api):
    assign(two, "prod", "n-1")
    between = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    assign(two, "prod", "n-2")
    assert [each["build_number"] for each in two.items(f"/channels/prod?at={between}")] == ["n-1"]
    assert [each["build_number"] for each in two.items("/channels/prod")] == ["n-2"]
    assert two.items("/channels/prod?at=2020-01-01") == []


def test_unassigned_image_is_gone_and_stays_in_the_history(two: Api):
    assign(two, "prod", "n-1")
    gone = two.send(
        "DELETE", "/channels/prod/assignments", scope="write", json={"image": IMAGE, "note": "bad"}
    )
    assert gone.status_code == 204, gone.text
    assert two.items("/channels/prod") == []
    assert served(two, "channel=prod&region=us-1") == 404
    assert history(two, "prod") == [None, "n-1"]
    again = two.send("DELETE", "/channels/prod/assignments", json={"image": IMAGE})
    assert again.status_code == 404


def test_promotion_carries_what_the_other_channel_holds(two: Api, client: FlaskClient):
    report(client, "other", 10, "us-1:ami-9", image_type="db")
    assign(two, "dev", "n-1")
    assign(two, "dev", "other")
    answer = two.post("/channels/prod/assignments", {"from_channel": "dev"})
    assert answer.status_code == 201, answer.text
    numbers = {each["build_number"] for each in two.items("/channels/prod")}
    assert numbers == {"n-1", "other"}
    assert {each["from_channel"] for each in two.items("/channels/prod")} == {"dev"}
    assign(two, "dev", "n-2")
    one = {"from_channel": "dev", "image": IMAGE, "expect": "n-1"}
    assert two.post("/channels/prod/assignments", one).status_code == 201
    assert served(two, "channel=prod&region=us-1") == "ami-3"


@pytest.mark.parametrize(
    ("expect", "status"), [("n-1", 201), ("n-2", 409), (None, 409), ("no-such", 409)]
)
def test_assignment_that_expects_another_build_is_refused(
    two: Api, expect: str | None, status: int
):
    assign(two, "prod", "n-1")
    answer = assign(two, "prod", "n-2", expect=expect)
    assert answer.status_code == status
    if status == 409:
        assert answer.get_json()["code"] == "not-current"
        assert "holds build n-1" in answer.get_json()["detail"]


def test_of_assignments_at_once_that_expect_the_same_one_is_made(two: Api, client: FlaskClient):
    numbers = [f"p-{place}" for place in range(6)]
    for place, number in enumerate(numbers):
        report(client, number, 30 + place, f"us-1:ami-{number}")
    assign(two, "prod", "n-1")
    two.token("admin")
    answers: list[int] = []
    begin = threading.Barrier(len(numbers))

    def move(number: str) -> None:
        begin.wait()
        answers.append(assign(two, "prod", number, expect="n-1").status_code)

    threads = [threading.Thread(target=move, args=[number]) for number in numbers]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(answers) == [201] + [409] * 5
    assert len(history(two, "prod")) == 2


def test_channel_of_a_project_comes_before_the_one_for_all(two: Api, client: FlaskClient):
    create(two, "prod", project="core")
    report(client, "d-1", 10, "us-1:ami-8", project="data")
    assign(two, "prod", "n-1")
    assign(two, "prod", "d-1")
    assert [each["build_number"] for each in two.items("/channels/prod?project=core")] == ["n-1"]
    assert [each["build_number"] for each in two.items("/channels/prod")] == ["d-1"]
    assert served(two, "channel=prod&region=us-1&project=core") == "ami-1"
    assert served(two, "channel=prod&region=us-1&project=data") == "ami-8"
    wrong = assign(two, "prod", "d-1", project="core")
    assert (wrong.status_code, wrong.get_json()["code"]) == (409, "not-assignable")


def test_channel_has_one_name_in_its_project(two: Api):
    again = two.post("/channels", {"name": "prod"}, scope="admin")
    assert (again.status_code, again.get_json()["code"]) == (409, "taken")
    assert two.post("/channels", {"name": "latest"}, scope="admin").status_code == 422
    assert two.post("/channels", {"name": "x", "project": "no"}, scope="admin").status_code == 404
    assert two.send("GET", "/channels/no", scope="read").status_code == 404


def test_rerun_changes_nothing_in_a_channel(two: Api, client: FlaskClient):
    assign(two, "prod", "n-1")
    again = envelope(stage("Base", minutes=50), number="n-1", run="again", build=IMAGE)
    post(client, again)
    assert served(two, "channel=prod&region=us-1") == "ami-1"
    image = manifest({"builder_type": "amazon-ebs", "artifact_id": "us-1:ami-6"}, run_uuid="again")
    done = envelope(
        verdict("completed", 60), number="n-1", run="again", build=IMAGE, manifest=image
    )
    post(client, done)
    assert served(two, "channel=prod&region=us-1") == "ami-1"
    assert served(two, "region=us-1") == "ami-6"
    failed = envelope(verdict("failed", 70), number="n-1", run="third", build=IMAGE)
    post(client, failed)
    assert served(two, "channel=prod&region=us-1") == "ami-1"


def test_copy_of_the_same_attempt_in_another_region_is_handed_out(two: Api):
    assign(two, "prod", "n-2")
    copied = {"artifact_id": "ami-33", "region": "ap-1", "kind": "final", "storage": "ec2"}
    assert two.post("/builds/n-2/artifacts", copied).status_code == 201
    assert served(two, "channel=prod&region=ap-1") == "ami-33"


def test_assigned_build_survives_every_prune(two: Api, client: FlaskClient, url: str, command):
    assign(two, "prod", "n-1")
    age_deliveries(url, 400)
    done = command("prune", "--older-than", "30d", "--facts", "--yes")
    assert done.exit_code == 0, done.output
    assert client.get("/api/v1/builds/n-2").status_code == 404
    assert client.get("/api/v1/builds/n-1").status_code == 200
    assert served(two, "channel=prod&region=us-1") == "ami-1"
