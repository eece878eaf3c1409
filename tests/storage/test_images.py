"""The latest good image of a combination, whatever happened to its builds."""

from collections.abc import Callable

import pytest
from click.testing import Result
from flask.testing import FlaskClient

from tests.support.senders import envelope, manifest, post, verdict

OF = {"project": "core", "platform": "aws", "os_version": "rhel-9", "image_type": "web"}
PATH = "/api/v1/images/aws/rhel-9/web"
Report = Callable[..., None]


@pytest.fixture
def report(client: FlaskClient) -> Report:
    """One attempt of a build: how and when it ended, and the ids of what it made, by region."""

    def send(number: str, status: str, minutes: int, *made: str, attempt: int = 1) -> None:
        run = f"{number}-{attempt}"
        entries = ({"builder_type": "amazon-ebs", "artifact_id": each} for each in made)
        document = manifest(*entries, run_uuid=run)
        more = {"manifest": document} if made else {}
        said = envelope(
            verdict(status, minutes),
            number=number,
            run=run,
            run_more={"attempt": attempt},
            build=OF,
            **more,
        )
        assert post(client, said).status_code == 202

    return send


def image(client: FlaskClient, region: str = "") -> str | None:
    """The good one as a shell gets it; None where there is none."""
    answer = client.get(f"{PATH}?format=text{region and f'&region={region}'}")
    assert answer.status_code in (200, 404), answer.text
    return answer.text.strip() if answer.status_code == 200 else None


def test_artifact_of_a_failed_attempt_is_no_image(client: FlaskClient, report: Report):
    report("n-1", "failed", 10, "us-1:ami-broken")
    report("n-1", "completed", 20, "eu-1:ami-good", attempt=2)
    assert (image(client, "us-1"), image(client, "eu-1")) == (None, "ami-good")


def test_artifact_of_a_failed_attempt_stays_no_image_if_the_next_attempt_makes_none(
    client: FlaskClient, report: Report
):
    report("n-1", "failed", 10, "us-1:ami-broken")
    report("n-1", "completed", 20, attempt=2)
    assert image(client, "us-1") is None


def test_only_the_last_attempt_counts(client: FlaskClient, report: Report):
    report("n-1", "completed", 10, "us-1:ami-first")
    report("n-1", "failed", 20, "us-1:ami-second", attempt=2)
    assert image(client) is None
    report("n-1", "completed", 30, "us-1:ami-third", attempt=3)
    assert image(client) == "ami-third"


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_latest_image_is_of_the_build_that_completed_last(
    client: FlaskClient, report: Report, order: tuple[int, int]
):
    for place in order:
        report(f"n-{place}", "completed", 10 * place, f"us-1:ami-{place}")
    assert image(client) == "ami-2"


def test_build_without_artifacts_hides_no_image(client: FlaskClient, report: Report):
    report("n-1", "completed", 10, "us-1:ami-1,eu-1:ami-2")
    report("n-2", "completed", 20)
    assert (image(client, "us-1"), image(client, "eu-1")) == ("ami-1", "ami-2")
    report("n-3", "completed", 30, "us-1:ami-3")
    assert (image(client, "us-1"), image(client, "eu-1")) == ("ami-3", "ami-2")
    assert image(client) == "ami-3"


def test_region_without_artifacts_in_ten_builds_has_no_image(client: FlaskClient, report: Report):
    report("n-0", "completed", 1, "eu-1:ami-0")
    for place in range(1, 10):
        report(f"n-{place}", "completed", 10 * place, f"us-1:ami-{place}")
    assert image(client, "eu-1") == "ami-0"
    report("n-10", "completed", 100, "us-1:ami-10")
    assert image(client, "eu-1") is None


def test_image_is_found_by_its_old_names(
    client: FlaskClient, report: Report, command: Callable[..., Result]
):
    report("n-1", "completed", 10, "us-1:ami-1")
    for kind, old, new in (("platform", "aws", "cloud"), ("project", "core", "heart")):
        assert command("rename", kind, old, new).exit_code == 0
    assert client.get(f"{PATH}?project=core&format=text").text == "ami-1\n"
    assert client.get("/badge/core/aws/rhel-9/web.svg").text.count("completed")
    assert client.get("/api/v1/images/a%00b/rhel-9/web").status_code == 404


def test_several_images_are_422_with_the_values_that_tell_them_apart(
    client: FlaskClient, report: Report
):
    report("n-1", "completed", 10, "us-1:ami-1,eu-1:ami-2")
    answer = client.get(PATH)
    assert answer.status_code == 422
    assert answer.get_json()["errors"] == {"region": ["Say one of eu-1, us-1."]}
