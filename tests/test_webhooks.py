"""The webhook routes, request by request: what is answered, and what is kept."""

import base64
import hmac
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import psycopg
import pytest
from flask.testing import FlaskClient

from receiver.config import Config
from tests.senders import (
    BEARER,
    OTHER_SECRET,
    SECRET,
    at,
    envelope,
    manifest,
    post,
    post_manifest,
    shown,
    signed,
    stage,
    told,
    verdict,
)

BODY = orjson.dumps(envelope(stage("Security baseline")))


def count(url: str, table: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()
    assert row is not None
    return int(row[0])


def test_a_signed_envelope_is_kept_as_it_came_and_applied(client: FlaskClient, url: str):
    response = post(client, BODY)
    assert response.status_code == 202
    assert told(response)["builds"] == ["core-1"]
    assert shown(client)["current_state"] == 25
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT id::text, body, outcome FROM deliveries").fetchone()
    assert row == (told(response)["id"], BODY, "stored")


def test_no_credential_is_kept_with_the_headers(client: FlaskClient, url: str):
    headers = {"Authorization": f"Bearer {BEARER.removeprefix('bearer:')}"}
    assert post(client, BODY, headers=headers).status_code == 202
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT headers FROM deliveries").fetchone()
    assert row is not None
    assert BEARER.removeprefix("bearer:") not in str(row[0])


def test_the_same_delivery_again_is_200_and_changes_nothing(client: FlaskClient, url: str):
    headers = signed(BODY)
    first = post(client, BODY, headers=headers)
    again = post(client, BODY, headers=headers)
    assert (again.status_code, told(again)["duplicate"]) == (200, True)
    assert told(again)["id"] == told(first)["id"]
    assert count(url, "deliveries") == count(url, "events") == 1


def test_the_same_id_with_another_body_is_409_and_the_first_stays(client: FlaskClient):
    post(client, BODY, message_id="msg_1")
    other = orjson.dumps(envelope(stage("Storage")))
    assert post(client, other, message_id="msg_1").status_code == 409
    assert post(client, b"{}", message_id="msg_1").status_code == 409
    assert shown(client)["current_state"] == 25


def test_the_same_event_under_another_id_changes_no_row(client: FlaskClient):
    post(client, BODY)
    post(client, BODY)
    assert len(shown(client)["states"]) == 1


def refused_headers() -> list[tuple[str, dict[str, str]]]:
    right = signed(BODY)
    now = datetime.now(UTC)
    stale = signed(BODY, when=now - timedelta(seconds=302))
    future = signed(BODY, when=now + timedelta(seconds=305))
    return [
        ("nothing", {}),
        ("empty", right | {"webhook-signature": ""}),
        ("another secret", signed(BODY, OTHER_SECRET)),
        ("another body", signed(BODY + b" ")),
        ("another id", right | {"webhook-id": "msg_2"}),
        ("stale", stale),
        ("future", future),
        ("no comma", right | {"webhook-signature": "v1garbage"}),
        ("two commas", right | {"webhook-signature": "v1,a,b"}),
        ("not ascii", right | {"webhook-signature": "v1,é"}),
        ("junk in base64", right | {"webhook-signature": right["webhook-signature"] + "!"}),
        ("time nan", right | {"webhook-timestamp": "nan"}),
        ("time 1e9", right | {"webhook-timestamp": "1e9"}),
        ("time with spaces", right | {"webhook-timestamp": f" {right['webhook-timestamp']} "}),
        ("wrong token", {"Authorization": "Bearer nope"}),
        ("token not ascii", {"Authorization": "Bearer é"}),
        ("token as basic", {"Authorization": "Basic " + BEARER.removeprefix("bearer:")}),
        ("github's", {"X-Hub-Signature-256": "sha256=00"}),
        (
            "token beside a wrong signature",
            signed(BODY, OTHER_SECRET)
            | {"Authorization": "Bearer " + BEARER.removeprefix("bearer:")},
        ),
    ]


@pytest.mark.parametrize("name", [name for name, _ in refused_headers()])
def test_what_is_not_signed_rightly_is_401_and_not_kept(client: FlaskClient, url: str, name: str):
    headers = dict(refused_headers())[name]
    response = client.post(
        "/webhooks/milepost", data=BODY, headers=headers, content_type="application/json"
    )
    assert response.status_code == 401
    assert {**told(response), "request_id": ""} == {
        "type": "about:blank",
        "title": "Not signed rightly",
        "status": 401,
        "code": "unauthorized",
        "detail": "Not signed rightly",
        "request_id": "",
    }
    assert count(url, "deliveries") == 0


def test_an_old_secret_counts_during_rotation_and_not_after(
    serve: Callable[[Config], FlaskClient], config: Config
):
    during = serve(replace(config, secrets={"milepost": (OTHER_SECRET, SECRET)}))
    after = serve(replace(config, secrets={"milepost": (OTHER_SECRET,)}))
    assert post(during, BODY).status_code == 202
    assert post(after, BODY).status_code == 401


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("/webhooks/nonsense", "POST", 404),
        ("/webhooks/github", "POST", 404),
        ("/webhooks/milepost/team-x", "POST", 404),
        ("/webhooks/milepost", "GET", 405),
        ("/webhooks/milepost", "PUT", 405),
        ("/webhooks/milepost", "DELETE", 405),
    ],
)
def test_routes(client: FlaskClient, path: str, method: str, status: int):
    response = client.open(path, method=method)
    assert response.status_code == status
    assert (response.headers.get("Allow") == "POST") == (status == 405)


