"""milepost merge: its undo, and the names that look alike."""

import json
from collections.abc import Callable

import psycopg
import pytest
from click.testing import Result
from flask.testing import FlaskClient

from receiver.domain.alike_names import pairs
from receiver.domain.model import DIMENSIONS
from tests.support.api import Api
from tests.support.senders import envelope, get_build, manifest, post, stage, verdict

Command = Callable[..., Result]
TABLES = {
    "builds": "build_number, project_id, platform_id, os_version_id, image_type_id",
    **dict.fromkeys(("platforms", "os_versions", "image_types", "projects"), "*"),
    "name_aliases": "*",
    "confirmed_images": "*",
    "tokens": "id, project",
}
WORDS = {name: name.replace("_", "-") for name in DIMENSIONS}
each_dimension = pytest.mark.parametrize("dimension", DIMENSIONS)


def report(client: FlaskClient, number: str, **build: str) -> None:
    assert post(client, envelope(stage("Base"), number=number, build=build)).status_code == 202


def rows(url: str) -> dict[str, list[str]]:
    """Return what the tables hold that a merge touches; a project's change of place has a time."""
    with psycopg.connect(url) as connection:
        return {
            table: sorted(
                str(row) for row in connection.execute(f"SELECT {columns} FROM {table}".encode())
            )
            for table, columns in TABLES.items()
        }


@each_dimension
def test_the_undo_of_a_merge_leaves_everything_as_before(
    client: FlaskClient, command: Command, api: Api, url: str, dimension: str
):
    image = {"project": "core", "platform": "aws", "os_version": "rhel-9", "image_type": "base"}
    other = image | {dimension: "other"}
    for number, build in (("one", other), ("two", image), ("three", other)):
        report(client, number, **build)
    assert command("rename", WORDS[dimension], "other", "old").exit_code == 0
    report(client, "four", **other)
    api.send("POST", "/confirmed_images", json=image | {dimension: "old"})
    api.token("write", "--project", "old" if dimension == "project" else "core")
    before = rows(url)
    into = image[dimension]
    assert command("merge", WORDS[dimension], "old", into, "--yes").exit_code == 0
    for number in ("one", "two", "three", "four"):
        assert get_build(client, number)[dimension] == into
    undone = command("merge", WORDS[dimension], "old", "--undo")
    assert undone.stdout == f"old is no longer {into}: it has 3 builds again.\n"
    assert rows(url) == before


def test_builds_of_a_merge_follow_their_reports_after_the_undo(
    client: FlaskClient, command: Command
):
    report(client, "one", os_version="rhel9")
    report(client, "two", os_version="rhel-9")
    command("merge", "os-version", "rhel9", "rhel-9", "--yes")
    report(client, "three", os_version="rhel9")
    command("merge", "os-version", "rhel9", "--undo")
    report(client, "four", os_version="rhel9")
    names = [get_build(client, number)["os_version"] for number in ("one", "two", "three", "four")]
    assert names == ["rhel9", "rhel-9", "rhel9", "rhel9"]


def test_projects_keep_their_places_after_the_undo(
    client: FlaskClient, command: Command, api: Api, url: str
):
    for number, project in (("one", "parent"), ("two", "child"), ("three", "other")):
        report(client, number, project=project)
    for name in ("child", "other"):
        api.send("PATCH", f"/projects/{name}", scope="admin", json={"parent": "parent"})
    before = rows(url)["projects"]
    command("merge", "project", "parent", "child", "--yes")
    command("merge", "project", "parent", "--undo")
    assert rows(url)["projects"] == before


def test_merges_are_undone_in_any_order(client: FlaskClient, command: Command):
    for number in ("a", "b", "c"):
        report(client, number, platform=number)
    command("merge", "platform", "a", "b", "--yes")
    command("merge", "platform", "b", "c", "--yes")
    command("merge", "platform", "a", "--undo")
    assert [get_build(client, each)["platform"] for each in ("a", "b", "c")] == ["a", "c", "c"]
    command("merge", "platform", "b", "--undo")
    assert [get_build(client, each)["platform"] for each in ("a", "b", "c")] == ["a", "b", "c"]


