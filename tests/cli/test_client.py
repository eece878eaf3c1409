"""A receiver asked from beside and from elsewhere: the same answers, the same refusals."""

import threading
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import orjson
import pytest
from flask.testing import FlaskClient
from werkzeug.serving import make_server

from receiver.cli.asking import Local, Receiver
from receiver.cli.client import Remote
from receiver.errors import Ended, Invalid, Taken
from receiver.storage.audit import Actor
from tests.support.receivers import free_port


@pytest.fixture
def both(filled: FlaskClient, token: Callable[..., str]) -> Iterator[tuple[Receiver, Receiver]]:
    """The same receiver from beside and from elsewhere."""
    local = Local(filled.application.extensions["milepost"], Actor("ada", "command"))
    server = make_server("127.0.0.1", free_port(), filled.application, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield local, Remote(f"http://127.0.0.1:{server.port}", token("admin"))
    server.shutdown()
    thread.join()
    server.server_close()


def plain(answer: Any) -> Any:
    return orjson.loads(orjson.dumps(answer))


def test_both_ways_give_the_same_answers(both: tuple[Receiver, Receiver]):
    local, there = both
    assert plain(local.builds({}, 50)) == there.builds({}, 50) != []
    assert plain(local.images()) == there.images()
    names = ("aws-commercial", "rhel-8.8", "hana")
    wanted = {"region": "us-east-1"}
    assert local.image(names, wanted) == there.image(names, wanted) == "ami-1"
    for part in ("summary", "combinations", "stages"):
        assert plain(local.stats(part)) == there.stats(part)
    assert plain(local.resume("bad")) == there.resume("bad")
    assert plain(local.deliveries({}, 50)) == there.deliveries({}, 50)
    (failure,) = there.failures("open", 50)
    there.resolve(failure["id"], "the route")
    assert plain(local.failures("resolved", 50)) == there.failures("resolved", 50) != []
    there.reopen(failure["id"])
    assert there.failures("resolved", 50) == []
    assert list(local.unused("ignored")) == list(there.unused("ignored")) == []
    assert there.replay(UUID(there.deliveries({}, 1)[0]["id"])) == "stored"


def test_both_ways_say_the_same(both: tuple[Receiver, Receiver]):
    for number, receiver in zip(("one", "two"), both, strict=True):
        assert receiver.create(number, {"platform": "aws"})["status"] == "pending"
        receiver.add(number, "state", {"stage": "Base", "state": 15, "status": "started"})
        receiver.add(number, "failure", {"stage": "Base", "state": 15, "message": "no"})
        receiver.add(number, "artifact", {"artifact_id": "a"})
        with pytest.raises(Taken):
            receiver.create(number, {})
        with pytest.raises(Ended):
            receiver.cancel("good", {})
        with pytest.raises(Invalid) as wrong:
            receiver.add(number, "state", {"status": "odd", "stage": "x"})
        assert list(wrong.value.fields) == ["status"]
    local, there = both
    for part in ("status", "current_state", "platform", "artifacts"):
        assert plain(local.build("one"))[part] == there.build("two")[part]
    assert plain(local.audit({}, 3)) == there.audit({}, 3)
