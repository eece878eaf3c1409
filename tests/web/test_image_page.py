"""The page of one image, and the forms that promote, roll back and revoke."""

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.api import Api
from tests.support.channels import IMAGE, assign, create, report, served

PAGE = "/images/core/aws/rhel-9/web"
NAMES = "project=core&platform=aws&os_version=rhel-9&image_type=web"


@pytest.fixture
def two(client: FlaskClient, api: Api) -> Api:
    """Two good builds of one image, and the channels prod and dev."""
    report(client, "n-1", 10, "us-1:ami-1", "eu-1:ami-11")
    report(client, "n-2", 20, "us-1:ami-2")
    create(api, "prod", restricted=True, require=["trivy"])
    create(api, "dev")
    return api


def send(
    client: FlaskClient, token: Callable[..., str], page: str, path: str, **fields: str
) -> TestResponse:
    """Send a form of a page, as its reader does, with a token of scope promote."""
    client.set_cookie("milepost_token", token("promote", "--override"))
    csrf = re.search(r'name="csrf" value="([^"]+)"', client.get(page).text)
    assert csrf
    return client.post(path, data={"csrf": csrf[1], **fields})


def test_page_shows_what_is_served_and_its_channels(two: Api, client: FlaskClient):
    assign(two, "dev", "n-1", note="to try")
    for path in (PAGE, f"/image?{NAMES}"):
        text = client.get(path).text
        assert "ami-2" in text
        assert "ami-11" in text  # of the region that the newest build lacks
        assert "to try" in text
        assert "needs <bdi>trivy</bdi>" in text
        assert "Promote" not in text  # for those who may not
    shown = client.get(f"{PAGE}.json").get_json()
    assert shown["image"] == IMAGE
    held = {each["name"]: each["held"] for each in shown["channels"]}
    assert held["prod"] is None
    assert held["dev"]["build_number"] == "n-1"
    assert [each["build_number"] for each in shown["history"]] == ["n-1"]


def test_image_without_a_project_has_a_page(client: FlaskClient, two: Api):
    report(client, "bare", 10, "us-1:ami-5", project=None)
    assert "ami-5" in client.get("/images/-/aws/rhel-9/web").text
    assert "ami-5" in client.get("/image?platform=aws&os_version=rhel-9&image_type=web").text
    assert "ami-5" not in client.get(PAGE).text
    assert client.get("/images/core/aws/rhel-9/none").status_code == 404
    assert two.token


def test_forms_promote_roll_back_and_take_out(
    two: Api, client: FlaskClient, token: Callable[..., str]
):
    fields = {"channel": "dev", **IMAGE}
    for number in ("n-1", "n-2"):
        done = send(client, token, PAGE, "/image/assign", build_number=number, note="ok", **fields)
        assert done.status_code == 303, done.text
    assert served(two, "channel=dev&region=us-1") == "ami-2"
    done = send(client, token, PAGE, "/image/rollback", **fields)
    assert done.status_code == 303, done.text
    assert served(two, "channel=dev&region=us-1") == "ami-1"
    done = send(client, token, PAGE, "/image/assign", unassign="yes", **fields)
    assert done.status_code == 303, done.text
    assert served(two, "channel=dev&region=us-1") == 404
    fields = {"channel": "prod", "build_number": "n-1", **IMAGE}
    refused = send(client, token, PAGE, "/image/assign", **fields)
    assert refused.status_code == 422


def test_form_without_its_token_changes_nothing(
    two: Api, client: FlaskClient, token: Callable[..., str]
):
    client.set_cookie("milepost_token", token("admin"))
    for path in ("/image/assign", "/image/rollback", "/builds/n-2/revoke", "/builds/n-2/restore"):
        fields = {"channel": "dev", "build_number": "n-1", "reason": "bad", **IMAGE}
        assert client.post(path, data=fields).status_code == 403
    assert served(two) == "ami-2"


def test_form_revokes_and_restores(two: Api, client: FlaskClient, token: Callable[..., str]):
    assign(two, "dev", "n-1")
    assign(two, "dev", "n-2")
    page = "/builds/n-2"
    done = send(client, token, page, f"{page}/revoke", reason="CVE-2026-1", **{"rollback-1": "dev"})
    assert done.status_code == 303, done.text
    assert served(two, "region=us-1") == "ami-1"
    assert served(two, "channel=dev&region=us-1") == "ami-1"
    assert "CVE-2026-1" in client.get(page).text
    assert "revoked" in client.get("/images").text
    assert send(client, token, page, f"{page}/restore").status_code == 303
    assert served(two, "region=us-1") == "ami-2"
    planned = send(client, token, page, f"{page}/revoke", reason="old", **{"in": "3d"})
    assert planned.status_code == 303
    for path in (page, "/images", PAGE):
        assert re.search(r"revoked in (2 d|3 d)", client.get(path).text), path


def test_list_shows_and_filters_channels(two: Api, client: FlaskClient):
    report(client, "other", 10, "us-1:ami-9", image_type="db")
    assign(two, "dev", "n-1")
    items = client.get("/images.json").get_json()["items"]
    held = {row["build_number"]: [each["channel"] for each in row["channels"]] for row in items}
    assert held == {"n-1": ["dev"], "n-2": ["dev"], "other": []}
    items = client.get("/images.json?channel=dev").get_json()["items"]
    assert {row["build_number"] for row in items} == {"n-1", "n-2"}


def test_page_of_an_image_of_another_project_is_hidden_with_its_moves(
    two: Api, client: FlaskClient, token: Callable[..., str]
):
    assign(two, "dev", "n-1", note="to try")
    headers = {"Authorization": f"Bearer {token('read', '--project', 'data')}"}
    for path in (PAGE, f"{PAGE}.json", f"/image?{NAMES}", f"/image.json?{NAMES}"):
        assert client.get(path, headers=headers).status_code == 404, path


def test_token_of_a_project_sees_its_own_images_failures_and_counts(
    two: Api, client: FlaskClient, token: Callable[..., str]
):
    report(client, "data-build-1", 10, "us-1:ami-8", project="data")
    for number in ("n-2", "data-build-1"):
        failure = {"message": "no route", "stage": "Smoke test"}
        assert two.post(f"/builds/{number}/failures", failure).status_code == 201
    assign(two, "dev", "data-build-1")
    headers = {"Authorization": f"Bearer {token('read', '--project', 'core')}"}

    def get(path: str) -> TestResponse:
        answer = client.get(path, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer

    for path in ("/images", "/images.json", "/api/v1/images", "/api/v1/failures", "/failures"):
        text = get(path).text
        assert "data-build-1" not in text, path
        assert "data" not in re.sub(r"data-\w+", "", text), path
    numbers = {row["build_number"] for row in get("/api/v1/failures").get_json()["items"]}
    assert numbers == {"n-2"}
    assert get("/api/v1/channels/dev").get_json()["items"] == []
    assert get("/api/v1/channels/dev/history").get_json()["items"] == []
    stats = get("/api/v1/stats").get_json()
    assert sum(stats["builds_of_24_hours"].values()) == 2
    (combination,) = get("/api/v1/stats/combinations").get_json()["items"]
    assert combination["project"] == "core"
    every = two.items("/stats/stages")
    for own, of_all in zip(get("/api/v1/stats/stages").get_json()["items"], every, strict=True):
        assert (own["state"], own["runs"]) == (of_all["state"], of_all["runs"] - 1)
    for path in ("/images/data/aws/rhel-9/web", "/api/v1/images/aws/rhel-9/web?project=data"):
        assert client.get(path, headers=headers).status_code == 404, path
