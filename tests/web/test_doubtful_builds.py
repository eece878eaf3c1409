"""Builds of which something is estimated or inferred: what pages, badge and API say of them."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from tests.support.forges import post_github, workflow_job
from tests.support.senders import envelope, get_build, manifest, post, stage, verdict

NUMBER = "acme-images-500-rhel-9-hana-aws"
BADGE = "/badge/core/aws/rhel-9/hana"
STEP = "packer build ubuntu.pkr.hcl"


def estimated(client: FlaskClient, status: str, conclusion: str | None = None) -> None:
    """Post a job whose steps name no state."""
    document = workflow_job(status, conclusion)
    for step in document["workflow_job"]["steps"][2:4]:
        step["name"] = STEP
    assert post_github(client, document).status_code == 202


@pytest.mark.parametrize(
    ("status", "conclusion", "word"),
    [("in_progress", None, "running"), ("completed", "failure", "failed")],
)
def test_an_estimate_is_shown_as_one(
    forge: FlaskClient, status: str, conclusion: str | None, word: str
):
    estimated(forge, status, conclusion)
    build = get_build(forge, NUMBER)
    assert (build["status"], build["estimated"]) == (word, True)
    state = build["current_state"]
    page = forge.get(f"/builds/{NUMBER}").text
    assert f"≈ {state} {word} · {NUMBER}" in page.split("</title>")[0]
    header = page.partition('<div class="headline')[2].partition("</div>")[0]
    assert f"≈ {state}</span>" in header
    assert STEP in header
    for path in ("/", "/builds"):
        assert f"≈ {state}</span>" in forge.get(path).text
    assert forge.get(f"{BADGE}.json").get_json()["message"].startswith(f"≈ {state} {word}")
    assert f"≈ {state}" in forge.get(f"{BADGE}.svg").text
    assert f"≈ {state} {word}" in forge.get("/feed.atom").text
    assert forge.get("/api/v1/builds").get_json()["items"][0]["estimated"] is True


def test_a_failed_estimate_is_named_by_its_own_stage(forge: FlaskClient):
    estimated(forge, "completed", "failure")
    for path in (f"/builds/{NUMBER}", "/", "/failures"):
        page = forge.get(path).text
        assert "sealing and cleanup" not in page
        assert STEP in page
    assert [row["estimated"] for row in get_build(forge, NUMBER)["failures"]] == [True]
    listed = forge.get("/api/v1/failures").get_json()["items"]
    assert [row["estimated"] for row in listed] == [True]


def test_a_state_that_a_stage_names_is_no_estimate(client: FlaskClient):
    failure = {"message": "no route to host"}
    post(client, envelope(stage("Security baseline"), verdict("failed", 9, failure=failure)))
    build = get_build(client)
    assert (build["current_state"], build["estimated"]) == (25, False)
    page = client.get("/builds/core-1").text
    assert "≈" not in page
    assert "Security baseline" in page.partition('<div class="headline')[2].partition("</div>")[0]


def report(client: FlaskClient, names: dict[str, str], **build: str) -> None:
    made = manifest({"builder_type": "amazon-ebs", "artifact_id": "us-east-1:ami-1"})
    document = envelope(stage("Base"), build={**build, "names": names}, manifest=made)
    assert post(client, document).status_code == 202


def test_a_page_says_what_is_inferred_and_confirms_it(
    client: FlaskClient, token: Callable[..., str]
):
    client.set_cookie("milepost_token", token("write"))
    report(client, {"var_file": "RHEL9.pkrvars.hcl"}, image_type="base")
    page = client.get("/builds/core-1").text
    assert "OS version <code><bdi>rhel-9</bdi></code> from the var-file" in page
    assert "Confirm this image" in page
    build = get_build(client)
    assert build["inferred"] == {"platform": "builder", "os_version": "var_file"}
    assert build["confirmed"] is False
    for button, is_confirmed in (({}, True), ({"undo": "yes"}, False)):
        csrf = page.partition('name="csrf" value="')[2].partition('"')[0]
        done = client.post("/builds/core-1/confirm", data={"csrf": csrf, **button})
        assert (done.status_code, done.headers["Location"]) == (303, "/builds/core-1")
        assert get_build(client)["confirmed"] is is_confirmed
        page = client.get("/builds/core-1").text
    assert "Confirm this image" in page


def test_a_confirmed_image_is_served(client: FlaskClient, token: Callable[..., str]):
    report(client, {"target": "amazon-ebs.rhel9"}, image_type="base")
    path = "/api/v1/images/amazon-ebs/rhel-9/base?format=text"
    refused = client.get(path)
    assert refused.status_code == 404
    assert "inferred" in refused.get_json()["detail"]
    image = {"platform": "amazon-ebs", "os_version": "rhel-9", "image_type": "base"}
    header = {"Authorization": f"Bearer {token('write')}"}
    done = client.post("/api/v1/confirmed_images", json=image, headers=header)
    assert done.status_code == 201
    assert client.get(path).text == "ami-1\n"


def test_the_type_of_a_builder_needs_no_confirmation(client: FlaskClient):
    report(client, {}, os_version="rhel-9", image_type="base")
    page = client.get("/builds/core-1").text
    assert "platform <code><bdi>amazon-ebs</bdi></code> from the builder" in page
    assert "Confirm this image" not in page
