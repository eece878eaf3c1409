"""The API client in the receiver's own process and over HTTP: the same rows, the same errors."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from receiver.cli.client import Client, open_client
from receiver.errors import Ended, Invalid, Taken
from receiver.web.auth import ACTOR


@pytest.fixture
def clients(
    address: str,
    token: Callable[..., str],
    url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[tuple[Client, Client]]:
    """The client of this process, and one over HTTP."""
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("MILEPOST_DATA_DIR", str(tmp_path))
    with open_client() as own:
        monkeypatch.setenv("MILEPOST_URL", address)
        monkeypatch.setenv("MILEPOST_TOKEN", token("admin"))
        with open_client() as remote:
            yield own, remote


def test_both_clients_return_the_same(clients: tuple[Client, Client]):
    own, remote = clients
    assert own.builds({}, 50) == remote.builds({}, 50) != []
    assert own.images({}) == remote.images({}) != []
    image = {"platform": "aws-commercial", "os_version": "rhel-8.8", "image_type": "hana"}
    image["region"] = "us-east-1"
    assert own.image_id(image) == remote.image_id(image) == "ami-1"
    assert own.summary() == remote.summary()
    for part in ("combinations", "stages"):
        assert own.statistics(part) == remote.statistics(part)
    assert own.resume("bad") == remote.resume("bad")
    assert own.deliveries({}, 50) == remote.deliveries({}) != []
    (failure,) = remote.failures("open", 50)
    remote.resolve(failure["id"], "the route")
    assert own.failures("resolved", 50) == remote.failures("resolved", 50) != []
    remote.reopen(failure["id"])
    assert remote.failures("resolved", 50) == []
    assert remote.replay(remote.deliveries({}, 1)[0]["id"]) == "stored"


def test_both_clients_change_builds(clients: tuple[Client, Client]):
    for number, client in zip(("one", "two"), clients, strict=True):
        assert client.create(number, {"platform": "aws"})["status"] == "pending"
        client.add(number, "state", {"stage": "Base", "state": 15, "status": "started"})
        client.add(number, "failure", {"stage": "Base", "state": 15, "message": "no"})
        client.add(number, "artifact", {"artifact_id": "a"})
        with pytest.raises(Taken):
            client.create(number, {})
        with pytest.raises(Ended):
            client.cancel("good", {})
        with pytest.raises(Invalid) as wrong:
            client.add(number, "state", {"status": "odd", "stage": "x"})
        assert list(wrong.value.fields) == ["status"]
    own, remote = clients
    for part in ("status", "current_state", "platform", "artifacts"):
        assert own.build("one")[part] == remote.build("two")[part]
    assert own.audit({}, 3) == remote.audit({}, 3)


def test_secrets_are_masked_on_the_receivers_own_host(clients: tuple[Client, Client]):
    own, _ = clients
    own.add("bad", "failure", {"state": 50, "message": "no", "details": {"password": "x"}})
    masked, revealed = (each.build("bad")["failures"][-1]["error_details"] for each in clients)
    assert (masked, revealed) == ({"password": "***"}, {"password": "x"})


def test_no_request_of_a_network_names_its_caller(filled: FlaskClient):
    failure = filled.get("/api/v1/failures").get_json()["items"][0]["id"]
    for name in (ACTOR, "milepost-actor", "milepost_actor"):
        headers = {name: "root"}
        answer = filled.post(f"/api/v1/failures/{failure}/reopen", headers=headers)
        assert (answer.status_code, answer.get_json()["code"]) == (401, "closed")
    text = filled.get("/api/v1/audit", environ_overrides={ACTOR: "root"})
    assert text.status_code == 401
