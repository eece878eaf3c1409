"""The commands that read and change builds, on the database and on a remote receiver."""

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from click.testing import CliRunner, Result
from flask.testing import FlaskClient

from receiver.cli.main import main
from receiver.cli.output import build_lines
from tests.support.commands import every_command
from tests.support.listeners import listening
from tests.support.receivers import MILEPOST, Running, started
from tests.support.senders import envelope, post, stage

Command = Callable[..., Result]


def document_of(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return orjson.loads(result.stdout)


@pytest.mark.usefixtures("filled")
def test_builds_are_filtered(command: Command):
    def numbers(*filters: str) -> list[str]:
        return [row["build_number"] for row in document_of(command("builds", "--json", *filters))]

    assert numbers() == ["bad", "good"]
    assert numbers("--status", "failed") == ["bad"]
    assert numbers("--low", "100") == ["good"]
    assert numbers("--text", "GOO", "--platform", "aws-commercial") == ["good"]
    assert numbers("--limit", "1", "--order", "state") == ["bad"]
    assert numbers("--until", "2025-01-01") == []
    wrong = command("builds", "--since", "yesterday")
    assert (wrong.exit_code, "since:" in wrong.stderr) == (1, True)


def test_builds_of_several_pages_are_listed(client: FlaskClient, command: Command):
    for place in range(103):
        post(client, envelope(stage("Base"), number=f"build-{place}"))
    assert len(document_of(command("builds", "--json", "--limit", "102"))) == 102
    assert len(document_of(command("builds", "--json", "--limit", "1000"))) == 103


@pytest.mark.usefixtures("filled")
def test_a_build_is_shown_whole(command: Command):
    shown = command("build", "bad").stdout
    for part in ("bad", "failed", "45", "no route", "ansible", "Resume at 45 only"):
        assert part in shown
    document = document_of(command("build", "bad", "--json"))
    assert document["failures"][0]["component"] == "ansible"
    for number in ("none", "no/number"):
        missing = command("build", number)
        assert (missing.exit_code, missing.stderr) == (
            1,
            "Error: There is no build of this number.\n",
        )


@pytest.mark.usefixtures("filled")
def test_resume_shows_the_next_state(command: Command):
    assert document_of(command("resume", "bad", "--json"))["state"] == 45
    assert command("resume", "good").stdout == "Nothing is left to run.\n"


@pytest.mark.usefixtures("filled")
def test_images_and_one_of_them_in_bare_text(command: Command):
    rows = document_of(command("images", "--json"))
    assert {row["artifact_id"]: row["region"] for row in rows} == {
        "ami-1": "us-east-1",
        "ami-2": "eu-west-1",
    }
    assert document_of(command("images", "azure", "--json")) == []
    names = ("images", "aws-commercial", "rhel-8.8", "hana")
    assert len(document_of(command(*names, "--region", "eu-west-1", "--json"))) == 1
    assert command(*names, "--region", "us-east-1", "--text").stdout == "ami-1\n"
    several = command(*names, "--text")
    assert (several.exit_code, "say the region" in several.stderr) == (1, True)
    assert command("images", "aws-commercial", "rhel-8.8", "web", "--text").exit_code == 1
    assert command("images", "--text").exit_code == 2
    one = ("--region", "us-east-1", "--text")
    assert command(*names, *one, "--name", "ba*", "--complete").stdout == "ami-1\n"
    assert command(*names, *one, "--custom", "edition=free").exit_code == 1
    assert command(*names, *one, "--custom", "edition").exit_code == 2
    assert "ami-1" in command("images", "--inferred").stdout


@pytest.mark.usefixtures("filled")
def test_a_failure_is_resolved_and_reopened(command: Command):
    (failure,) = document_of(command("failures", "--json"))
    assert command("resolve", failure["id"], "--notes", "the route").stdout == "Resolved.\n"
    assert document_of(command("failures", "--json")) == []
    (resolved,) = document_of(command("failures", "--status", "resolved", "--json"))
    assert resolved["resolution_notes"] == "the route"
    assert document_of(command("reopen", failure["id"], "--json"))["resolved"] is False
    assert len(document_of(command("failures", "--json"))) == 1
    assert command("resolve", "no id", "--notes", "x").exit_code == 2
    assert command("resolve", failure["id"].replace("-", "")[::-1], "--notes", "x").exit_code == 1


@pytest.mark.usefixtures("filled")
def test_stats_count_builds_states_and_failures(command: Command):
    summary = document_of(command("stats", "--json"))
    assert summary["builds_of_24_hours"] == {"completed": 1, "failed": 1}
    assert summary["open_failures"] == 1
    (row,) = document_of(command("stats", "combinations", "--json"))
    assert (row["builds"], row["completed"], row["failed"]) == (2, 1, 1)
    assert row["median_seconds"] == 540
    states = {each["state"]: each for each in document_of(command("stats", "stages", "--json"))}
    assert (states[15]["runs"], states[15]["median_seconds"]) == (2, 300)
    assert states[45]["failed"] == 1
    assert "1 completed, 1 failed" in command("stats").stdout


def test_a_terminal_obeys_nothing_that_a_sender_wrote(client: FlaskClient, command: Command):
    hostile = "\x1b[31mred[/] [bold]x\x07\x9b2J\u202egnp\r\nnext"
    failure = {"type": "provisioner", "message": hostile}
    post(client, envelope(stage(hostile, "failed", state=15, failure=failure), number="odd"))
    for shown in (command("build", "odd"), command("failures"), command("builds")):
        assert shown.exit_code == 0
        assert not set(shown.stdout) & set("\x1b\x07\x9b\u202e\r")
    assert "[31mred[/] [bold]x2Jgnp next" in command("failures").stdout
    as_json = command("failures", "--json")
    assert not set(as_json.stdout) & set("\x1b\x07\x9b")
    assert "\x1b[31m" in orjson.loads(as_json.stdout)[0]["error_message"]


def test_every_command_that_answers_has_json():
    without = {
        name
        for name, each in every_command()
        if "as_json" not in [option.name for option in each.params]
    }
    assert without == {"serve", "demo", "audit export"}  # which prints JSON alone


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_printed(shell: str):
    env = {"_MILEPOST_COMPLETE": f"{shell}_source"}
    result = CliRunner().invoke(main, [], env=env, prog_name="milepost")
    assert result.exit_code == 0
    assert "_MILEPOST_COMPLETE" in result.stdout


def test_migrate_lists_missing_migrations(command: Command):
    assert document_of(command("migrate", "--check", "--json")) == {"missing": [], "newer": []}


def test_exit_codes(command: Command, tmp_path: Any):
    away = {"DATABASE_URL": "postgresql://127.0.0.1:1/none"}
    assert CliRunner().invoke(main, ["builds"], env=away).exit_code == 69
    assert CliRunner().invoke(main, ["token", "list"], env=away).exit_code == 69
    wrong = {"MILEPOST_STALL_AFTER": "soon", "MILEPOST_DATA_DIR": str(tmp_path)}
    assert CliRunner().invoke(main, ["builds"], env=wrong).exit_code == 78
    assert command("builds", "--status", "nice").exit_code == 2


@pytest.fixture
def remote_receiver(url: str) -> Iterator[Running]:
    with started(url) as running:
        yield running


def remote(url: str, token: str, *arguments: str) -> Result:
    env = {
        "MILEPOST_URL": url,
        "MILEPOST_TOKEN": token,
        "DATABASE_URL": "postgresql://none.invalid",
    }
    return CliRunner().invoke(main, arguments, env=env)


def test_a_remote_receiver_is_asked_with_a_token(
    remote_receiver: Running, token: Callable[..., str]
):
    assert remote_receiver.post(envelope(stage("Base"), number="there")).status_code == 202
    read = token("read")
    for url in (remote_receiver.url, f"{remote_receiver.url}/webhooks/milepost/team-a"):
        rows = document_of(remote(url, read, "builds", "--json"))
        assert [row["build_number"] for row in rows] == ["there"]
    assert (
        document_of(remote(remote_receiver.url, read, "build", "there", "--json"))["status"]
        == "running"
    )
    assert "there" in remote(remote_receiver.url, read, "builds").stdout
    missing = remote(remote_receiver.url, read, "build", "none")
    assert (missing.exit_code, missing.stderr.splitlines()) == (
        1,
        [
            "milepost: this is the receiver at 127.0.0.1, not DATABASE_URL",
            "Error: There is no build of this number.",
        ],
    )
    refused = remote(remote_receiver.url, "mp_wrong", "builds")
    assert (refused.exit_code, "MILEPOST_TOKEN" in refused.stderr) == (77, True)


@pytest.mark.usefixtures("filled")
def test_an_address_without_a_token_means_the_database(url: str):
    env = {"DATABASE_URL": url, "MILEPOST_URL": "http://127.0.0.1:1"}
    assert len(document_of(CliRunner().invoke(main, ["builds", "--json"], env=env))) == 2


def test_a_remote_receiver_that_does_not_answer():
    assert remote("http://127.0.0.1:1", "mp_x", "builds").exit_code == 69
    assert remote("milepost.example.com", "mp_x", "builds").exit_code == 78


def test_a_build_is_changed_by_hand(command: Command):
    created = command("create", "by-hand", "--project", "core", "--os-version", "rhel-9.4")
    assert created.stdout == "by-hand is pending at 0.\n"
    began = ("state", "by-hand", "completed", "--stage", "Base", "--state", "15")
    assert document_of(command(*began, "--json"))["current_state"] == 15
    failed = ("fail", "by-hand", "no route", "--stage", "Storage", "--component", "ansible")
    assert "is failed at 45" in command(*failed).stdout
    kept = ("artifact", "by-hand", "ami-1", "--kind", "resumable", "--state", "15")
    assert command(*kept).exit_code == 0
    assert document_of(command("resume", "by-hand", "--json"))["safe"] is True
    again = command("state", "by-hand", "started", "--stage", "Storage")
    assert "is running at 45" in again.stdout
    assert command("cancel", "by-hand", "--reason", "superseded").exit_code == 0
    ended = command("cancel", "by-hand")
    assert (ended.exit_code, "cancelled" in ended.stderr) == (1, True)
    taken = command("create", "by-hand")
    assert (taken.exit_code, "There is a build" in taken.stderr) == (1, True)
    nowhere = command("state", "by-hand", "started")
    assert (nowhere.exit_code, "stage:" in nowhere.stderr) == (1, True)
    assert command("cancel", "none").exit_code == 1
    actions = [row["action"] for row in document_of(command("audit", "--kind", "build", "--json"))]
    assert actions == [
        "build.cancel",
        "build.state",
        "build.artifact",
        "build.failure",
        "build.state",
        "build.create",
    ]
    assert "build.cancel" in command("audit", "--name", "by-hand", "--limit", "1").stdout


def test_serve_says_where_another_serves():
    with listening() as other:
        bind = f"127.0.0.1:{other.server_port}"
        done = CliRunner().invoke(main, ["serve", "--local", "--bind", bind])
    assert (done.exit_code, done.output.count(bind)) == (1, 1)


def test_build_in_two_lines_has_sign_state_image_and_age():
    row = {
        "build_number": "core-142",
        "status": "failed",
        "current_state": 70,
        "project": "core",
        "platform": "aws",
        "os_version": "rhel-9.4",
        "image_type": "web",
        "start_time": "2026-01-01T10:00:00Z",
        "duration_seconds": 4980,
    }
    assert build_lines(row, datetime(2026, 1, 1, 12, tzinfo=UTC)) == (
        "✗ 70  core-142",
        "  core · aws · rhel-9.4 · web  1 h 23 min  2 h ago",
    )
    pending = row | {"status": "pending", "start_time": None, "duration_seconds": None}
    assert build_lines(pending, datetime(2026, 1, 1, 12, tzinfo=UTC))[1].endswith(
        "web  not started"
    )


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(("columns", "lines"), [(80, 4), (140, 3)])
def test_builds_are_stacked_on_a_narrow_terminal(url: str, columns: int, lines: int):
    script = f"stty cols {columns}; exec {MILEPOST} builds"
    done = subprocess.run(
        ["script", "-qec", script, "/dev/null"],
        env={**os.environ, "DATABASE_URL": url, "COLUMNS": str(columns)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert len(done.stdout.strip().splitlines()) == lines
    assert "✗" in done.stdout


@pytest.mark.usefixtures("filled")
def test_times_and_spans_are_for_people(command: Command):
    shown = command("builds").stdout
    assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\dZ", shown)
    assert "✗ failed" in shown
    assert re.search(r"\d+ min", shown)
