"""What an envelope may hold: what is wrong is named, what is odd is made right."""

import base64
import hmac
import time
from typing import Any

import orjson
import psycopg
import pytest
from flask.testing import FlaskClient

from tests.support.senders import SECRET, envelope, post, shown, stage, told
from tests.support.table_rows import count

WRONG = [
    ({"version": 2}, "version"),
    ({"version": True}, "version"),
    ({"extra": 1}, "extra"),
    ({"build": {"number": "a b"}}, "build.number"),
    ({"build": {}}, "build.number"),
    ({"build": {"number": "x", "os": "y"}}, "build.os"),
    ({"run": {}}, "run.key"),
    ({"run": {"key": ""}}, "run.key"),
    ({"run": {"key": "k", "attempt": 0}}, "run.attempt"),
    ({"run": {"key": "k", "resumed_from": 101}}, "run.resumed_from"),
    ({"events": []}, "events"),
    ({"events": [5]}, "events.0"),
    ({"events": "x"}, "events"),
    ({"manifest": []}, "manifest"),
    ({"manifest": {"builds": 5}}, "manifest.builds"),
]


@pytest.mark.parametrize(("change", "field"), WRONG)
def test_422_names_the_wrong_field(client: FlaskClient, url: str, change: Any, field: str):
    response = post(client, envelope(stage("x")) | change)
    assert response.status_code == 422
    assert field in told(response)["errors"], told(response)
    assert count(url, "deliveries") == 0


@pytest.mark.parametrize(
    ("change", "field"),
    [
        *[({"state": state}, "state") for state in (-1, 101, 50.5, "50", True, None)],
        *[
            ({"at": moment}, "at")
            for moment in (
                None,
                "",
                5,
                "yesterday",
                "0000-01-01T00:00:00Z",
                "10000-01-01T00:00:00Z",
                "2026-12-31T23:59:60Z",
                "0001-01-01T00:00:00+14:00",
                "2026-01-01",
            )
        ],
        ({"status": "done"}, "status"),
        ({"kind": "party"}, "kind"),
        ({"allowed": "yes"}, "allowed"),
        ({"stage": 7}, "stage"),
        ({"failure": "x"}, "failure"),
        ({"failure": {"why": "x"}}, "failure.why"),
        ({"colour": "red"}, "colour"),
        ({"stage": None}, "stage"),
    ],
)
def test_422_names_the_wrong_field_of_an_event(client: FlaskClient, change: Any, field: str):
    response = post(client, envelope(stage("x") | change))
    assert response.status_code == 422
    assert f"events.0.{field}" in told(response)["errors"], told(response)


def test_every_wrong_field_is_named_at_once(client: FlaskClient):
    response = post(client, envelope(stage("x", state=101, at=5), number="a b"))
    assert set(told(response)["errors"]) == {"build.number", "events.0.at", "events.0.state"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{} {}",
        b'{"a": NaN}',
        b'{"a": 1e400}',
        b'{"a": "\\ud800"}',
        b"\xef\xbb\xbf{}",
        b'{"a": "\xff"}',
        b"\xff\xfe{\x00}\x00",
        b"[" * 100_000,
        b'{"a":' * 65 + b"1" + b"}" * 65,
        b"{" + b",".join(b'"%d":1' % i for i in range(100_001)) + b"}",
        b'{"' + b"k" * 257 + b'": 1}',
    ],
    ids=lambda body: repr(body[:16]),
)
def test_what_is_no_sane_json_is_422(client: FlaskClient, body: bytes):
    stamp = str(int(time.time()))
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    digest = hmac.digest(key, f"msg_1.{stamp}.".encode() + body, "sha256")
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": stamp,
        "webhook-signature": "v1," + base64.b64encode(digest).decode(),
    }
    response = post(client, body, headers=headers)
    assert response.status_code == 422, response.text
    assert told(response)["code"] == "undecodable"


def test_nul_is_replaced_and_the_raw_body_kept(client: FlaskClient, url: str):
    body = orjson.dumps(envelope(stage("a\0b", state=5)))
    assert post(client, body).status_code == 202
    assert shown(client)["states"][0]["stage"] == "a\N{REPLACEMENT CHARACTER}b"
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT body, flags FROM deliveries").fetchone()
    assert row == (body, ["sanitized"])


def test_a_long_name_is_cut(client: FlaskClient):
    post(client, envelope(stage("n" * 10_000, state=5)))
    assert len(shown(client)["states"][0]["stage"]) == 200


def test_a_time_without_a_zone_is_utc(client: FlaskClient):
    post(client, envelope(stage("x", state=5) | {"at": "2026-01-01T10:00:00"}))
    assert shown(client)["start_time"] == "2026-01-01T10:00:00+00:00"


def test_names_that_the_tables_lack_are_created(client: FlaskClient, url: str):
    names = {
        "project": "core",
        "platform": "aws-commercial",
        "os_version": "rhel-8.8",
        "image_type": "hana",
    }
    post(client, envelope(stage("x", state=5), build=names))
    assert {name: shown(client)[name] for name in names} == names
    with psycopg.connect(url) as connection:
        os_version = connection.execute(
            "SELECT display_name, os_family, major_version, minor_version FROM os_versions "
            "WHERE name = 'rhel-8.8'"
        ).fetchone()
        platform = connection.execute(
            "SELECT cloud_provider FROM platforms WHERE name = 'aws-commercial'"
        ).fetchone()
    assert (os_version, platform) == (("RHEL 8.8", "rhel", 8, 8), ("aws",))
