"""Export and import: one receiver's facts in another give the same rows."""

import os
import pty
import stat
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import psycopg
import pytest
from click.testing import CliRunner, Result
from flask.testing import FlaskClient
from psycopg.conninfo import make_conninfo

from receiver.cli.main import main
from receiver.config import Config
from receiver.storage import exchange, migrate
from tests.support.github_sender import ROUTES, SECRET, STEPS, job, send
from tests.support.receivers import MILEPOST
from tests.support.senders import envelope, manifest, post, post_manifest, stage, verdict
from tests.support.table_rows import rows

Command = Callable[..., Result]
HUGE = 2**70 + 1  # no number of JavaScript's, and one of PostgreSQL's

OWN = "{created_at,updated_at,written,written_at}"  # when and how this receiver wrote it


@pytest.fixture
def empty(url: str) -> Iterator[str]:
    """Another receiver's database on the same server."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE imported")
        there = make_conninfo(url, dbname="imported")
        migrate.migrate(there)
        yield there
        connection.execute("DROP DATABASE imported WITH (FORCE)")


@pytest.fixture
def stages(tmp_path: Path) -> Path:
    path = tmp_path / "stages.toml"
    path.write_text('["*"]\nnames = { "Harden OS" = 25 }\n')
    return path


@pytest.fixture
def filled(
    serve: Callable[[Config], FlaskClient],
    config: Config,
    command: Command,
    stages: Path,
    tmp_path: Path,
) -> str:
    """Hooks, a raw manifest, GitHub's jobs with and without a build, names repaired, words kept."""
    routes = tmp_path / "routes.toml"
    routes.write_text(ROUTES)
    secrets = {**config.secrets, "github": (SECRET,)}
    client = serve(replace(config, secrets=secrets, routes=routes, stages=stages))
    build = {"project": "core", "platform": "amazon", "os_version": "rhel-9", "image_type": "web"}
    made = manifest({"custom_data": {"note": "it's \u202e🙂"}, "artifact_id": "us-east-1:ami-1"})
    failed = stage("Storage", "failed", minutes=5, state=45)
    said = envelope(stage("Base"), failed, verdict("failed", 9), build=build, manifest=made)
    said["events"].insert(0, {"kind": "heartbeat", "at": "2026-01-01T10:00:00Z"})
    assert post(client, said).status_code == 202
    assert post_manifest(client, made, "build_number=raw&project=web").status_code == 202
    assert send(client, "workflow_job", job("completed", "failure", steps=STEPS)).status_code == 202
    assert send(client, "workflow_job", job("queued", name="lint", id=7)).status_code == 202
    assert send(client, "workflow_job", b'{"workflow_job": 1}').status_code == 202
    hook = envelope(stage("Services"), number="hooked", run="github:acme/images:500:1:84211")
    assert post(client, hook).status_code == 202
    assert command("rename", "platform", "amazon", "aws-commercial").exit_code == 0
    with psycopg.connect(config.database_url or "") as connection:
        connection.execute(
            "INSERT INTO projects (name, parent_project_id) SELECT 'child', id FROM projects "
            "WHERE name = 'core'"
        )
        connection.execute("UPDATE deliveries SET body = NULL WHERE source = 'packer'")
        connection.execute(f"UPDATE events SET manifest = manifest || '{{\"n\": {HUGE}}}'".encode())
        connection.execute(
            f"UPDATE builds SET packer_manifest = packer_manifest || '{{\"n\": {HUGE}}}'".encode()
        )
    (failure,) = orjson.loads(command("failures", "--json").stdout)[:1]
    assert command("resolve", failure["id"], "--notes", "the disk was full").exit_code == 0
    assert command("token", "create", "--name", "a", "--scope", "admin").exit_code == 0
    return config.database_url or ""


def facts(url: str) -> dict[str, Any]:
    """Every exported table, to the letter."""
    names = [*exchange.PARTS, "projects", "build_states", "build_failures", "artifacts"]
    with psycopg.connect(url) as connection:
        return {
            name: connection.execute(
                f"SELECT (to_jsonb(t) - '{OWN}'::text[])::text FROM {name} AS t ORDER BY 1".encode()
            ).fetchall()
            for name in names
        }


@pytest.fixture
def file(filled: str, command: Command, tmp_path: Path) -> Path:
    assert filled
    path = tmp_path / "facts.jsonl"
    result = command("export", str(path), "--json")
    assert result.exit_code == 0, result.output
    assert orjson.loads(result.stdout)["lines"] == len(path.read_bytes().splitlines())
    return path


@pytest.fixture
def into(empty: str, stages: Path, tmp_path: Path) -> Callable[[Path], Result]:
    env = {
        "DATABASE_URL": empty,
        "MILEPOST_DATA_DIR": str(tmp_path),
        "MILEPOST_STAGES": str(stages),
    }
    return lambda path: CliRunner().invoke(main, ["import", str(path)], env=env)


