"""milepost settings: documents in the database, for all receivers of it."""

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from click.testing import CliRunner, Result
from flask.testing import FlaskClient

from receiver.cli.main import main
from receiver.config import Config
from receiver.storage import settings_files
from receiver.storage.db import connect
from tests.support.receivers import MILEPOST
from tests.support.senders import envelope, get_build, post, stage

Command = Callable[..., Result]
STAGES = '# ours\n["*"]\nnames = {{ Frobnicate = {} }}\n'


@pytest.fixture
def set_(command: Command, tmp_path: Path) -> Callable[..., Result]:
    """Set a document of a kind."""

    def run(kind: str, text: str) -> Result:
        path = tmp_path / f"my-{kind}.toml"
        path.write_text(text)
        return command("settings", "set", kind, str(path), "--json")

    return run


def answer(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_what_is_set_counts_at_receivers_that_run(client: FlaskClient, set_: Command):
    post(client, envelope(stage("Frobnicate")))
    assert get_build(client)["current_state"] == 0
    assert answer(set_("stages", STAGES.format(40))) == {
        "kind": "stages",
        "version": 1,
        "changed": True,
    }
    post(client, envelope(stage("Checkout", minutes=2)))
    assert get_build(client)["current_state"] == 40


def test_a_document_comes_from_stdin(command: Command, url: str, tmp_path: Path):
    env = {"DATABASE_URL": url, "MILEPOST_DATA_DIR": str(tmp_path), "PATH": os.environ["PATH"]}
    words = [str(MILEPOST), "settings", "set", "stages", "-"]
    for text, code in (("[[[", 78), (STAGES.format(40), 0)):
        done = subprocess.run(words, env=env, input=text, text=True, capture_output=True)
        assert done.returncode == code, done.stderr
    assert command("settings", "show", "stages").stdout == text


def test_a_document_is_shown_as_it_was_written(command: Command, set_: Command):
    text = STAGES.format(40)
    set_("stages", text)
    assert command("settings", "show", "stages").stdout == text
    assert answer(command("settings", "show", "stages", "--json"))["document"] == text


@pytest.mark.parametrize(
    ("kind", "text", "problem"),
    [
        ("stages", '["*"]\nnames = { x = 101 }\n', "my-stages.toml, line 2: x: a state is"),
        ("routes", "[[route]]\ncolour = 5\n", "my-routes.toml, route at line 1: colour is unknown"),
        ("projects", "[project]\ncore = 5\n", "my-projects.toml, line"),
        ("routes", "[[[", "my-routes.toml: "),
    ],
)
def test_what_is_wrong_is_refused_as_in_a_file(
    command: Command, set_: Command, kind: str, text: str, problem: str
):
    result = set_(kind, text)
    assert (result.exit_code, problem in result.stderr) == (78, True), result.output
    assert answer(command("settings", "history", kind, "--json")) == []


def test_versions_are_listed_compared_and_put_back(command: Command, set_: Command):
    for state in (25, 40):
        set_("stages", STAGES.format(state))
    assert answer(set_("stages", STAGES.format(40)))["changed"] is False
    lines = answer(command("settings", "diff", "stages", "--json"))["lines"]
    assert lines[-2:] == ["-names = { Frobnicate = 25 }", "+names = { Frobnicate = 40 }"]
    assert answer(command("settings", "rollback", "stages", "--json"))["version"] == 3
    assert command("settings", "show", "stages").stdout == STAGES.format(25)
    assert command("settings", "show", "stages", "--version", "2").stdout == STAGES.format(40)
    history = answer(command("settings", "history", "stages", "--json"))
    assert [each["version"] for each in history] == [3, 2, 1]
    assert answer(command("settings", "diff", "stages", "1", "3", "--json"))["lines"] == []


@pytest.mark.parametrize(
    "words",
    [
        ["show", "routes"],
        ["show", "stages", "--version", "7"],
        ["diff", "stages"],
        ["rollback", "stages"],
        ["rollback", "stages", "9"],
    ],
)
def test_a_version_that_is_not_there_is_named(command: Command, set_: Command, words: list[str]):
    set_("stages", STAGES.format(25))
    result = command("settings", *words)
    assert (result.exit_code, result.stderr.startswith("Error: ")) == (1, True), result.output


def test_a_change_is_in_the_audit_trail_without_the_document(command: Command, set_: Command):
    set_("stages", STAGES.format(25))
    set_("stages", STAGES.format(40))
    (row, first) = answer(command("audit", "--kind", "settings", "--json"))
    assert (row["action"], row["before"], row["after"]) == (
        "settings.set",
        {"version": 1},
        {"version": 2},
    )
    assert first["before"] is None


def test_where_the_settings_name_a_file_nothing_is_set(url: str, tmp_path: Path):
    path = tmp_path / "stages.toml"
    path.write_text(STAGES.format(25))
    env = {"DATABASE_URL": url, "MILEPOST_DATA_DIR": str(tmp_path), "MILEPOST_STAGES": str(path)}
    result = CliRunner().invoke(main, ["settings", "set", "stages", str(path)], env=env)
    assert result.exit_code == 1
    assert f"MILEPOST_STAGES is set: {path} is all that counts for stages" in result.stderr


def test_where_a_receiver_elsewhere_reads_a_file_nothing_is_set(
    command: Command, set_: Command, url: str, tmp_path: Path
):
    with connect(url) as connection:
        settings_files.note(connection, uuid4(), {"routes": Path("/etc/routes.toml")})
    result = set_("routes", "")
    assert result.exit_code == 1
    assert "reads its routes from /etc/routes.toml" in result.stderr
    path = tmp_path / "ahead.toml"
    path.write_text("")
    assert command("settings", "set", "routes", str(path), "--ahead").exit_code == 0
    (row,) = (each for each in answer(command("settings", "list", "--json")) if each["files"])
    assert (row["kind"], row["files"][0]["path"]) == ("routes", "/etc/routes.toml")
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE settings_files SET seen_at = now() - INTERVAL '1 hour'")
    assert set_("routes", "").exit_code == 0, "a receiver that is gone refuses nothing"


def test_a_receiver_with_a_file_takes_it_for_the_whole_truth(
    serve: Callable[[Config], FlaskClient], config: Config, set_: Command, tmp_path: Path
):
    routes = '[[route]]\nsource = "github"\njob = "(?P<build_number>x.*)"\n'
    assert set_("routes", routes).exit_code == 0
    path = tmp_path / "routes.toml"
    path.write_text("")
    own, other = serve(replace(config, routes=path)), serve(config)
    for client, many in ((own, 0), (other, 1)):
        assert client.get("/readyz").status_code == 200
        rules = client.application.extensions["milepost"].rules
        assert len(rules.routes().routes) == many


def test_defaults_of_senders_are_a_document(client: FlaskClient, set_: Command):
    assert set_("senders", '[[sender]]\nname = "x"\n').exit_code == 78
    assert set_("senders", '[[default]]\nsource = "milepost"\nplatform = "aws"\n').exit_code == 0
    said = envelope(stage("Storage"))
    said["build"].pop("platform", None)
    post(client, said)
    assert get_build(client)["platform"] == "aws"
