"""Odd values in an envelope are put right; wrong ones are named (see hostile_input.py)."""

import orjson
import psycopg
from flask.testing import FlaskClient

from tests.support.kept_bodies import kept_bodies
from tests.support.senders import COMBINATION, envelope, get_build, post, stage


def test_every_wrong_field_is_named_at_once(client: FlaskClient):
    response = post(client, envelope(stage("x", state=101, at=5), number="a b"))
    assert response.status_code == 422
    assert set(response.get_json()["errors"]) == {"build.number", "events.0.at", "events.0.state"}


def test_nul_is_replaced_and_the_raw_body_stored(client: FlaskClient, url: str):
    body = orjson.dumps(envelope(stage("a\0b", state=5)))
    assert post(client, body).status_code == 202
    assert get_build(client)["states"][0]["stage"] == "a\N{REPLACEMENT CHARACTER}b"
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT flags FROM deliveries").fetchone() == (["sanitized"],)
    assert kept_bodies(url) == [body]


def test_a_long_name_is_cut(client: FlaskClient):
    post(client, envelope(stage("n" * 10_000, state=5)))
    assert len(get_build(client)["states"][0]["stage"]) == 200


def test_a_time_without_a_zone_is_utc(client: FlaskClient):
    post(client, envelope(stage("x", state=5) | {"at": "2026-01-01T10:00:00"}))
    assert get_build(client)["start_time"] == "2026-01-01T10:00:00+00:00"


def test_an_unknown_stage_is_stored_unmapped(client: FlaskClient):
    assert post(client, envelope(stage("Frobnicate"))).get_json()["outcome"] == "stored"
    state = get_build(client)["states"][0]
    assert (state["state"], state["mapped"]) == (0, False)


def test_names_that_the_tables_lack_are_created(client: FlaskClient, url: str):
    post(client, envelope(stage("x", state=5), build=COMBINATION))
    assert {name: get_build(client)[name] for name in COMBINATION} == COMBINATION
    with psycopg.connect(url) as connection:
        os_version = connection.execute(
            "SELECT display_name, os_family, major_version, minor_version FROM os_versions "
            "WHERE name = 'rhel-8.8'"
        ).fetchone()
        platform = connection.execute(
            "SELECT cloud_provider FROM platforms WHERE name = 'aws-commercial'"
        ).fetchone()
    assert (os_version, platform) == (("RHEL 8.8", "rhel", 8, 8), ("aws",))
