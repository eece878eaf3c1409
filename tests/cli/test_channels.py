"""milepost channel, revoke and restore, on the database of the settings."""

import json
from collections.abc import Callable

import pytest
from click.testing import Result
from flask.testing import FlaskClient

from tests.support.api import Api
from tests.support.channels import report, served
from tests.support.senders import Json

Command = Callable[..., Result]


@pytest.fixture
def run(client: FlaskClient, command: Command) -> Callable[..., str]:
    """Run a command that succeeds, on two good builds of one image; return what it prints."""
    report(client, "n-1", 10, "us-1:ami-1")
    report(client, "n-2", 20, "us-1:ami-2")

    def call(*arguments: str) -> str:
        done = command(*arguments)
        assert done.exit_code == 0, done.output
        return done.stdout

    return call


def rows(run: Callable[..., str], *arguments: str) -> list[Json]:
    found: list[Json] = json.loads(run(*arguments, "--json"))
    return found


def test_channel_is_made_moved_rolled_back_and_emptied(
    run: Callable[..., str], command: Command, api: Api
):
    run("channel", "create", "dev")
    run("channel", "create", "prod", "--restricted")
    assert [row["name"] for row in rows(run, "channel", "list")] == ["dev", "prod"]
    assert run("channel", "assign", "dev", "n-1") == "dev holds n-1: core · aws · rhel-9 · web.\n"
    assert "already holds" in run("channel", "assign", "dev", "n-1")
    run("channel", "assign", "prod", "--from", "dev", "--note", "a week on dev")
    run("channel", "assign", "dev", "n-2", "--expect", "n-1")
    (difference,) = rows(run, "channel", "diff", "dev", "prod")
    assert (difference["first"], difference["second"]) == ("n-2", "n-1")
    run("channel", "rollback", "dev", "--note", "does not boot")
    (held,) = rows(run, "channel", "list", "dev")
    assert (held["build_number"], held["note"]) == ("n-1", "does not boot")
    assert rows(run, "channel", "diff", "dev", "prod") == []
    moves = rows(run, "channel", "history", "dev")
    assert [row["build_number"] for row in moves] == ["n-1", "n-2", "n-1"]
    run("channel", "unassign", "dev", "aws", "rhel-9", "web", "--project", "core")
    assert rows(run, "channel", "list", "dev") == []
    assert run("images", "aws", "rhel-9", "web", "--channel", "prod", "--text") == "ami-1\n"
    assert served(api, "channel=prod") == "ami-1"
    refused = command("channel", "assign", "prod", "n-2", "--expect", "n-2")
    assert refused.exit_code == 1
    assert "holds build n-1" in refused.output


def test_revocation_says_what_it_concerns_and_is_taken_back(
    run: Callable[..., str], command: Command, api: Api
):
    run("channel", "create", "prod")
    run("channel", "assign", "prod", "n-1")
    run("channel", "assign", "prod", "n-2")
    revoke = ("revoke", "n-2", "--reason", "CVE-2026-1")
    assert "In channels: prod." in run(*revoke, "--dry-run")
    asked = command(*revoke)
    assert (asked.exit_code, served(api)) == (2, "ami-2")
    assert "n-2 is revoked." in run(*revoke, "--yes")
    assert (served(api), served(api, "channel=prod")) == ("ami-1", 409)
    text = command("images", "aws", "rhel-9", "web", "--channel", "prod", "--text")
    assert text.exit_code == 1
    assert "CVE-2026-1" in text.output
    assert "It may hold n-1 instead." in text.output
    assert run("restore", "n-2") == "n-2 is restored.\n"
    assert served(api, "channel=prod") == "ami-2"
    done = run(*revoke, "--yes", "--rollback", "prod", "--in", "3d")
    assert "n-2 will be revoked at" in done
    assert "prod holds n-1." in done
    missing = command("restore", "no-such.dump")
    assert "There is no file no-such.dump either." in missing.output
