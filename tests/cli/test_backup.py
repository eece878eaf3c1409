"""Backup, restore and prune, on a real server."""

import os
import pty
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import psycopg
import pytest
from click.testing import CliRunner, Result
from flask.testing import FlaskClient
from psycopg import sql
from psycopg.conninfo import make_conninfo

from receiver.cli.main import main
from receiver.config import Config
from receiver.errors import Unavailable
from receiver.server.housekeeping import prune
from receiver.storage.embedded import cluster
from receiver.storage.retention import LOCK
from tests.support.kept_bodies import age_deliveries, count_kept
from tests.support.receivers import MILEPOST, started
from tests.support.senders import envelope, get_build, manifest, post, sign, stage, verdict
from tests.support.table_rows import rows

Command = Callable[..., Result]


def fill(client: FlaskClient) -> None:
    for place in range(5):
        document = envelope(
            stage("Base"),
            stage("Storage", "failed", minutes=5),
            verdict("failed" if place else "completed", 9),
            number=f"core-{place}",
            build={"project": "core", "platform": "aws"},
            manifest=manifest({"custom_data": {"note": "it's ‮🙂"}}),
        )
        assert post(client, document).status_code == 202


def checksums(url: str) -> dict[str, Any]:
    """Of every table: how many rows, and what they hold."""
    sums = "SELECT count(*), md5(string_agg(t::text, '' ORDER BY t::text)) FROM {} AS t"
    with psycopg.connect(url) as connection:
        names = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
        ).fetchall()
        return {
            name: connection.execute(sql.SQL(sums).format(sql.Identifier(name))).fetchone()
            for (name,) in names
        }


