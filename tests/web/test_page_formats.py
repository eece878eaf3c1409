"""Pages for programs and polls: JSON, 304, badges, the feed, filters, resolving."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from xml.etree import ElementTree

import psycopg
import pytest
from flask.testing import FlaskClient

from receiver.config import Config
from receiver.domain.failure_shapes import message_shape
from tests.bench.dataset import fill
from tests.support.senders import envelope, get_build, manifest, post, stage, verdict

OF = {"project": "core", "platform": "aws", "os_version": "rhel-9", "image_type": "base"}
FAILURE = {"type": "provisioner", "message": "no route after 31 s", "component": "ansible"}
PAGES = ["/", "/builds", "/builds/n-1", "/images", "/failures", "/stages"]
INDEXES = {
    "overview/latest_builds": "idx_builds_latest",
    "overview/running_builds": "idx_builds_running",
    "conditions/running_builds": "idx_builds_running",
    "conditions/running_details": "idx_builds_latest_completed",
    "images/served_images": "idx_builds_images",
    "images/unserved_builds": "idx_builds_images",
    "image_history/recent_builds": "idx_builds_latest",
}
EVERY = dict.fromkeys(("project", "platform", "os_version", "image_type")) | {
    "rules": "[]",
    "inferred": True,
    "every": True,
    "newest": True,
    "own": None,
    "lost": "{}",
    "ids": "{01a22be1-57ae-7574-b2af-ed20f4b3acc7}",
    "now": datetime.now(UTC),
}
TWINS = ["/overview.json", *(f"{path}.json" for path in PAGES[1:])]
INBOX_TWINS = ["/deliveries.json", "/setup.json"]


def report(client: FlaskClient, number: str, status: str = "completed", **build: str) -> None:
    made = manifest({"builder_type": "amazon-ebs", "artifact_id": "eu-1:ami-1,us-1:ami-2"})
    more = {"manifest": made} if status == "completed" else {}
    end = verdict(status, 9, failure=FAILURE) if status == "failed" else verdict(status, 9)
    events = (stage("Base configuration", state=15), end)
    post(client, envelope(*events, number=number, run=number, build=OF | build, **more))


def report_failed(client: FlaskClient, number: str, message: str) -> None:
    end = verdict("failed", 9, failure={"message": message})
    post(client, envelope(end, number=number, run=number, build=OF))


def waiting() -> Iterator[None]:
    """Wait between polls: their answer may be half a second old."""
    for _ in range(100):
        yield
        time.sleep(0.05)


@pytest.mark.parametrize("path", [*PAGES, *TWINS])
def test_a_page_that_did_not_change_is_not_sent_again(client: FlaskClient, path: str):
    report(client, "n-1")
    tag = client.get(path).headers["ETag"]
    again = client.get(path, headers={"If-None-Match": tag})
    assert again.status_code in (200, 304)  # a minute may just have ended
    report(client, "n-1", "failed")
    polls = (client.get(path, headers={"If-None-Match": tag}) for _ in waiting())
    assert any(poll.status_code == 200 for poll in polls)


@pytest.mark.parametrize("path", [*TWINS, *INBOX_TWINS])
def test_every_page_has_a_twin_in_json(client: FlaskClient, path: str):
    report(client, "n-1")
    response = client.get(path)
    assert response.mimetype == "application/json"
    assert response.get_json()


@pytest.mark.parametrize("path", [*PAGES, *TWINS, *INBOX_TWINS, "/feed.atom", "/badge/core.svg"])
def test_page_that_is_not_public_is_closed(
    serve: Callable[[Config], FlaskClient], config: Config, path: str
):
    assert serve(replace(config, public_read=False)).get(path).status_code == 401


def test_the_latest_build_of_each_combination_is_shown(client: FlaskClient):
    report(client, "n-1")
    report(client, "n-2", "failed")
    report(client, "n-3", image_type="web")
    report(client, "n-4", project="")
    cells = client.get("/overview.json").get_json()["latest"]
    assert {cell["build_number"] for cell in cells} == {"n-2", "n-3", "n-4"}


def test_failure_before_a_good_build_is_not_listed_as_failed(client: FlaskClient):
    report(client, "n-1", "failed")
    assert [row["build_number"] for row in client.get("/overview.json").get_json()["failed"]] == [
        "n-1"
    ]
    report(client, "n-2")
    assert client.get("/overview.json").get_json()["failed"] == []


def test_latest_good_image_is_listed_for_every_region(client: FlaskClient):
    report(client, "n-1")
    report(client, "n-2", "failed")
    items = client.get("/images.json").get_json()["items"]
    assert [(item["region"], item["use"]) for item in items] == [
        ("eu-1", 'ami = "ami-1"'),
        ("us-1", 'ami = "ami-2"'),
    ]


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("status=failed", ["n-2"]),
        ("image_type=web", ["n-3"]),
        ("text=N-1", ["n-1"]),
        ("high=50", ["n-2"]),
        ("project=core", ["n-3", "n-2", "n-1"]),
        ("since=2026-01-02", []),
        ("order=state", ["n-2", "n-3", "n-1"]),
    ],
)
def test_filter_returns_the_matching_builds(client: FlaskClient, query: str, numbers: list[str]):
    report(client, "n-1")
    report(client, "n-2", "failed")
    report(client, "n-3", image_type="web")
    items = client.get(f"/builds.json?{query}").get_json()["items"]
    assert [item["build_number"] for item in items] == numbers


@pytest.mark.parametrize("query", ["low=x", "high=101", "since=never", "order=odd", "after=x"])
def test_a_wrong_filter_is_422(client: FlaskClient, query: str):
    assert client.get(f"/builds?{query}").status_code == 422


def test_the_inbox_and_the_senders_in_json(client: FlaskClient):
    report(client, "n-1")
    inbox = client.get("/deliveries.json?outcome=stored").get_json()
    assert (len(inbox["items"]), inbox["next"]) == (1, None)
    senders = client.get("/setup.json").get_json()["items"]
    assert {each["source"] for each in senders} == {"milepost", "packer"}


def test_a_badge_is_svg_and_endpoint_json(client: FlaskClient):
    report(client, "n-1")
    path = "/badge/core/aws/rhel-9/base"
    svg = client.get(f"{path}.svg")
    assert svg.mimetype == "image/svg+xml"
    assert "100 completed" in "".join(ElementTree.fromstring(svg.text).itertext())
    again = client.get(f"{path}.svg", headers={"If-None-Match": svg.headers["ETag"]})
    assert again.status_code in (200, 304)  # its age may just have changed
    assert client.get(f"{path}.json").get_json()["schemaVersion"] == 1
    assert client.get("/badge/core.json").get_json()["message"] == "1/1 good"
    assert client.get("/badge/none.svg").status_code == 404


def test_the_feed_is_well_formed_whatever_a_sender_wrote(client: FlaskClient):
    report(client, "n-1", image_type="<b>\x01&")
    feed = client.get("/feed.atom?status=completed")
    root = ElementTree.fromstring(feed.data)
    assert [each.text for each in root.iter("{http://www.w3.org/2005/Atom}title")][1:] == [
        "n-1: 100 completed"
    ]


def test_resolving_a_failure_needs_a_token(client: FlaskClient):
    report(client, "n-1", "failed")
    failure = get_build(client, "n-1")["failures"][0]
    answer = client.post(f"/failures/{failure['id']}", data={"notes": "x"})
    assert answer.status_code == 401
    assert get_build(client, "n-1")["failures"][0]["resolved"] is False


def test_failures_of_one_shape_are_one_group(client: FlaskClient):
    report(client, "n-1", "failed")
    report(client, "n-2", "failed")
    (group,) = client.get("/failures.json").get_json()["groups"]
    assert (group["component"], group["count"]) == ("ansible", 2)
    assert group["shape"] == message_shape(FAILURE["message"]) == "no route after # s"


def test_failures_that_differ_in_a_secret_are_one_group_without_it(client: FlaskClient):
    for number in ("n-1", "n-2"):
        report_failed(client, number, f"login failed: password=hunter{number} in 3 s")
    for path in ("/failures", "/failures.json"):
        assert "hunter" not in client.get(path).text
    (group,) = client.get("/failures.json").get_json()["groups"]
    assert (group["shape"], group["count"]) == ("login failed: password=*** in # s", 2)
    shown = [each["error_message"] for each in group["failures"]]
    assert shown == ["login failed: password=*** in 3 s"] * 2


@pytest.mark.parametrize(
    "message", ["  -u ada:hunter2 x", "\t--user=ada:hunter2", 'password="hunter2\rmore"']
)
def test_secret_in_a_group_is_masked(client: FlaskClient, message: str):
    report_failed(client, "n-1", message)
    for path in ("/failures", "/failures.json"):
        assert "hunter" not in client.get(path).text


def test_no_page_scans_a_growing_table(url: str):
    fill(url, 3_000)  # with its statistics: of a few rows any index is as good
    with psycopg.connect(url) as connection:
        connection.execute("SET enable_seqscan = off")
        for name, index in INDEXES.items():
            with open(f"sql/queries/{name}.sql", "rb") as file:
                plan = connection.execute(b"EXPLAIN " + file.read(), EVERY).fetchall()
            assert index in str(plan)
            assert "Seq Scan on builds" not in str(plan)
