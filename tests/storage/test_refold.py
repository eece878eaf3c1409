"""A database of the release before, whose builds are folded again with today's rules."""

import json
from collections.abc import Callable

import psycopg
from click.testing import Result
from flask.testing import FlaskClient

from receiver.config import Config
from receiver.domain.fold.fold import FOLD_VERSION
from receiver.server import housekeeping
from tests.bench.dataset import fill
from tests.support.senders import envelope, get_build, manifest, post, stage, verdict
from tests.support.table_rows import rows

Command = Callable[..., Result]
# What the release before made of it: its fold had no version and other attempts.
AS_BEFORE = """
    UPDATE builds SET attempt = 7, fold_version = NULL, folded_at = NULL, default_branch = NULL;
    UPDATE build_states SET attempt = attempt + 6;
    UPDATE build_failures SET
        id = gen_random_uuid(), attempt = attempt + 6, resolved = stage = 'Storage',
        resolution_notes = CASE stage WHEN 'Storage' THEN 'the disk was full' END,
        resolved_at = CASE stage WHEN 'Storage' THEN now() END;
"""


def two_failed_builds(client: FlaskClient, url: str) -> None:
    for number in ("b-1", "b-2"):
        failures = [
            stage(name, "failed", minute, failure={"message": f"no {name}"})
            for minute, name in enumerate(("Storage", "Security baseline", "storage"))
        ]
        said = envelope(*failures, verdict("failed", 9), number=number, run=number)
        said["run"]["default_branch"] = "main"
        assert post(client, said).status_code == 202
    with psycopg.connect(url) as connection:
        connection.execute(AS_BEFORE.encode())


def resolutions(client: FlaskClient, number: str) -> list[tuple[str, str | None]]:
    failures = get_build(client, number)["failures"]
    return [(each["error_message"], each["resolution_notes"]) for each in failures]


def versions(url: str) -> set[tuple[int | None, bool]]:
    with psycopg.connect(url) as connection:
        statement = "SELECT fold_version, folded_at = written_at FROM builds"
        return set(connection.execute(statement.encode()).fetchall())


def test_builds_are_folded_again_and_resolutions_stay(
    client: FlaskClient, command: Command, url: str
):
    two_failed_builds(client, url)
    result = command("refold", "--json")
    assert (result.exit_code, json.loads(result.stdout)) == (0, {"builds": 2}), result.output
    for number in ("b-1", "b-2"):
        assert (get_build(client, number)["attempt"], versions(url)) == (1, {(FOLD_VERSION, True)})
        assert resolutions(client, number) == [
            ("no Storage", "the disk was full"),
            ("no Security baseline", None),
            ("no storage", None),
        ]
    before = rows(url)
    assert json.loads(command("refold", "--json").stdout) == {"builds": 0}
    assert rows(url) == before


def test_the_receiver_folds_them_by_itself(client: FlaskClient, config: Config, url: str):
    two_failed_builds(client, url)
    assert (housekeeping.refold(config), housekeeping.refold(config)) == (2, 0)
    assert versions(url) == {(FOLD_VERSION, True)}


def test_what_an_older_receiver_folded_meanwhile_is_folded_again(
    client: FlaskClient, config: Config, url: str
):
    post(client, envelope(stage("Storage")))
    with psycopg.connect(url) as connection:  # it knows neither fold_version nor folded_at
        connection.execute("UPDATE builds SET attempt = 9, written_at = now(), updated_at = now()")
    assert (housekeeping.refold(config), get_build(client)["attempt"]) == (1, 1)


def test_a_build_without_events_keeps_its_rows(client: FlaskClient, config: Config, url: str):
    post(client, envelope(verdict("completed", 5)))
    with psycopg.connect(url) as connection:
        connection.execute("DELETE FROM events")
        connection.execute("UPDATE builds SET fold_version = NULL")
    assert [housekeeping.refold(config) for _ in range(2)] == [1, 0]
    assert get_build(client)["status"] == "completed"


def test_a_build_of_a_newer_fold_is_left_alone(client: FlaskClient, config: Config, url: str):
    post(client, envelope(stage("Storage")))
    with psycopg.connect(url) as connection:
        connection.execute(f"UPDATE builds SET fold_version = {FOLD_VERSION + 1}".encode())
    before = rows(url)
    assert post(client, envelope(verdict("failed", 9))).status_code == 202
    assert (housekeeping.refold(config), rows(url)) == (0, before)
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE builds SET fold_version = NULL")
    assert (housekeeping.refold(config), get_build(client)["status"]) == (1, "failed")


def test_two_processes_do_not_fold_at_the_same_time(
    client: FlaskClient, command: Command, url: str
):
    two_failed_builds(client, url)
    with psycopg.connect(url) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [0x666F6C64])
        result = command("refold")
    assert (result.exit_code != 0, "Another process" in result.output) == (True, True)
    assert command("refold").exit_code == 0


def test_what_was_said_before_tells_its_sources_after_an_upgrade(
    client: FlaskClient, command: Command, url: str
):
    custom = {"milepost_source": "us-east-1:ami-base"}
    made = {"builder_type": "amazon-ebs", "artifact_id": "us-east-1:ami-1", "custom_data": custom}
    post(client, envelope(manifest=manifest(made)))
    sources = "SELECT artifact_id, region FROM build_sources"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DELETE FROM build_sources")  # the release before knows none
        connection.execute("UPDATE builds SET fold_version = 2, written = NULL")
        assert command("refold").exit_code == 0
        assert connection.execute(sources).fetchall() == [("ami-base", "us-east-1")]


def test_the_history_of_the_measurements_is_not_folded_again(config: Config, url: str):
    fill(url, 40)
    assert housekeeping.refold(config) == 0
