"""Named senders: their posts, their projects, and the defaults of their file."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import orjson
import psycopg
import pytest
from click.testing import Result
from flask.testing import FlaskClient

from receiver.config import Config
from tests.support.forges import workflow_job
from tests.support.samples import ROUTE_FILE
from tests.support.senders import BEARER, add_sender, envelope, get_build, manifest, proof, stage

Serve = Callable[[Config], FlaskClient]
Command = Callable[..., Result]
Token = Callable[..., str]


@pytest.fixture
def receiver(serve: Serve, config: Config) -> FlaskClient:
    """A receiver on the data directory that `command` writes to."""
    return serve(replace(config, routes=ROUTE_FILE))


def deliver(client: FlaskClient, path: str, secret: str, document: object, **more: str):
    body = orjson.dumps(document)
    headers = proof(path.split("/")[2], secret, body) | more
    return client.post(path, data=body, headers=headers, content_type="application/json")


@pytest.mark.parametrize("source", ["milepost", "packer", "github", "gitlab", "jenkins"])
def test_a_sender_posts_without_a_restart(receiver: FlaskClient, command: Command, source: str):
    assert receiver.post(f"/webhooks/{source}/team-a").status_code == 404
    path, secret = add_sender(command, "team-a", "--source", source)
    document = {
        "milepost": envelope(stage("Base")),
        "packer": manifest({}),
        "jenkins": {"build": {"number": 1}},
    }.get(source, {"object_kind": "x"})
    assert deliver(receiver, path, secret, document).status_code == 202
    assert deliver(receiver, path, secret[:9] + "AAAA" + secret[13:], document).status_code == 401
    assert command("sender", "remove", "team-a").exit_code == 0
    assert deliver(receiver, path, secret, document).status_code == 404


def test_rotation_leaves_the_old_secret_valid_until_it_is_finished(
    receiver: FlaskClient, command: Command
):
    path, old = add_sender(command, "team-a")
    new = re.search(r"MILEPOST_SECRET=(\S+)", command("sender", "rotate", "team-a").stdout)
    assert new
    for place, secret in enumerate((old, new[1])):
        document = envelope(stage(f"Step {place}"))
        assert deliver(receiver, path, secret, document).status_code == 202
    assert command("sender", "rotate", "team-a", "--finish").exit_code == 0
    assert deliver(receiver, path, old, envelope(stage("x"))).status_code == 401
    assert deliver(receiver, path, new[1], envelope(stage("y"))).status_code == 202


def test_a_sender_writes_only_its_projects(receiver: FlaskClient, command: Command):
    path, secret = add_sender(command, "team-a", "--project", "core")
    own = envelope(stage("Base"), number="own", build={"project": "core"})
    assert deliver(receiver, path, secret, own).status_code == 202
    other = envelope(stage("Base"), number="other", build={"project": "edge"})
    refused = deliver(receiver, path, secret, other)
    assert (refused.status_code, list(refused.get_json()["errors"])) == (422, ["build.project"])
    assert deliver(receiver, "/webhooks/milepost", BEARER, other).status_code == 202
    foreign = envelope(stage("Storage"), number="other")
    refused = deliver(receiver, path, secret, foreign)
    assert (refused.status_code, list(refused.get_json()["errors"])) == (422, ["build.number"])
    assert [row["stage"] for row in get_build(receiver, "other")["states"]] == ["Base"]


def test_the_only_project_of_a_sender_is_its_default(receiver: FlaskClient, command: Command):
    path, secret = add_sender(command, "team-a", "--project", "core")
    assert deliver(receiver, path, secret, envelope(stage("Base"))).status_code == 202
    assert get_build(receiver)["project"] == "core"
    path, secret = add_sender(command, "team-b", "--project", "core", "--project", "edge")
    unsaid = deliver(receiver, path, secret, envelope(stage("Base"), number="b"))
    assert unsaid.get_json()["errors"] == {"build.project": ["Name one of core, edge."]}


def test_a_forges_delivery_about_another_project_is_quarantined(
    receiver: FlaskClient, command: Command, url: str
):
    path, secret = add_sender(command, "team-a", "--source", "github", "--project", "edge")
    document = workflow_job("completed", "success")
    event = {"X-GitHub-Event": "workflow_job"}
    assert deliver(receiver, path, secret, document, **event).status_code == 202
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT sender, outcome, reason FROM deliveries").fetchone()
    assert row
    assert row[:2] == ("team-a", "quarantined")
    assert "This sender writes edge only." in row[2]


DEFAULTS = r"""
[[default]]
sender = "team-a"
platform = "aws-commercial"

[[default]]
build_number = '(?P<os_version>rhel-\d+)'

[[default]]
for_project = "core"
branch = '^release/'
image_type = "release"

