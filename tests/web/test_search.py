"""`/search`: one field for builds, images, commits and artifact ids."""

from collections.abc import Callable

import psycopg
import pytest
from flask.testing import FlaskClient

from tests.support.senders import COMBINATION, envelope, manifest, post, verdict

ARTIFACT = "ami-0123456789abcdef0"


@pytest.fixture
def searched(client: FlaskClient) -> FlaskClient:
    """Two builds of one image, and one of another project."""
    made = manifest({"builder_type": "amazon-ebs", "artifact_id": f"eu-central-1:{ARTIFACT}"})
    for number, commit in (("core-1", "abc123ff"), ("core-2", "ABC123EE")):
        run = {"commit": commit.lower()}
        document = envelope(verdict("completed"), number=number, run=number, build=COMBINATION)
        post(client, document | {"run": document["run"] | run, "manifest": made})
    other = COMBINATION | {"project": "web", "platform": "azure", "os_version": "ubuntu-24.04"}
    post(client, envelope(verdict("failed"), number="web-9", run="r9", build=other))
    return client


def found(client: FlaskClient, text: str) -> set[str]:
    answer = client.get("/search.json", query_string={"q": text}).get_json()
    return {row["build_number"] for row in answer["builds"]}


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("core-", {"core-1", "core-2"}),
        ("web-9", {"web-9"}),
        ("abc123", {"core-1", "core-2"}),
        ("ABC123FF", {"core-1"}),
        (ARTIFACT, {"core-1", "core-2"}),
        ("core_", set()),
        ("%", set()),
        ("\0", set()),
        ("x" * 5_000, set()),
    ],
)
def test_a_text_finds_the_builds_that_begin_so(searched: FlaskClient, text: str, numbers: set[str]):
    assert found(searched, text) == numbers


def test_a_whole_number_leads_to_its_build(searched: FlaskClient):
    answer = searched.get("/search?q=core-1")
    assert (answer.status_code, answer.location) == (302, "/builds/core-1")


def test_words_lead_to_the_only_image_with_all_of_them(searched: FlaskClient):
    answer = searched.get("/search?q=ubuntu+azure")
    assert answer.status_code == 302
    assert "ubuntu-24.04" in answer.location
    assert [row["project"] for row in searched.get("/search.json?q=hana").get_json()["images"]] == [
        "core",
        "web",
    ]


def test_a_token_of_one_project_finds_nothing_of_others(
    searched: FlaskClient, token: Callable[..., str]
):
    headers = {"Authorization": f"Bearer {token('read', '--project', 'web')}"}
    for text in ("core-", "abc123", ARTIFACT):
        answer = searched.get(f"/search.json?q={text}", headers=headers).get_json()
        assert answer == {"builds": [], "images": []}
    images = searched.get("/search.json?q=hana", headers=headers).get_json()["images"]
    assert [row["project"] for row in images] == ["web"]


def test_many_builds_of_others_hide_none_of_a_token_s_own(
    searched: FlaskClient, token: Callable[..., str]
):
    for place in range(21):
        number = f"web-{place:02}"
        post(searched, envelope(verdict("failed"), number=number, run=number, build=COMBINATION))
    assert len(found(searched, "web-")) == 20
    headers = {"Authorization": f"Bearer {token('read', '--project', 'web')}"}
    (row,) = searched.get("/search.json?q=web-", headers=headers).get_json()["builds"]
    assert row["build_number"] == "web-9"


def test_a_very_long_artifact_id_and_commit_are_kept(client: FlaskClient, url: str):
    made = manifest({"builder_type": "null", "artifact_id": "long " * 2_000})
    document = envelope(verdict("completed"), number="long")
    run = document["run"] | {"commit": "c" * 5_000}
    assert post(client, document | {"run": run, "manifest": made}).status_code in (202, 422)
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE artifacts SET artifact_id = repeat('a1b2 ', 3000)")
        connection.execute("UPDATE builds SET commit_sha = md5('1') || repeat('c', 9000)")
