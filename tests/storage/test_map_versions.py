"""A build is folded with the newest stage map of the database, and remembers its version."""

import psycopg
import pytest
from flask.testing import FlaskClient

from receiver.config import Config
from receiver.domain.stage_map import StageMap
from receiver.server import housekeeping
from receiver.storage import refold, settings
from receiver.storage.db import connect
from tests.support.api import Api
from tests.support.senders import envelope, get_build, post, stage, verdict


def set_map(url: str, state: int | None) -> None:
    """Make a map with a state for Frobnicate the newest; None is one without it."""
    text = "" if state is None else f'["*"]\nnames = {{ Frobnicate = {state} }}\n'
    with connect(url) as connection:
        settings.write_document(connection, "stages", text, "ada")


def builds(url: str) -> list[tuple[int, int | None]]:
    """Return state and version of the map of each build."""
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT current_state, map_version FROM builds ORDER BY id")
        return rows.fetchall()


@pytest.fixture
def late(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """A receiver that has not read anything from the database, and does not ask again."""
    rules = client.application.extensions["milepost"].rules
    client.get("/stages")
    monkeypatch.setattr(rules.stored, "renew", lambda: None)
    return client


def test_a_build_without_a_map_is_of_version_0(client: FlaskClient, url: str):
    post(client, envelope(stage("Storage")))
    assert builds(url) == [(45, 0)]


def test_a_receiver_that_has_not_read_the_newest_map_folds_with_it(late: FlaskClient, url: str):
    post(late, envelope(stage("Frobnicate")))
    assert builds(url) == [(0, 0)]
    for version, state in enumerate((25, 40), 1):
        set_map(url, state)
        post(late, envelope(stage("Checkout", minutes=version)))
        assert builds(url) == [(state, version)]
    set_map(url, None)
    post(late, envelope(stage("Checkout", minutes=9)))
    assert builds(url) == [(0, 3)]


def test_a_large_build_is_folded_anew_with_another_map(
    late: FlaskClient, url: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(refold, "LARGE", 0)
    for minute in range(3):
        post(late, envelope(stage("Frobnicate", minutes=minute)))
    set_map(url, 25)
    post(late, envelope(stage("Checkout", minutes=5)))
    assert builds(url) == [(25, 1)]
    post(late, envelope(stage("Checkout", "completed", minutes=6)))
    assert builds(url) == [(25, 1)]


def test_a_build_that_has_ended_keeps_its_states_until_it_is_replayed(
    client: FlaskClient, api: Api, config: Config, url: str
):
    set_map(url, 25)
    said = envelope(stage("Frobnicate"), verdict("failed", 5))
    delivery = post(client, said).get_json()["id"]
    set_map(url, 40)
    assert (housekeeping.refold(config), builds(url)) == (0, [(25, 1)])
    answer = api.send("POST", f"/deliveries/{delivery}/replay", scope="admin")
    assert (answer.status_code, builds(url)) == (200, [(40, 2)])


def test_a_map_that_only_a_newer_release_reads_leaves_builds_alone(late: FlaskClient, url: str):
    set_map(url, 25)
    post(late, envelope(stage("Frobnicate")))
    with connect(url) as connection:
        settings.write_document(connection, "stages", "[[[", "a newer release")
        connection.execute("UPDATE builds SET map_version = 2, current_state = 40")
    assert post(late, envelope(verdict("failed", 9))).status_code == 202
    assert builds(url) == [(40, 2)]
    assert get_build(late)["status"] == "running"


def test_what_a_release_without_versions_folded_is_folded_again(
    client: FlaskClient, config: Config, url: str
):
    set_map(url, 25)
    post(client, envelope(stage("Frobnicate")))
    with psycopg.connect(url) as connection:  # it knows neither map_version nor mapped_at
        connection.execute(
            "UPDATE builds SET current_state = 0, written_at = now(), updated_at = now(), "
            "folded_at = now()"
        )
    assert [housekeeping.refold(config) for _ in range(2)] == [1, 0]
    assert builds(url) == [(25, 1)]


def test_a_fold_with_an_older_map_is_not_written(client: FlaskClient, url: str):
    services = client.application.extensions["milepost"]
    set_map(url, 25)
    post(client, envelope(stage("Frobnicate")))
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE builds SET map_version = 7")  # of a version yet to come
    post(client, envelope(stage("Checkout", minutes=2)))
    assert builds(url) == [(25, 7)]
    assert services.rules.stages() == StageMap.parse('["*"]\nnames.Frobnicate = 25\n', "x")