[[default]]
builder_type = '^amazon-ebs$'
platform = "aws"
"""


@pytest.mark.parametrize(
    ("document", "dimensions"),
    [
        (envelope(stage("x"), number="rhel-9-x"), (None, "aws-commercial", "rhel-9", "unknown")),
        (
            envelope(stage("x"), number="rhel-9-x", build={"os_version": "sles-15"}),
            (None, "aws-commercial", "sles-15", "unknown"),
        ),
        (
            envelope(stage("x"), build={"project": "core"}, run_more={"branch": "release/9"}),
            ("core", "aws-commercial", "unknown", "release"),
        ),
        (
            envelope(stage("x"), build={"platform": "azure"}),
            (None, "azure", "unknown", "unknown"),
        ),
    ],
)
def test_a_default_gives_a_dimension_that_is_not_named(
    receiver: FlaskClient,
    command: Command,
    tmp_path: Path,
    document: dict[str, object],
    dimensions: tuple[object, ...],
):
    (tmp_path / "senders.toml").write_text(DEFAULTS)
    path, secret = add_sender(command, "team-a")
    answer = deliver(receiver, path, secret, document)
    build = get_build(receiver, answer.get_json()["builds"][0])
    names = ("project", "platform", "os_version", "image_type")
    assert tuple(build[name] for name in names) == dimensions


@pytest.mark.parametrize(
    ("default", "names"),
    [
        ("entry = '^golden-(?P<os_version>rhel-[0-9]+)'", {"entry": "golden-rhel-9"}),
        ("workflow = '^Images of (?P<os_version>.+)$'", {"workflow": "Images of rhel-9"}),
        ("job = '^(?P<os_version>rhel-[0-9]+)$'", {"job": "rhel-9"}),
    ],
)
def test_a_default_states_what_a_raw_name_tells(
    receiver: FlaskClient, tmp_path: Path, default: str, names: dict[str, str]
):
    (tmp_path / "senders.toml").write_text(f"[[default]]\n{default}\nimage_type = 'base'\n")
    document = envelope(stage("x"), build={"names": names})
    assert deliver(receiver, "/webhooks/milepost", BEARER, document).status_code == 202
    build = get_build(receiver)
    assert (build["os_version"], build["image_type"]) == ("rhel-9", "base")
    assert not (build["inferred"] or {}).keys() & {"os_version", "image_type"}


def test_a_default_matches_the_name_of_a_manifests_entry(
    receiver: FlaskClient, command: Command, tmp_path: Path
):
    default = "entry = '^golden$'\nos_version = 'rhel-9'\nimage_type = 'base'"
    (tmp_path / "senders.toml").write_text(f"[[default]]\n{default}\n")
    path, secret = add_sender(command, "team-b", "--source", "packer")
    made = manifest({"name": "golden", "builder_type": "amazon-ebs"})
    answer = deliver(receiver, path, secret, made)
    build = get_build(receiver, answer.get_json()["builds"][0])
    assert (build["os_version"], build["image_type"]) == ("rhel-9", "base")
    assert build["inferred"] == {"platform": "builder"}


def test_a_default_outranks_the_builder_type(
    receiver: FlaskClient, command: Command, tmp_path: Path
):
    (tmp_path / "senders.toml").write_text(DEFAULTS)
    path, secret = add_sender(command, "team-b", "--source", "packer")
    document = manifest({"builder_type": "amazon-ebs"})
    answer = deliver(receiver, path, secret, document)
    assert get_build(receiver, answer.get_json()["builds"][0])["platform"] == "aws"
    answer = deliver(receiver, f"{path}?platform=azure&build_number=b", secret, document)
    assert get_build(receiver, "b")["platform"] == "azure"


def test_the_answer_to_a_heartbeat_names_the_dimensions(
    receiver: FlaskClient, command: Command, tmp_path: Path
):
    (tmp_path / "senders.toml").write_text(DEFAULTS)
    path, secret = add_sender(command, "team-a")
    beat = {"kind": "heartbeat", "at": "2026-01-01T10:00:00Z"}
    answer = deliver(receiver, path, secret, envelope(beat, number="rhel-9-x")).get_json()
    assert answer["identity"] == {
        "project": None,
        "platform": "aws-commercial",
        "os_version": "rhel-9",
        "image_type": None,
    }


def csrf(client: FlaskClient) -> str:
    field = re.search(r'name="csrf" value="([^"]+)"', client.get("/setup").text)
    assert field
    return field[1]


@pytest.mark.parametrize(
    "source", ["milepost", "packer", "github", "gitlab", "jenkins", "cloudevents"]
)
def test_setup_shows_each_sender_and_accepts_its_test(
    receiver: FlaskClient, command: Command, token: Token, source: str
):
    _, secret = add_sender(command, "team-a", "--source", source, "--project", "core")
    text = receiver.get("/setup").text
    assert f"/webhooks/{source}/team-a" in text
    assert secret not in text
    assert "Not heard yet" in text
    data = {"csrf": csrf(receiver), "source": source, "sender": "team-a"}
    assert receiver.post("/setup/test", data=data).status_code == 401
    headers = {"Authorization": f"Bearer {token('write')}"}
    tested = receiver.post("/setup/test", data=data, headers=headers)
    assert f"/webhooks/{source}/team-a, with a secret for this test" in tested.text or (
        f"/webhooks/{source}/team-a, signed with its only secret, was verified." in tested.text
    )
    assert "✗</span>" not in tested.text.partition('role="status"')[2].partition("</div>")[0]
    assert receiver.get("/api/v1/builds").get_json()["items"] == []