@pytest.mark.parametrize("order", [("child", "parent"), ("parent", "child")])
def test_project_and_its_parent_that_were_merged_come_back_in_any_order(
    client: FlaskClient, command: Command, api: Api, url: str, order: tuple[str, str]
):
    for name in ("parent", "child", "one", "two"):
        report(client, name, project=name)
    api.send("PATCH", "/projects/child", scope="admin", json={"parent": "parent"})
    before = rows(url)["projects"]
    command("merge", "project", "child", "one", "--yes")
    command("merge", "project", "parent", "two", "--yes")
    for name in order:
        undone = command("merge", "project", name, "--undo")
        assert undone.exit_code == 0, undone.output
    assert rows(url)["projects"] == before


def test_undo_puts_no_project_below_itself(client: FlaskClient, command: Command, api: Api):
    for name in ("parent", "child", "grandchild", "one"):
        report(client, name, project=name)
    for name, parent in (("child", "parent"), ("grandchild", "child")):
        api.send("PATCH", f"/projects/{name}", scope="admin", json={"parent": parent})
    command("merge", "project", "child", "one", "--yes")
    command("merge", "project", "parent", "grandchild", "--yes")
    assert command("merge", "project", "child", "--undo").exit_code == 0
    assert client.get("/api/v1/projects/child").get_json()["parent"] is None
    assert client.get("/api/v1/projects/grandchild").get_json()["parent"] == "child"


def test_a_merge_of_the_release_before_can_be_undone(
    client: FlaskClient, command: Command, url: str
):
    report(client, "one", platform="a")
    report(client, "two", platform="b")
    command("merge", "platform", "a", "b", "--yes")
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE name_aliases SET merged = NULL")
    command("merge", "platform", "a", "--undo")
    assert get_build(client, "one")["platform"] == "a"


def test_an_old_name_and_the_new_one_are_no_conflict(client: FlaskClient, command: Command):
    def say(name: str, **build: str) -> None:
        assert post(client, envelope(stage(name), number="one", build=build)).status_code == 202

    say("first", os_version="rhel9", project="core")
    assert command("rename", "os-version", "rhel9", "rhel-9").exit_code == 0
    assert command("rename", "project", "core", "heart").exit_code == 0
    say("second", os_version="rhel-9", project="heart")
    build = get_build(client, "one")
    assert (build["conflict"], build["os_version"], build["project"]) == (None, "rhel-9", "heart")
    say("third", os_version="rhel-8")
    said = {"os_version": ["rhel-8", "rhel-9", "rhel9"]}
    assert get_build(client, "one")["conflict"] == said


def test_two_names_of_one_thing_are_no_conflict(client: FlaskClient, command: Command):
    for name in ("rhel9", "rhel-9"):
        post(client, envelope(stage(name), number="one", build={"os_version": name}))
    assert get_build(client, "one")["conflict"] == {"os_version": ["rhel-9", "rhel9"]}
    command("merge", "os-version", "rhel9", "rhel-9", "--yes")
    assert get_build(client, "one")["conflict"] is None
    report(client, "one", os_version="rhel9", image_type="base")
    assert get_build(client, "one")["conflict"] is None
    command("merge", "os-version", "rhel9", "--undo")
    assert get_build(client, "one")["conflict"] == {"os_version": ["rhel-9", "rhel9"]}


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["platform", "renamed", "--undo"], "renamed is the name of no platform that was merged."),
        (["platform", "none", "--undo"], "none is the name of no platform that was merged."),
        (["platform", "a"], "Name the dimension, OLD and INTO"),
        (["platform", "a", "b", "--undo"], "Name the dimension, OLD and INTO"),
    ],
)
def test_what_was_not_merged_cannot_be_undone(
    client: FlaskClient, command: Command, arguments: list[str], problem: str
):
    report(client, "one", platform="renamed")
    command("rename", "platform", "renamed", "a")
    refused = command("merge", *arguments, "--yes")
    assert refused.exit_code != 0
    assert problem in refused.output


