"""Revoked builds: what is served instead, and what it does to channels and to descendants."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient

from tests.support.api import Api
from tests.support.channels import IMAGE, PATH, assign, create, report, served
from tests.support.senders import Json, envelope, manifest, post, verdict

BASE = {"image_type": "base"}


@pytest.fixture
def two(client: FlaskClient, api: Api) -> Api:
    """Two good builds of one image, the first of them in prod, the second in dev and prod."""
    report(client, "n-1", 10, "us-1:ami-1")
    report(client, "n-2", 20, "us-1:ami-2")
    for name in ("dev", "prod"):
        create(api, name)
    assign(api, "prod", "n-1")
    assign(api, "dev", "n-2")
    assign(api, "prod", "n-2")
    return api


def revoke(api: Api, number: str, **body: object) -> Json:
    """Revoke a build, as an administrator does."""
    path = f"/builds/{number}/revocation"
    answer = api.post(path, {"reason": "CVE-2026-1", **body}, scope="admin")
    assert answer.status_code == 201, answer.text
    done: Json = answer.get_json()
    return done


def restore(api: Api, number: str) -> int:
    return api.send("DELETE", f"/builds/{number}/revocation", scope="admin").status_code


def build_on(client: FlaskClient, number: str, base: str, minutes: float = 30, **of: str) -> None:
    """Report a completed build that starts from an image of us-1."""
    made = manifest(
        {"builder_type": "amazon-ebs", "artifact_id": f"us-1:ami-of-{number}"}, run_uuid=number
    )
    said = envelope(
        verdict("completed", minutes),
        number=number,
        run=f"run-{number}",
        build=IMAGE | of,
        manifest=made,
        sources=[{"artifact_id": base, "region": "us-1"}],
    )
    assert post(client, said).status_code == 202


def problem(api: Api, query: str, path: str = PATH) -> Json:
    answer = api.send("GET", f"{path}?format=text&{query}", scope="read")
    assert answer.status_code == 409, answer.text
    document: Json = answer.get_json()
    return document


def test_latest_passes_over_a_revoked_build_and_a_channel_says_so(two: Api, client: FlaskClient):
    assert (served(two), served(two, "channel=prod")) == ("ami-2", "ami-2")
    done = revoke(two, "n-2")
    assert {each["channel"] for each in done["channels"]} == {"dev", "prod"}
    assert served(two) == "ami-1"
    told = problem(two, "channel=prod")
    assert told["code"] == "revoked"
    assert "CVE-2026-1" in told["detail"]
    assert told["choices"] == ["n-1"]
    build = client.get("/api/v1/builds/n-2").get_json()
    assert (build["status"], build["revoked"]["reason"]) == ("completed", "CVE-2026-1")
    assert client.get("/api/v1/builds/n-1").get_json()["revoked"] is None


def test_restored_build_is_served_again(two: Api):
    revoke(two, "n-2")
    assert restore(two, "n-2") == 204
    assert (served(two), served(two, "channel=prod")) == ("ami-2", "ami-2")
    assert restore(two, "n-2") == 404
    (past,) = two.send("GET", "/builds/n-2/revocation", scope="read").get_json()["history"]
    assert past["restored_by"].startswith("admin-")


def test_revoked_image_whose_only_build_it_is_is_404_with_the_reason(two: Api):
    revoke(two, "n-2")
    revoke(two, "n-1")
    answer = two.send("GET", f"{PATH}?format=text", scope="read")
    assert answer.status_code == 404
    assert "was revoked by admin-" in answer.get_json()["detail"]
    assert "CVE-2026-1" in answer.get_json()["detail"]


def test_scheduled_revocation_is_valid_until_then(two: Api, client: FlaskClient):
    done = revoke(two, "n-2", **{"in": "3d"})
    assert done["revocation"]["kind"] == "scheduled"
    assert (served(two), served(two, "channel=prod")) == ("ami-2", "ami-2")
    build = client.get("/api/v1/builds/n-2").get_json()
    assert build["revoked"] is None
    assert build["revocation"]["kind"] == "scheduled"
    (row,) = two.items("/images")
    assert row["revocation"]["kind"] == "scheduled"
    assert restore(two, "n-2") == 204
    past = (datetime.now(UTC) - timedelta(minutes=5)).isoformat()
    assert revoke(two, "n-2", at=past)["revocation"]["kind"] == "revoked"
    assert served(two) == "ami-1"


def test_rollback_is_an_ordinary_assignment_of_what_was_there_before(two: Api):
    done = revoke(two, "n-2", rollback=[{"channel": "prod"}])
    assert [each["build_number"] for each in done["rolled_back"]] == ["n-1"]
    assert served(two, "channel=prod") == "ami-1"
    newest = two.items("/channels/prod/history")[0]
    assert newest["note"] == "Instead of n-2: CVE-2026-1"
    assert problem(two, "channel=dev")["choices"] == []


def test_rollback_names_another_build_and_is_refused_as_a_whole(two: Api, client: FlaskClient):
    report(client, "other", 20, "us-1:ami-9", image_type="db")
    for number, status in (("other", 409), ("n-2", 409), ("no-such", 404)):
        body = {"reason": "bad", "rollback": [{"channel": "dev", "build_number": number}]}
        assert two.post("/builds/n-2/revocation", body, scope="admin").status_code == status
    body = {"reason": "bad", "rollback": [{"channel": "dev"}]}
    assert two.post("/builds/n-2/revocation", body, scope="admin").status_code == 404
    assert served(two) == "ami-2"
    done = revoke(two, "n-2", rollback=[{"channel": "dev", "build_number": "n-1"}])
    assert [each["channel"] for each in done["rolled_back"]] == ["dev"]
    assert served(two, "channel=dev") == "ami-1"


def test_revoked_build_cannot_be_assigned_and_not_be_revoked_twice(two: Api):
    revoke(two, "n-1", replacement="n-2")
    answer = assign(two, "dev", "n-1")
    assert (answer.status_code, answer.get_json()["code"]) == (409, "revoked")
    again = two.post("/builds/n-1/revocation", {"reason": "bad"}, scope="admin")
    assert (again.status_code, again.get_json()["code"]) == (409, "taken")
    wrong = {"reason": "bad", "replacement": "n-1"}
    assert two.post("/builds/n-2/revocation", wrong, scope="admin").status_code == 422


def test_descendants_must_be_said_where_there_are_any(two: Api, client: FlaskClient):
    report(client, "base", 5, "us-1:ami-base", **BASE)
    build_on(client, "child", "ami-base", image_type="app")
    build_on(client, "grandchild", "ami-of-child", image_type="top")
    preview = two.send("GET", "/builds/base/revocation", scope="read").get_json()
    assert preview["descendant_count"] == 2
    assert {each["build_number"]: each["depth"] for each in preview["descendants"]} == {
        "child": 1,
        "grandchild": 2,
    }
    silent = two.post("/builds/base/revocation", {"reason": "bad"}, scope="admin")
    assert (silent.status_code, list(silent.get_json()["errors"])) == (422, ["descendants"])
    wrong = {"reason": "bad", "descendants": True, "expect_descendants": 1}
    assert two.post("/builds/base/revocation", wrong, scope="admin").status_code == 409
    create(two, "apps")
    assign(two, "apps", "child")
    done = revoke(two, "base", descendants=True, expect_descendants=2)
    assert [each["channel"] for each in done["channels"]] == ["apps"]
    for image, number in (("app", "child"), ("top", "grandchild")):
        assert served(two, path=f"/images/aws/rhel-9/{image}") == 404
        revoked = client.get(f"/api/v1/builds/{number}").get_json()["revoked"]
        assert revoked["build_number"] == "base"
    told = problem(two, "channel=apps", "/images/aws/rhel-9/app")
    assert "with base" in told["detail"]
    assert restore(two, "base") == 204
    assert served(two, "channel=apps", "/images/aws/rhel-9/app") == "ami-of-child"


def test_revocation_without_descendants_leaves_them(two: Api, client: FlaskClient):
    report(client, "base", 5, "us-1:ami-base", **BASE)
    build_on(client, "child", "ami-base", image_type="app")
    revoke(two, "base", descendants=False)
    assert served(two, path="/images/aws/rhel-9/app") == "ami-of-child"
    assert assign(two, "dev", "child").status_code == 201


def test_rollback_moves_only_what_the_revocation_concerns(two: Api, client: FlaskClient):
    report(client, "base", 5, "us-1:ami-base", **BASE)
    report(client, "base-2", 6, "us-1:ami-base-2", **BASE)
    build_on(client, "child", "ami-base", image_type="app")
    for number in ("base-2", "base", "child"):
        assert assign(two, "dev", number).status_code == 201
    for wanted in ({"channel": "dev"}, {"channel": "dev", "build_number": "base-2"}):
        done = revoke(two, "base", descendants=False, rollback=[wanted])
        assert [each["build_number"] for each in done["rolled_back"]] == ["base-2"]
        assert served(two, "channel=dev", "/images/aws/rhel-9/app") == "ami-of-child"
        assert restore(two, "base") == 204
        assert assign(two, "dev", "base").status_code == 201


def test_rollback_to_a_build_moves_only_its_image(two: Api, client: FlaskClient):
    report(client, "base", 5, "us-1:ami-base", **BASE)
    report(client, "base-2", 6, "us-1:ami-base-2", **BASE)
    build_on(client, "child", "ami-base", image_type="app")
    for number in ("base", "child"):
        assert assign(two, "dev", number).status_code == 201
    to = [{"channel": "dev", "build_number": "base-2"}]
    done = revoke(two, "base", descendants=True, rollback=to)
    assert [each["build_number"] for each in done["rolled_back"]] == ["base-2"]
    assert problem(two, "channel=dev", "/images/aws/rhel-9/app")["code"] == "revoked"


def test_child_of_another_project_is_marked_and_cannot_be_assigned(two: Api, client: FlaskClient):
    report(client, "base", 5, "us-1:ami-base", **BASE)
    build_on(client, "theirs", "ami-base", image_type="app", project="data")
    done = revoke(two, "base", descendants=True)
    assert (done["descendant_count"], done["other_count"]) == (0, 1)
    assert served(two, path="/images/aws/rhel-9/app") == "ami-of-theirs"
    build = client.get("/api/v1/builds/theirs").get_json()
    assert (build["revoked"], build["revocation"]["kind"]) == (None, "parent-revoked")
    answer = assign(two, "dev", "theirs")
    assert (answer.status_code, answer.get_json()["code"]) == (409, "revoked")
    assert "was made from base" in answer.get_json()["detail"]


def test_child_of_another_project_does_not_tell_its_people_which_build_was_revoked(
    two: Api, client: FlaskClient
):
    report(client, "base-9", 5, "us-1:ami-base", **BASE)
    report(client, "base-10", 6, "us-1:ami-base-10", **BASE)
    build_on(client, "theirs", "ami-base", image_type="app", project="data")
    assert assign(two, "dev", "theirs").status_code == 201
    revoke(two, "base-9", descendants=True, replacement="base-10")
    for path in (
        *("/builds/theirs", "/builds/theirs/revocation", "/images", "/channels/dev"),
        *("/channels/dev/history", "/images/aws/rhel-9/app", "/images?channel=dev"),
    ):
        answer = two.send("GET", path, scope="read", project="data")
        assert "parent-revoked" in answer.text, path
        assert "CVE-2026-1" in answer.text, path
        assert "base-" not in answer.text, path
    refused = assign(two, "dev", "theirs", scope="promote", own="data")
    assert (refused.status_code, refused.get_json()["code"]) == (409, "revoked")
    assert "was made from a build of another project" in refused.get_json()["detail"]
    headers = {"Authorization": f"Bearer {two.token('promote', '--project', 'data')}"}
    for page in ("/builds/theirs", "/images", "/images/data/aws/rhel-9/app"):
        text = client.get(page, headers=headers).text
        assert "revoked" in text, page
        assert "base-" not in text, page


def test_rollback_does_not_tell_of_a_build_of_another_project(two: Api, client: FlaskClient):
    report(client, "theirs", 10, "us-1:ami-9", project="data")
    revoke(two, "theirs")
    body = {"reason": "bad", "rollback": [{"channel": "dev", "build_number": "theirs"}]}
    sender = {"scope": "promote", "project": "core"}
    assert two.post("/builds/n-2/revocation", body, **sender).status_code == 404


def test_child_that_was_built_again_on_a_good_base_is_served(two: Api, client: FlaskClient):
    report(client, "base", 5, "us-1:ami-base", **BASE)
    report(client, "base-2", 6, "us-1:ami-base-2", **BASE)
    build_on(client, "child", "ami-base", image_type="app")
    made = manifest({"builder_type": "amazon-ebs", "artifact_id": "us-1:ami-good"}, run_uuid="2")
    again = envelope(
        verdict("completed", 90),
        number="child",
        run="run-2",
        build=IMAGE | {"image_type": "app"},
        manifest=made,
        sources=[{"artifact_id": "ami-base-2", "region": "us-1"}],
    )
    assert post(client, again).status_code == 202
    assert revoke(two, "base", descendants=True)["descendant_count"] == 0
    assert served(two, path="/images/aws/rhel-9/app") == "ami-good"


def test_what_was_revoked_at_a_moment(two: Api):
    before = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    revoke(two, "n-2")
    (then,) = two.items(f"/channels/prod?at={before}")
    (now,) = two.items("/channels/prod")
    assert then["build_number"] == now["build_number"] == "n-2"
    assert then["revocation"] is None
    assert now["revocation"]["kind"] == "revoked"


def test_revocation_is_for_those_who_may_promote_its_project(two: Api):
    for scope, project, status in (
        ("write", None, 403),
        ("promote", "data", 404),
        ("read", "core", 403),
        ("promote", "core", 201),
    ):
        answer = two.post("/builds/n-2/revocation", {"reason": "bad"}, scope=scope, project=project)
        assert answer.status_code == status, (scope, project, answer.text)


def test_revoked_build_survives_a_prune(
    two: Api, client: FlaskClient, command: Callable[..., object]
):
    revoke(two, "n-2")
    report(client, "n-3", 30, "us-1:ami-3")
    command("prune", "--older-than", "1d", "--facts", "--yes")
    assert client.get("/api/v1/builds/n-3").status_code == 404
    assert client.get("/api/v1/builds/n-2").get_json()["revoked"]["reason"] == "CVE-2026-1"