@pytest.fixture
def empty(url: str) -> Iterator[str]:
    """Another database on the same server."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE restored")
        yield make_conninfo(url, dbname="restored")
        connection.execute("DROP DATABASE restored WITH (FORCE)")


def test_a_backup_restores_into_an_empty_database(
    client: FlaskClient, command: Command, url: str, empty: str, tmp_path: Path
):
    fill(client)
    file = tmp_path / "milepost.dump"
    assert command("backup", str(file)).exit_code == 0
    assert file.stat().st_mode & 0o077 == 0
    env = {"DATABASE_URL": empty, "MILEPOST_DATA_DIR": str(tmp_path)}
    restored = CliRunner().invoke(main, ["restore", str(file), "--yes"], env=env)
    assert restored.exit_code == 0, restored.output
    with psycopg.connect(empty) as connection:  # what was not in the backup: that it was restored
        removed = connection.execute("DELETE FROM audit WHERE action = 'restore'")
        assert removed.rowcount == 1
    assert checksums(empty) == checksums(url)
    again = CliRunner().invoke(main, ["restore", str(file), "--yes"], env=env)
    assert "not empty" in again.output


def test_a_drill_takes_nothing_from_the_senders_of_a_backup(
    serve: Callable[[Config], FlaskClient], config: Config, url: str, empty: str, tmp_path: Path
):
    file, key = tmp_path / "milepost.dump", tmp_path / "key"
    key.write_bytes(os.urandom(32))
    more = {"MILEPOST_DATA_DIR": str(tmp_path), "MILEPOST_KEY_FILE": str(key)}

    def run(database: str, *arguments: str) -> Result:
        done = CliRunner().invoke(main, arguments, env=more | {"DATABASE_URL": database})
        assert done.exit_code == 0, done.output
        return done

    secret = orjson.loads(run(url, "sender", "add", "team-a", "--json").stdout)["secret"]
    notices = tmp_path / "notices.toml"
    notices.write_text('[[notice]]\nname = "n"\non = ["failed"]\nto = ["json://localhost"]\n')
    run(url, "settings", "set", "notices", str(notices))
    run(url, "backup", str(file))
    assert secret.encode() not in file.read_bytes()
    said = run(empty, "restore", str(file), "--yes", "--disable-senders").stdout
    assert "1 senders are disabled until: milepost sender enable --all" in said
    assert "Its notices tell nobody until: milepost settings rollback notices" in said
    assert "name" not in run(empty, "settings", "show", "notices", "--reveal").stdout
    drill = serve(replace(config, database_url=empty, key_files=(key,)))
    body = orjson.dumps(envelope(stage("Base")))

    def deliver() -> int:
        headers = sign(body, secret)
        address = "/webhooks/milepost/team-a"
        return drill.post(
            address, data=body, headers=headers, content_type="application/json"
        ).status_code

    assert deliver() == 503
    run(empty, "sender", "enable", "--all")
    wait_for_the_next_question(drill)
    assert deliver() == 202


def wait_for_the_next_question(client: FlaskClient) -> None:
    """Let the receiver ask the database for the versions, as it does within a second."""
    client.application.extensions["milepost"].rules.stored.renew_now()


def test_a_backup_of_an_embedded_receiver_restores_into_an_empty_one(tmp_path: Path):
    file, folder = tmp_path / "milepost.dump", Path(tempfile.mkdtemp(prefix="milepost-own-"))
    folder.chmod(0o755)
    with started() as running:
        for number in ("one", "two"):
            document = envelope(stage("Base"), verdict("failed", 9), number=number)
            assert running.post(document).status_code == 202
        assert running.run("backup", str(file)).returncode == 0
        before = checksums(running.database_url())
    env = {"MILEPOST_DATA_DIR": str(folder), "PATH": os.environ["PATH"]}
    try:
        done = subprocess.run([MILEPOST, "restore", file, "--yes"], env=env, check=False)
        assert done.returncode == 0
        after = checksums(cluster.start(folder))
        # What was not in the backup: that it was restored.
        assert after.pop("audit")[0] == before.pop("audit")[0] + 1
        assert after == before
        assert before["deliveries"][0] == 2
    finally:
        cluster.release(folder)
        shutil.rmtree(folder)


def test_backup_overwrites_no_file(command: Command, tmp_path: Path):
    file = tmp_path / "milepost.dump"
    file.write_text("precious")
    assert "is there already" in command("backup", str(file)).output
    assert file.read_text() == "precious"


def test_restore_of_another_file_changes_nothing(empty: str, tmp_path: Path):
    file = tmp_path / "milepost.dump"
    file.write_text("no backup")
    env = {"DATABASE_URL": empty, "MILEPOST_DATA_DIR": str(tmp_path)}
    refused = CliRunner().invoke(main, ["restore", str(file), "--yes"], env=env)
    assert refused.exit_code == 1
    assert "pg_restore" in refused.output
    assert checksums(empty) == {}


def test_prune_forgets_old_bodies_and_no_fact(client: FlaskClient, command: Command, url: str):
    fill(client)
    age_deliveries(url, 31)
    assert post(client, envelope(stage("Base"), number="new")).status_code == 202
    before = rows(url)
    assert command("prune", "--older-than", "30d").stdout == "5 bodies forgotten\n"
    assert count_kept(url) == 1
    assert rows(url) == before
    assert command("prune", "--older-than", "30d").stdout == "0 bodies forgotten\n"


def test_a_build_continues_after_its_bodies_are_pruned(
    client: FlaskClient, command: Command, url: str
):
    fill(client)
    age_deliveries(url, 31)
    command("prune", "--older-than", "30d")
    assert post(client, envelope(stage("Services", minutes=6), number="core-1")).status_code == 202
    assert {row["stage"] for row in get_build(client, "core-1")["states"]} >= {"Base", "Services"}


def test_prune_with_facts_deletes_old_builds(client: FlaskClient, command: Command, url: str):
    fill(client)
    age_deliveries(url, 31)
    assert post(client, envelope(stage("Base"), number="new", build={})).status_code == 202
    pruned = command("prune", "--older-than", "12h", "--facts", "--yes")
    assert pruned.exit_code == 0, pruned.output
    assert [row for row in rows(url)["builds"] if "core-" in row[0]] == []
    assert get_build(client, "new")["status"] == "running"


def test_prune_with_facts_says_what_would_go_and_needs_a_yes(
    client: FlaskClient, command: Command, url: str
):
    fill(client)
    age_deliveries(url, 31)
    before = rows(url)
    for arguments in (["--facts"], ["--facts", "--dry-run"], ["--dry-run"]):
        asked = command("prune", "--older-than", "12h", *arguments)
        assert asked.exit_code == (0 if "--dry-run" in arguments else 2)
        assert "5 raw bodies, of " in asked.output
        assert ("5 builds, of 2026-01-01" in asked.output) is ("--facts" in arguments)
        assert "Nothing was changed" in asked.output
    assert (rows(url), count_kept(url)) == (before, 5)


@pytest.mark.parametrize(("answer", "code", "left"), [("n", 1, 5), ("y", 0, 0)])
def test_prune_with_facts_asks_on_a_terminal(
    client: FlaskClient, url: str, tmp_path: Path, answer: str, code: int, left: int
):
    fill(client)
    env = {"PATH": os.environ["PATH"], "DATABASE_URL": url, "MILEPOST_DATA_DIR": str(tmp_path)}
    ours, theirs = pty.openpty()
    command = [str(MILEPOST), "prune", "--older-than", "1s", "--facts"]
    os.write(ours, f"{answer}\n".encode())
    done = subprocess.run(command, env=env, stdin=theirs, capture_output=True, check=False)
    os.close(theirs)
    os.close(ours)
    assert done.returncode == code
    assert b"Go on? [y/N]" in done.stderr
    assert len(rows(url)["builds"]) == left


def test_restore_says_what_it_would_do_and_needs_a_yes(
    client: FlaskClient, command: Command, empty: str, tmp_path: Path
):
    fill(client)
    file = tmp_path / "milepost.dump"
    assert command("backup", str(file)).exit_code == 0
    env = {"DATABASE_URL": empty, "MILEPOST_DATA_DIR": str(tmp_path)}
    for arguments, code in (([], 2), (["--dry-run"], 0)):
        asked = CliRunner().invoke(main, ["restore", str(file), *arguments], env=env)
        assert asked.exit_code == code
        assert f"{file}, made 20" in asked.output
        assert "would fill DATABASE_URL." in asked.output
    assert checksums(empty) == {}
    full = command("restore", str(file), "--yes")
    assert "not empty: it has 5 builds, of 20" in full.output


def test_progress_is_for_a_terminal_alone(url: str, tmp_path: Path):
    env = {"PATH": os.environ["PATH"], "DATABASE_URL": url, "MILEPOST_DATA_DIR": str(tmp_path)}
    command = [str(MILEPOST), "prune", "--older-than", "30d"]
    quiet = subprocess.run(command, env=env, capture_output=True, check=True)
    assert quiet.stderr == b""
    ours, theirs = pty.openpty()
    shown = subprocess.run(
        command, env=env | {"TERM": "xterm"}, stdout=subprocess.PIPE, stderr=theirs, check=True
    )
    os.close(theirs)
    assert b"Bodies" in os.read(ours, 65536)
    os.close(ours)
    assert shown.stdout == quiet.stdout


@pytest.mark.parametrize("text", ["", "month", "-3d", "30", "99999999d"])
def test_prune_refuses_a_wrong_age(command: Command, text: str):
    assert command("prune", "--older-than", text).exit_code == 2


def test_a_receiver_prunes_by_itself_one_at_a_time(client: FlaskClient, config: Config, url: str):
    fill(client)
    age_deliveries(url, 2)
    assert prune(config) == 0
    with psycopg.connect(url) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        with pytest.raises(Unavailable):  # and housekeeping tries again in an hour
            prune(replace(config, keep_bodies=timedelta(days=1)))
    assert prune(replace(config, keep_bodies=timedelta(days=1))) == 5
    assert count_kept(url) == 0


def test_a_url_for_several_hosts_is_passed_on(url: str, tmp_path: Path):
    more = {"load_balance_hosts": "random", "target_session_attrs": "any", "keepalives_idle": "5"}
    several = make_conninfo(url, application_name="nightly", connect_timeout="5", **more)
    file = tmp_path / "several.dump"
    result = CliRunner().invoke(main, ["backup", str(file)], env={"DATABASE_URL": several})
    assert result.exit_code == 0, result.output
    assert file.stat().st_size > 0
