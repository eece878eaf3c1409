"""A completed build whose image turns out to be bad: each way of saying so takes it back."""

from collections.abc import Callable

import pytest
from click.testing import Result
from flask.testing import FlaskClient

from tests.support.api import Api
from tests.support.channels import IMAGE, PATH, assign, create, report, served
from tests.support.senders import envelope, post, stage, verdict

Command = Callable[..., Result]


@pytest.fixture
def two(client: FlaskClient, api: Api) -> Api:
    """Two good builds of one image."""
    report(client, "n-1", 10, "us-1:ami-1")
    report(client, "n-2", 20, "us-1:ami-2")
    return api


@pytest.mark.parametrize(
    "arguments",
    [
        ("fail", "n-2", "does not boot", "--stage", "Smoke test"),
        ("state", "n-2", "failed", "--stage", "Smoke test"),
    ],
)
def test_failure_of_a_completed_build_takes_its_image_back_until_it_is_resolved(
    two: Api, command: Command, arguments: tuple[str, ...]
):
    assert command(*arguments).exit_code == 0
    assert served(two) == "ami-1"
    assert command("fail", "n-1", "either", "--stage", "Smoke test").exit_code == 0
    answer = two.send("GET", f"{PATH}?format=text", scope="read")
    assert answer.status_code == 404
    assert "a failure was reported after it was completed" in answer.get_json()["detail"]
    create(two, "prod")
    assert assign(two, "prod", "n-2").get_json()["code"] == "not-assignable"
    (failure,) = two.items("/builds/n-2/failures")
    assert command("resolve", failure["id"], "--notes", "a flaky test").exit_code == 0
    assert served(two) == "ami-2"


def test_failure_before_the_end_takes_nothing_back(client: FlaskClient, api: Api):
    tries = [stage("Tests", "failed", 1), stage("Tests", "started", 2)]
    said = envelope(*tries, number="n-1", run="run-n-1", build=IMAGE)
    assert post(client, said).status_code == 202
    report(client, "n-1", 10, "us-1:ami-1")
    assert served(api) == "ami-1"


def test_failed_verdict_of_a_completed_build_takes_its_image_back(two: Api, client: FlaskClient):
    said = envelope(verdict("failed", 30), number="n-2", run="run-n-2-again", build=IMAGE)
    assert post(client, said).status_code == 202
    assert served(two) == "ami-1"


def test_cancelled_again_is_not_served_and_a_completed_build_is_revoked_instead(
    two: Api, client: FlaskClient, command: Command
):
    ended = command("cancel", "n-2")
    assert ended.exit_code == 1
    assert "milepost revoke n-2" in ended.output
    again = envelope(stage("Base", minutes=30), number="n-2", run="again", build=IMAGE)
    assert post(client, again).status_code == 202
    assert command("cancel", "n-2").exit_code == 0
    assert served(two) == "ami-1"


def test_image_whose_only_build_runs_again_says_so(client: FlaskClient, api: Api):
    report(client, "n-1", 10, "us-1:ami-1")
    again = envelope(stage("Base", minutes=30), number="n-1", run="again", build=IMAGE)
    assert post(client, again).status_code == 202
    answer = api.send("GET", f"{PATH}?format=text", scope="read")
    assert answer.status_code == 404
    assert "attempt 2 of build n-1 is running" in answer.get_json()["detail"]
    said = envelope(verdict("failed", 40), number="n-1", run="again", build=IMAGE)
    assert post(client, said).status_code == 202
    detail = api.send("GET", f"{PATH}?format=text", scope="read").get_json()["detail"]
    assert "attempt 2 of build n-1, the newest, is failed" in detail