def test_an_export_gives_the_same_rows_elsewhere(
    filled: str, file: Path, empty: str, into: Callable[[Path], Result]
):
    result = into(file)
    assert (result.exit_code, result.stdout) == (0, "3 builds are imported.\n"), result.output
    assert rows(empty) == rows(filled)
    assert facts(empty) == facts(filled)
    assert str(HUGE) in rows(empty)["builds"][0][0] + rows(empty)["builds"][1][0]


def test_the_same_file_again_changes_nothing(
    file: Path, empty: str, into: Callable[[Path], Result]
):
    assert into(file).exit_code == 0
    with psycopg.connect(empty) as connection:
        connection.execute("UPDATE build_failures SET resolution_notes = 'seen later'")
    before = facts(empty)
    again = into(file)
    assert (again.exit_code, again.stdout) == (0, "All of it was there.\n")
    assert facts(empty) == before


def test_what_is_imported_goes_on(
    file: Path, empty: str, into: Callable[[Path], Result], serve: Any, config: Config
):
    assert into(file).exit_code == 0
    client = serve(replace(config, database_url=empty))
    old = envelope(stage("Base"), number="new", build={"platform": "amazon"}, run="run-9")
    assert post(client, old).status_code == 202
    found = client.get("/api/v1/builds/new").get_json()
    assert found["platform"] == "aws-commercial"  # the alias came along


def test_no_token_is_exported(file: Path):
    kinds = {orjson.loads(line)["kind"] for line in file.read_bytes().splitlines()}
    assert kinds == {"milepost", "end", *exchange.PARTS, *exchange.CHANGES}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def wrong(lines: list[bytes], case: str) -> list[bytes]:
    header = orjson.loads(lines[0])
    return {
        "cut": lines[:-1],
        "cut in a line": [*lines[:-3], lines[-3][:20]],
        "a line missing": [*lines[:5], *lines[6:]],
        "empty": [],
        "newer": [orjson.dumps(header | {"version": 2}), *lines[1:]],
        "other schema": [orjson.dumps(header | {"schema": "9999_x"}), *lines[1:]],
        "no header": lines[1:],
        "other kind": [lines[0], b'{"kind": "tokens", "row": {}}', *lines[1:]],
        "bad value": [lines[0], b'{"kind": "platforms", "row": {"id": "x"}}', *lines[1:]],
        "after the end": [*lines, lines[-1]],
        "not JSON": [b"PGDMP", *lines],
    }[case]


WORDS = {
    "cut": "The file is cut",
    "cut in a line": "is no JSON: is the file cut?",
    "a line missing": "",
    "empty": "The file is cut",
    "newer": "another release",
    "other schema": "another release",
    "no header": "no export of Milepost",
    "other kind": "Line 2",
    "bad value": "do not fit together",
    "after the end": "nothing belongs here",
    "not JSON": "Line 1 is no JSON",
}


@pytest.mark.parametrize("case", WORDS)
def test_a_wrong_file_changes_nothing(
    case: str, file: Path, empty: str, into: Callable[[Path], Result]
):
    before = facts(empty)
    file.write_bytes(b"".join(line + b"\n" for line in wrong(file.read_bytes().splitlines(), case)))
    result = into(file)
    assert result.exit_code == 1, result.output
    assert WORDS[case] in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert facts(empty) == before


def test_a_receiver_with_facts_of_its_own_is_left_alone(
    file: Path, empty: str, into: Callable[[Path], Result], serve: Any, config: Config
):
    post(serve(replace(config, database_url=empty)), envelope(stage("Base"), number="own"))
    before = facts(empty)
    result = into(file)
    assert (result.exit_code, "facts of its own" in result.stderr) == (1, True)
    assert facts(empty) == before


def test_an_export_is_one_snapshot(
    filled: str, client: FlaskClient, into: Callable[[Path], Result], empty: str, tmp_path: Path
):
    before = rows(filled)
    with psycopg.connect(filled, row_factory=psycopg.rows.dict_row) as connection:
        lines = exchange.exported(connection)
        first = next(lines)
        post(client, envelope(stage("Base"), number="meanwhile"))
        path = tmp_path / "snapshot.jsonl"
        path.write_bytes(b"".join(line + b"\n" for line in [first, *lines]))
    assert into(path).exit_code == 0
    assert rows(empty) == before


def test_export_goes_to_stdout_and_never_over_a_file(file: Path, command: Command):
    shown = command("export")
    assert shown.stdout_bytes == file.read_bytes()
    before = file.read_bytes()
    assert command("export", str(file)).exit_code == 1
    assert file.read_bytes() == before


def test_progress_is_for_a_terminal_alone(filled: str, tmp_path: Path):
    env = {"PATH": os.environ["PATH"], "DATABASE_URL": filled, "MILEPOST_DATA_DIR": str(tmp_path)}
    quiet = subprocess.run([MILEPOST, "export"], env=env, capture_output=True, check=True)
    assert quiet.stderr == b""
    ours, theirs = pty.openpty()
    env["TERM"] = "xterm"
    shown = subprocess.run(
        [MILEPOST, "export"], env=env, stdout=subprocess.PIPE, stderr=theirs, check=True
    )
    os.close(theirs)
    assert b"Exporting" in os.read(ours, 65536)
    os.close(ours)
    assert shown.stdout == quiet.stdout
