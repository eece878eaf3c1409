"""The webhook routes: signatures, responses, and the rows that are stored."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import orjson
import psycopg
import pytest
from flask.testing import FlaskClient

from receiver.config import Config
from tests.support.kept_bodies import kept_bodies
from tests.support.senders import (
    BEARER,
    OTHER_SECRET,
    SECRET,
    at,
    envelope,
    get_build,
    post,
    sign,
    stage,
)
from tests.support.table_rows import count

BODY = orjson.dumps(envelope(stage("Security baseline")))


def test_signed_envelope_is_stored_unchanged_and_applied(client: FlaskClient, url: str):
    response = post(client, BODY)
    assert response.status_code == 202
    assert response.get_json()["builds"] == ["core-1"]
    assert get_build(client)["current_state"] == 25
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT id::text, outcome FROM deliveries").fetchone()
    assert row == (response.get_json()["id"], "stored")
    assert kept_bodies(url) == [BODY]


def test_credentials_are_not_stored_with_the_headers(client: FlaskClient, url: str):
    headers = {"Authorization": f"Bearer {BEARER.removeprefix('bearer:')}"}
    assert post(client, BODY, headers=headers).status_code == 202
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT headers FROM deliveries").fetchone()
    assert row is not None
    assert BEARER.removeprefix("bearer:") not in str(row[0])


def test_repeated_delivery_is_200_and_changes_nothing(client: FlaskClient, url: str):
    headers = sign(BODY)
    first = post(client, BODY, headers=headers)
    again = post(client, BODY, headers=headers)
    assert (again.status_code, again.get_json()["duplicate"]) == (200, True)
    assert again.get_json()["id"] == first.get_json()["id"]
    assert count(url, "deliveries") == count(url, "events") == 1


def test_the_same_id_with_another_body_is_409_and_the_first_stays(client: FlaskClient):
    post(client, BODY, message_id="msg_1")
    other = orjson.dumps(envelope(stage("Storage")))
    assert post(client, other, message_id="msg_1").status_code == 409
    assert post(client, b"{}", message_id="msg_1").status_code == 409
    assert get_build(client)["current_state"] == 25


def test_the_same_event_under_another_id_changes_no_row(client: FlaskClient):
    post(client, BODY)
    post(client, BODY)
    assert len(get_build(client)["states"]) == 1


def refused_headers() -> list[tuple[str, dict[str, str]]]:
    right = sign(BODY)
    now = datetime.now(UTC)
    stale = sign(BODY, when=now - timedelta(seconds=302))
    future = sign(BODY, when=now + timedelta(seconds=305))
    return [
        ("nothing", {}),
        ("empty", right | {"webhook-signature": ""}),
        ("another secret", sign(BODY, OTHER_SECRET)),
        ("another body", sign(BODY + b" ")),
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
            sign(BODY, OTHER_SECRET)
            | {"Authorization": "Bearer " + BEARER.removeprefix("bearer:")},
        ),
    ]


@pytest.mark.parametrize("name", [name for name, _ in refused_headers()])
def test_invalid_signature_is_401_and_stores_nothing(client: FlaskClient, url: str, name: str):
    headers = dict(refused_headers())[name]
    response = client.post(
        "/webhooks/milepost", data=BODY, headers=headers, content_type="application/json"
    )
    assert response.status_code == 401
    assert {**response.get_json(), "request_id": ""} == {
        "type": "about:blank",
        "title": "Invalid signature",
        "status": 401,
        "code": "unauthorized",
        "detail": "Invalid signature",
        "request_id": "",
    }
    assert count(url, "deliveries") == 0


def test_old_secret_is_valid_during_rotation_and_not_after(
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
def test_unsupported_content_type_is_415(client: FlaskClient, content_type: str | None):
    response = client.post(
        "/webhooks/milepost", data=BODY, headers=sign(BODY), content_type=content_type
    )
    assert response.status_code == 415


def test_compressed_body_is_415_before_it_is_read(client: FlaskClient):
    headers = sign(BODY) | {"Content-Encoding": "gzip"}
    response = post(client, BODY, headers=headers)
    assert (response.status_code, response.headers["Accept-Encoding"]) == (415, "identity")


def test_a_body_over_the_limit_is_413(client: FlaskClient):
    assert post(client, b" " * (5 * 2**20 + 1), headers={}).status_code == 413


def test_a_heartbeat_makes_no_row_and_no_build(client: FlaskClient, url: str):
    beat = {"kind": "heartbeat", "at": at(0)}
    assert post(client, envelope(beat)).status_code == 202
    assert count(url, "deliveries") == count(url, "builds") == 0
    post(client, BODY)
    assert post(client, envelope(beat)).status_code == 202
    assert count(url, "deliveries") == 1
