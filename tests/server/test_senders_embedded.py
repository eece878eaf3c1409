"""Senders of an embedded receiver: in its database, under a key of its own, beside a file."""

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
import requests

from tests.support.receivers import Running, started
from tests.support.senders import envelope, sign, stage

FILE = '[[sender]]\nname = "older"\nsource = "milepost"\nsecret_file = "older.secret"\n'
SECRET = "whsec_" + "b2xkZXI" * 5


@pytest.fixture(scope="module")
def receiver() -> Iterator[Running]:
    with started() as running:
        yield running


def data(receiver: Running) -> Path:
    return Path(receiver.environment["MILEPOST_DATA_DIR"])


def post(receiver: Running, name: str, secret: str, number: str) -> int:
    body = orjson.dumps(envelope(stage("Base"), number=number))
    headers = {"Content-Type": "application/json"} | sign(body, secret)
    address = f"{receiver.url}/webhooks/milepost/{name}"
    return requests.post(address, body, headers=headers, timeout=30).status_code


def test_a_sender_is_encrypted_under_a_key_that_the_installation_makes(receiver: Running):
    done = receiver.run("sender", "add", "team-a", "--json")
    assert done.returncode == 0, done.stderr
    assert post(receiver, "team-a", orjson.loads(done.stdout)["secret"], "a") == 202
    key = data(receiver) / "milepost.key"
    assert key.stat().st_mode & 0o777 == 0o600
    assert key.stat().st_size >= 32
    assert not (data(receiver) / "senders.toml").exists()
    assert f"{key}: back it up apart from the database" in receiver.run("doctor").stdout


def test_senders_of_the_file_before_an_upgrade_go_on(receiver: Running):
    (data(receiver) / "older.secret").write_text(f"{SECRET}\n")
    (data(receiver) / "senders.toml").write_text(FILE)
    assert post(receiver, "older", SECRET, "file-1") == 202
    assert receiver.run("sender", "import").returncode == 0
    assert post(receiver, "older", SECRET, "database-1") == 202
    rows = orjson.loads(receiver.run("sender", "list", "--json").stdout)
    assert {row["name"]: row["place"] for row in rows}["older"] == "database"
    assert (data(receiver) / "senders.toml").read_text() == FILE
    (data(receiver) / "senders.toml").unlink()  # other tests have none, in any order


def test_a_lost_key_is_not_replaced_by_another(receiver: Running):
    key = data(receiver) / "milepost.key"
    receiver.run("sender", "add", "first")
    kept = key.rename(key.with_name("backup of the key"))
    refused = receiver.run("sender", "add", "second")
    assert refused.returncode == 1
    assert "milepost.key is gone: copy it back from its backup" in refused.stderr
    assert not key.exists()
    kept.rename(key)
    assert receiver.run("sender", "add", "second").returncode == 0