@pytest.mark.parametrize("content_type", [None, "text/plain", "multipart/form-data; boundary=x"])
def test_another_type_is_415(client: FlaskClient, content_type: str | None):
    response = client.post(
        "/webhooks/milepost", data=BODY, headers=signed(BODY), content_type=content_type
    )
    assert response.status_code == 415


def test_a_compressed_body_is_415_before_anybody_looks(client: FlaskClient):
    headers = signed(BODY) | {"Content-Encoding": "gzip"}
    response = post(client, BODY, headers=headers)
    assert (response.status_code, response.headers["Accept-Encoding"]) == (415, "identity")


def test_a_body_over_the_limit_is_413(client: FlaskClient):
    assert post(client, b" " * (5 * 2**20 + 1), headers={}).status_code == 413


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


def test_a_heartbeat_makes_no_row_and_no_build(client: FlaskClient, url: str):
    beat = {"kind": "heartbeat", "at": at(0)}
    assert post(client, envelope(beat)).status_code == 202
    assert count(url, "deliveries") == count(url, "builds") == 0
    post(client, BODY)
    assert post(client, envelope(beat)).status_code == 202
    assert count(url, "deliveries") == 1


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


def test_a_raw_manifest_is_a_completed_build_with_its_artifacts(client: FlaskClient):
    document = manifest({"builder_type": "amazon-ebs", "artifact_id": "a-1:ami-1,b-1:ami-2"})
    response = post_manifest(client, document, "build_number=m-1&os_version=rhel-9")
    assert response.status_code == 202
    found = shown(client, "m-1")
    assert (found["status"], found["current_state"]) == ("completed", 100)
    assert [(each["region"], each["artifact_id"]) for each in found["artifacts"]] == [
        ("a-1", "ami-1"),
        ("b-1", "ami-2"),
    ]
    assert (found["platform"], found["os_version"]) == ("amazon-ebs", "rhel-9")
    assert found["packer_manifest"] == document


def test_a_raw_manifest_twice_is_one_delivery(client: FlaskClient, url: str):
    assert post_manifest(client, manifest({})).status_code == 202
    assert post_manifest(client, manifest({})).status_code == 200
    assert count(url, "deliveries") == 1
    assert shown(client, "packer-uuid-1")["status"] == "completed"


def test_signed_custom_data_is_believed_more_than_the_query(client: FlaskClient):
    document = manifest({"custom_data": {"build_number": "c-1", "platform": "azure"}})
    post_manifest(client, document, "build_number=q-1&platform=aws&image_type=base")
    found = shown(client, "c-1")
    assert (found["platform"], found["image_type"]) == ("azure", "base")


def test_a_wrong_query_is_422(client: FlaskClient):
    response = post_manifest(client, manifest({}), "build_number=a%20b&os=x")
    assert response.status_code == 422
    assert set(told(response)["errors"]) == {"query.build_number", "query.os"}


def test_entries_of_earlier_runs_are_history(client: FlaskClient):
    old = {"packer_run_uuid": "uuid-0", "builder_type": "amazon-ebs", "artifact_id": "a-1:ami-0"}
    new = {"builder_type": "amazon-ebs", "artifact_id": "a-1:ami-1"}
    post(client, envelope(verdict("completed"), manifest=manifest(old, new)))
    found = shown(client)
    assert [each["artifact_id"] for each in found["artifacts"]] == ["ami-1"]
    assert len(found["packer_manifest"]["builds"]) == 2


def test_the_later_manifest_stays_whatever_comes_first(client: FlaskClient):
    early = manifest({"build_time": 1_700_000_000}, run_uuid="a")
    late = manifest({"build_time": 1_800_000_000}, run_uuid="b")
    post(client, envelope(stage("x"), manifest=late))
    post(client, envelope(stage("x"), manifest=early))
    assert shown(client)["packer_manifest"]["last_run_uuid"] == "b"
