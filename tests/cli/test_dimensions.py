"""milepost rename and merge: of the builds, and of later reports."""

from collections.abc import Callable

import psycopg
import pytest
from click.testing import Result
from flask.testing import FlaskClient

from tests.support.senders import envelope, get_build, post, stage

Command = Callable[..., Result]


def report(client: FlaskClient, number: str, **build: str) -> None:
    assert post(client, envelope(stage("Base"), number=number, build=build)).status_code == 202


@pytest.mark.parametrize("dimension", ["platform", "os-version", "image-type", "project"])
def test_a_new_name_holds_for_old_builds_and_later_reports(
    client: FlaskClient, command: Command, dimension: str
):
    name = dimension.replace("-", "_")
    report(client, "one", **{name: "old"})
    assert command("rename", dimension, "old", "new").exit_code == 0
    report(client, "two", **{name: "old"})
    report(client, "one", **{name: "old"})
    assert get_build(client, "one")[name] == get_build(client, "two")[name] == "new"


@pytest.mark.parametrize("dimension", ["platform", "os-version", "image-type", "project"])
def test_a_merge_holds_for_old_builds_and_later_reports(
    client: FlaskClient, command: Command, dimension: str, url: str
):
    name = dimension.replace("-", "_")
    for number, value in (("one", "amazon"), ("two", "aws"), ("three", "amazon")):
        report(client, number, **{name: value})
    merged = command("merge", dimension, "amazon", "aws", "--yes")
    assert merged.stdout == "amazon is aws now: 2 builds moved.\n"
    report(client, "four", **{name: "amazon"})
    assert {get_build(client, each)[name] for each in ("one", "two", "three", "four")} == {"aws"}
    with psycopg.connect(url) as connection:
        table = {"project": "projects"}.get(name, f"{name}s")
        found = connection.execute(f"SELECT name FROM {table}".encode()).fetchall()
    assert ("amazon",) not in found


def test_aliases_follow_each_other(client: FlaskClient, command: Command):
    report(client, "one", platform="a")
    report(client, "two", platform="d")
    for arguments in (("rename", "a", "b"), ("rename", "b", "c"), ("merge", "c", "d", "--yes")):
        assert command(arguments[0], "platform", *arguments[1:]).exit_code == 0
    for number, platform in (("three", "a"), ("four", "b"), ("five", "c")):
        report(client, number, platform=platform)
        assert get_build(client, number)["platform"] == "d"


def test_a_former_name_can_be_used_again(client: FlaskClient, command: Command):
    report(client, "one", platform="a")
    assert command("rename", "platform", "a", "b").exit_code == 0
    assert command("rename", "platform", "b", "a").exit_code == 0
    report(client, "two", platform="a")
    assert get_build(client, "two")["platform"] == get_build(client, "one")["platform"] == "a"


def test_a_project_is_merged_into_its_own_child(client: FlaskClient, command: Command, url: str):
    report(client, "one", project="parent")
    report(client, "two", project="child")
    report(client, "three", project="other")
    with psycopg.connect(url) as connection:
        connection.execute(
            "UPDATE projects SET parent_project_id = parent.id FROM projects AS parent"
            " WHERE parent.name = 'parent' AND projects.name IN ('child', 'other')"
        )
    assert command("merge", "project", "parent", "child", "--yes").exit_code == 0
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT child.name, parent.name FROM projects AS child"
            " LEFT JOIN projects AS parent ON parent.id = child.parent_project_id ORDER BY 1"
        ).fetchall()
    assert found == [("child", None), ("other", "child")]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["rename", "platform", "none", "new"], "There is no platform none."),
        (
            ["rename", "platform", "a", "b"],
            "There is a platform b: merge a into it with `milepost merge`.",
        ),
        (["rename", "platform", "a", " "], "1 to 200 characters"),
        (
            ["merge", "platform", "a", "none", "--yes"],
            "platform none is unknown. Nothing was changed.",
        ),
        (["merge", "platform", "a", "a", "--yes"], "a and a are the same already."),
    ],
)
def test_a_mistake_is_named(
    client: FlaskClient, command: Command, arguments: list[str], problem: str
):
    for number, platform in (("one", "a"), ("two", "b")):
        report(client, number, platform=platform)
    refused = command(*arguments)
    assert refused.exit_code != 0
    assert problem in refused.output


def test_a_merge_says_what_would_move_and_needs_a_yes(client: FlaskClient, command: Command):
    for number in ("one", "two"):
        report(client, number, platform="amazon")
    report(client, "three", platform="aws")
    for more, code in (((), 2), (("--dry-run",), 0)):
        asked = command("merge", "platform", "amazon", "aws", *more)
        assert asked.exit_code == code
        assert "This would move 2 builds, of 20" in asked.output
    assert get_build(client, "one")["platform"] == "amazon"
