"""Refused deliveries: counted with their reasons in memory, and written now and then."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import orjson
import psycopg
import pytest
from flask.testing import FlaskClient

from receiver.config import Config
from receiver.errors import Unavailable
from receiver.web import refusals
from tests.support.forges import SECRETS
from tests.support.receivers import Running, started
from tests.support.senders import OTHER_SECRET, envelope, post, proof, sign, stage
from tests.support.waiting import wait_until

Serve = Callable[[Config], FlaskClient]
JSON = {"Content-Type": "application/json"}


def told(client: FlaskClient) -> dict[str, tuple[str, int]]:
    """Return sender and number of the refusals by reason."""
    rows = client.get("/deliveries.json").get_json()["refusals"]
    return {row["reason"]: (row["sender"], row["count"]) for row in rows}


def flush(client: FlaskClient) -> None:
    app = client.application
    refusals.write(app.extensions["milepost"], refusals.counts(app))


def test_each_wrong_signature_has_its_reason(client: FlaskClient):
    body = orjson.dumps(envelope(stage("Base")))
    old = datetime.now(UTC) - timedelta(minutes=6)
    refused = [
        ({}, "no-signature"),
        (sign(body, OTHER_SECRET), "wrong-signature"),
        (sign(body, when=old), "wrong-time"),
        (sign(body, OTHER_SECRET, when=old), "wrong-signature"),
        (sign(body + b" "), "wrong-signature"),
        ({"Authorization": "Bearer nobody's"}, "wrong-signature"),
    ]
    answers = []
    for headers, _ in refused:
        answer = client.post("/webhooks/milepost", data=body, headers=JSON | headers)
        answers.append(answer.get_json() | {"request_id": None})
    assert all(each == answers[0] for each in answers)  # the caller learns nothing of it
    reasons = [reason for _, reason in refused]
    assert told(client) == {each: ("", reasons.count(each)) for each in reasons}


@pytest.mark.parametrize("source", ["github", "gitlab", "jenkins"])
def test_a_forge_without_a_secret_and_with_another_one_are_told_apart(
    serve: Serve, config: Config, source: str
):
    client = serve(replace(config, secrets={source: (SECRETS[source],)}))
    for headers in ({}, proof(source, "another:secret", b"{}")):
        answer = client.post(f"/webhooks/{source}", data=b"{}", headers=JSON | headers)
        assert answer.status_code == 401
    assert told(client) == {"no-signature": ("", 1), "wrong-signature": ("", 1)}


def test_a_wrong_field_of_an_own_sender_is_named(client: FlaskClient):
    document = envelope(stage("Base", state=101))
    assert post(client, document).status_code == 422
    (row,) = client.get("/setup.json").get_json()["refusals"]
    assert row["reason"] == "invalid"
    assert "state" in row["why"]
    assert "state" in client.get("/setup").text


def test_many_wrong_requests_write_nothing_and_few_rows_later(client: FlaskClient, url: str):
    for number in range(60):
        client.post(f"/webhooks/milepost/stranger-{number}", data=b"{}", headers=JSON)
        client.post("/webhooks/milepost", data=b"{}", headers=JSON)
        client.post(f"/webhooks/scanner-{number}", data=b"{}", headers=JSON)
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT 1 FROM refusals").fetchall() == []
        flush(client)
        rows = connection.execute("SELECT sender, count FROM refusals ORDER BY sender").fetchall()
    assert rows == [("", 60), ("?", 60)]


def test_counts_of_all_workers_add_up(serve: Serve, config: Config):
    workers = [serve(config), serve(config)]
    for _ in range(2):
        for worker in workers:
            worker.post("/webhooks/milepost", data=b"{}", headers=JSON)
            flush(worker)
    workers[0].post("/webhooks/milepost", data=b"{}", headers=JSON)
    assert told(workers[0]) == {"no-signature": ("", 5)}
    assert told(workers[1]) == {"no-signature": ("", 4)}  # until the other one writes


def test_counts_wait_while_the_database_is_away(serve: Serve, config: Config):
    client = serve(config)
    client.post("/webhooks/milepost", data=b"{}", headers=JSON)
    client.application.extensions["milepost"].database.close()
    with pytest.raises(Unavailable):
        flush(client)
    (waiting,) = refusals.counts(client.application).pending()
    assert (waiting.reason, waiting.count) == ("no-signature", 1)


def test_old_hours_are_forgotten(client: FlaskClient, url: str):
    client.post("/webhooks/milepost", data=b"{}", headers=JSON)
    flush(client)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE refusals SET hour = hour - interval '9 days'")
        client.post("/webhooks/packer", data=b"{}", headers=JSON)
        flush(client)
        rows = connection.execute("SELECT source FROM refusals").fetchall()
    assert rows == [("packer",)]


@pytest.fixture(scope="module")
def running(module_url: str) -> Iterator[Running]:
    with started(module_url) as receiver:
        yield receiver


def test_a_running_receiver_writes_them(running: Running, module_url: str):
    assert running.post(envelope(stage("Base", state=-1))).status_code == 422

    def rows() -> list[tuple[str, ...]]:
        with psycopg.connect(module_url) as connection:
            return connection.execute("SELECT source, reason FROM refusals").fetchall()

    wait_until(lambda: rows() == [("milepost", "invalid")])
