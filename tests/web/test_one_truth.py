"""What fails is one number everywhere: pages, their JSON, the API and /metrics ask one place."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from receiver.config import Config
from receiver.storage import failures
from tests.support.senders import envelope, get_build, manifest, post, stage, verdict

OF = {"project": "core", "platform": "aws", "os_version": "rhel-9"}
FAILURE = {"type": "provisioner", "message": "no route to host", "component": "ansible"}


def report(
    client: FlaskClient,
    number: str,
    status: str,
    minutes: int,
    image: str,
    project: str = "core",
    **more: str,
) -> None:
    end = (
        verdict(status, minutes, failure=FAILURE)
        if status == "failed"
        else verdict(status, minutes)
    )
    made = {"manifest": manifest({"artifact_id": "eu:ami-1"})} if status == "completed" else {}
    events = (stage("Base configuration", minutes=minutes - 5, state=15), end)
    document = envelope(
        *events,
        number=number,
        run=number,
        build=OF | {"image_type": image, "project": project},
        **made,
    )
    document["run"] |= more
    assert post(client, document).status_code == 202


def resolve(client: FlaskClient, token: Callable[..., str], number: str) -> None:
    for failure in get_build(client, number)["failures"]:
        path = f"/api/v1/failures/{failure['id']}/resolve"
        headers = {"Authorization": f"Bearer {token('write')}"}
        assert client.post(path, json={"notes": "seen"}, headers=headers).status_code == 200


def numbers(client: FlaskClient) -> dict[str, tuple[int, int, int]]:
    """Return failed images, acknowledged ones and open failures as each place tells them."""
    names = ("failed_images", "acknowledged_images", "open_failures")
    found = {
        path: tuple(client.get(path).get_json()[name] for name in names)
        for path in ("/overview.json", "/failures.json", "/api/v1/stats")
    }
    text = client.get("/metrics").text
    metrics = ("milepost_images_failed", "milepost_images_acknowledged", "milepost_failures_open")
    read = (re.search(rf"^{name} (\S+)$", text, re.MULTILINE) for name in metrics)
    return found | {"/metrics": tuple(int(float(each[1])) for each in read if each)}


@pytest.fixture
def told(client: FlaskClient, token: Callable[..., str]) -> FlaskClient:
    """A history in which each way to count comes to another number."""
    report(client, "recovered-1", "failed", 10, "recovered")  # never resolved
    report(client, "recovered-2", "completed", 70, "recovered")
    report(client, "twice-1", "failed", 10, "twice")
    report(client, "twice-2", "failed", 70, "twice")
    report(client, "seen-1", "failed", 10, "seen")
    resolve(client, token, "seen-1")
    report(client, "late-2", "completed", 90, "late")  # the older build is heard of last
    report(client, "late-1", "failed", 20, "late")
    report(client, "broken-1", "failed", 20, "cancelled")
    report(client, "broken-2", "cancelled", 90, "cancelled")
    report(client, "branch-1", "completed", 10, "branch")
    report(client, "branch-2", "failed", 90, "branch", branch="try", default_branch="main")
    unnamed = envelope(verdict("failed", failure=FAILURE), number="unnamed-1", run="u")
    assert post(client, unnamed).status_code == 202
    return client


def test_every_place_tells_the_same_numbers(told: FlaskClient):
    # Failed: twice, seen, cancelled. Open: two of twice, one of cancelled, one that nobody names.
    assert set(numbers(told).values()) == {(3, 1, 4)}


def test_pages_say_them_in_the_same_words(told: FlaskClient):
    words = ("3 images failed", "1 of them acknowledged", "4 open failures")
    for path in ("/", "/failures"):
        text = told.get(path).text
        assert [each for each in words if each not in text] == [], path


def test_resolving_acknowledges_and_the_image_is_still_failed(
    told: FlaskClient, token: Callable[..., str]
):
    resolve(told, token, "twice-2")
    assert set(numbers(told).values()) == {(3, 2, 3)}


def test_a_good_build_makes_its_image_good_with_no_open_failure(told: FlaskClient):
    report(told, "twice-3", "completed", 130, "twice")
    assert set(numbers(told).values()) == {(2, 1, 2)}
    shown = told.get("/failures.json?tab=recovered").get_json()["groups"]
    builds = {each["build_number"] for group in shown for each in group["failures"]}
    assert {"recovered-1", "twice-1", "twice-2"} <= builds


def test_a_group_is_resolved_at_once_and_opens_again_when_it_returns(
    told: FlaskClient,
    serve: Callable[[Config], FlaskClient],
    config: Config,
    token: Callable[..., str],
):
    closed = serve(replace(config, public_read=False))
    closed.set_cookie("milepost_token", token("write"))
    (group,) = closed.get("/failures.json").get_json()["groups"]
    page = closed.get("/failures").text
    assert f"Resolve all {group['count']}" in page
    csrf = re.search(r'name="csrf" value="([^"]+)"', page)
    assert csrf
    form = {"csrf": csrf[1], "ids": ",".join(group["open_ids"]), "notes": "the switch is back"}
    assert closed.post("/failures", data=form).status_code == 303
    assert set(numbers(told).values()) == {(3, 3, 0)}
    report(told, "twice-3", "failed", 130, "twice")
    assert set(numbers(told).values()) == {(3, 2, 1)}


@pytest.mark.parametrize("ids", ["", "x", "00000000-0000-0000-0000-000000000000"])
def test_wrong_ids_resolve_nothing(told: FlaskClient, token: Callable[..., str], ids: str):
    told.set_cookie("milepost_token", token("write"))
    csrf = re.search(r'name="csrf" value="([^"]+)"', told.get("/failures").text)
    assert csrf
    answer = told.post("/failures", data={"csrf": csrf[1], "ids": ids})
    assert answer.status_code in (404, 422)
    assert set(numbers(told).values()) == {(3, 1, 4)}


def test_a_token_of_one_project_sees_its_own_failures_alone(
    told: FlaskClient, token: Callable[..., str]
):
    other = OF | {"project": "web", "image_type": "base"}
    document = envelope(verdict("failed", failure=FAILURE), number="web-1", run="w", build=other)
    assert post(told, document).status_code == 202
    headers = {"Authorization": f"Bearer {token('read', '--project', 'web')}"}
    answer = told.get("/failures.json", headers=headers).get_json()
    assert (answer["failed_images"], answer["open_failures"]) == (1, 1)
    recovered = told.get("/failures.json?tab=recovered", headers=headers).get_json()
    assert recovered["groups"] == []


def test_failures_of_other_projects_push_no_own_ones_out_of_a_tab(
    client: FlaskClient, token: Callable[..., str], monkeypatch: pytest.MonkeyPatch
):
    for limit in ("WINDOW", "RESOLVED_LIMIT"):
        monkeypatch.setattr(failures, limit, 1)
    for number, project, minutes in (("own", "data", 10), ("other", "core", 20)):
        report(client, number, "failed", minutes, "db", project=project)
        resolve(client, token, number)
    headers = {"Authorization": f"Bearer {token('read', '--project', 'data')}"}
    (group,) = client.get("/failures.json?tab=resolved", headers=headers).get_json()["groups"]
    assert [each["build_number"] for each in group["failures"]] == ["own"]