def test_merges_are_listed(client: FlaskClient, command: Command):
    report(client, "one", platform="a")
    report(client, "two", platform="b")
    command("merge", "platform", "a", "b", "--yes")
    (merge,) = json.loads(command("merge", "--json").stdout)
    assert [merge[name] for name in ("dimension", "name", "into")] == ["platform", "a", "b"]
    command("merge", "platform", "a", "--undo")
    assert json.loads(command("merge", "--json").stdout) == []


def test_builds_move_in_batches(
    client: FlaskClient, command: Command, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("receiver.storage.merges.MOVED_AT_ONCE", 2)
    monkeypatch.setattr("receiver.storage.merges.FOLDED_AT_ONCE", 2)
    for number in range(5):
        report(client, f"n-{number}", platform="a")
    report(client, "other", platform="b")
    assert command("merge", "platform", "a", "b", "--yes").stdout == "a is b now: 5 builds moved.\n"
    assert command("merge", "platform", "a", "--undo").stdout.endswith("it has 5 builds again.\n")


def test_alike_names_are_suggested_with_what_each_serves(client: FlaskClient, command: Command):
    image = {"platform": "aws", "image_type": "base"}
    for number, name in (("one", "rhel9"), ("two", "rhel-9")):
        entry = {
            "name": "x",
            "builder_type": "amazon-ebs",
            "artifact_id": f"us-east-1:ami-{number}",
        }
        build = image | {"os_version": name}
        made = envelope(verdict("completed"), number=number, build=build, manifest=manifest(entry))
        assert post(client, made).status_code == 202
    (pair,) = json.loads(command("merge", "--suggest", "--json").stdout)
    assert pair == {
        "dimension": "os_version",
        "name": "rhel9",
        "into": "rhel-9",
        "builds": 1,
        "into_builds": 1,
        "serves": "ami-one of one",
        "into_serves": "ami-two of two",
    }
    assert get_build(client, "one")["os_version"] == "rhel9"


@pytest.mark.parametrize(
    ("dimension", "names", "expected"),
    [
        ("os_version", ["rhel9", "RHEL 9", "rhel-9"], [("RHEL 9", "rhel-9"), ("rhel9", "rhel-9")]),
        ("os_version", ["Ubuntu 24.04", "ubuntu-24.04"], [("Ubuntu 24.04", "ubuntu-24.04")]),
        ("os_version", ["windows-server-2022", "win2022"], [("windows-server-2022", "win2022")]),
        ("os_version", ["rhel-9", "rhel-9-hardened", "rhel-9.4", "rhel-9-arm64"], []),
        ("os_version", ["unknown", "UNKNOWN "], []),
        ("os_version", ["my os", "my-os"], [("my-os", "my os")]),
        ("image_type", ["kubernetes", "k8s", "k8s-node"], [("kubernetes", "k8s")]),
        ("image_type", ["Base", "base"], [("Base", "base")]),
        ("platform", ["aws-gov", "AWS Gov", "aws"], [("aws-gov", "AWS Gov")]),
        ("project", ["core", "edge"], []),
    ],
)
def test_names_look_alike(dimension: str, names: list[str], expected: list[tuple[str, str]]):
    assert pairs(dimension, names) == expected


@pytest.mark.parametrize("dimension", ["platform", "os_version", "image_type"])
def test_what_nobody_names_gets_no_name_by_merge_or_rename(
    client: FlaskClient, command: Command, dimension: str
):
    report(client, "one", project="core")
    report(client, "two", **{dimension: "named"})
    merged = command("merge", WORDS[dimension], "unknown", "named", "--yes")
    renamed = command("rename", WORDS[dimension], "unknown", "other")
    for result in (merged, renamed):
        assert result.exit_code != 0
        assert "unknown is the name of nothing" in result.output
    assert get_build(client, "one")[dimension] == "unknown"
