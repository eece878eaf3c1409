"""Receivers with other stage maps on one database: a build has one state, whoever folds it."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import orjson
import pytest
import requests

from tests.support.deliveries import SECRETS
from tests.support.senders import envelope, sign, stage
from tests.torture.machine import Receiver, until

Make = Callable[[str, int | None], Receiver]
MINUTES = count(1)


def text(state: int) -> str:
    return f'["*"]\nnames = {{ Frobnicate = {state} }}\n'


@pytest.fixture
def make(url: str, tmp_path: Path) -> Iterator[Make]:
    """Start a receiver of this name, with a file of stages if a state is given."""
    made = []

    def start(name: str, state: int | None) -> Receiver:
        path = tmp_path / f"{name}.toml"
        if state is not None:
            path.write_text(text(state))
        more = {} if state is None else {"MILEPOST_STAGES": str(path)}
        receiver = Receiver(tmp_path / name, url, **more)
        made.append(receiver)
        receiver.start()
        return receiver

    yield start
    for each in made:
        each.stop()


def post(receiver: Receiver, name: str = "Checkout") -> object:
    """Post a stage of the one build; return the state of the build then."""
    body = orjson.dumps(envelope(stage(name, minutes=next(MINUTES))))
    headers = {"Content-Type": "application/json"} | sign(body, SECRETS["milepost"])
    address = f"{receiver.url}/webhooks/milepost"
    assert requests.post(address, body, headers=headers, timeout=30).status_code == 202
    return receiver.json("/api/v1/builds/core-1")["current_state"]


def test_a_receiver_without_a_file_folds_with_the_map_of_the_others(make: Make):
    first, second = make("first", 25), make("second", None)
    assert post(first, "Frobnicate") == 25
    assert [post(each) for each in (second, first, second)] == [25, 25, 25]


def test_of_two_files_the_one_that_came_last_counts_for_both_receivers(make: Make):
    first = make("first", 25)
    assert post(first, "Frobnicate") == 25
    second = make("second", 40)
    assert [post(each) for each in (second, first, second, first)] == [40, 40, 40, 40]
    first.stop()
    first.start()  # as an old pod does in the midst of a change
    assert [post(each) for each in (first, second, first)] == [40, 40, 40]
    warning = "older stages file"
    assert (warning in first.log.read_text(), warning in second.log.read_text()) == (True, False)


def test_an_earlier_file_counts_once_no_receiver_has_the_newest(make: Make):
    first, second = make("first", 25), make("second", 40)
    assert post(first, "Frobnicate") == 40
    second.stop()
    until(lambda: post(first) == 25, 20, "the file that is left counts")
    second.start()
    assert [post(each) for each in (second, first, second)] == [25, 25, 25]


def test_a_file_that_is_put_back_on_every_receiver_counts_at_once(make: Make, tmp_path: Path):
    first, second = make("first", 25), make("second", 25)
    files = [tmp_path / "first.toml", tmp_path / "second.toml"]
    assert post(first, "Frobnicate") == 25
    files[0].write_text(text(40))
    assert [post(first), post(second)] == [40, 40]
    files[1].write_text(text(40))
    assert [post(second), post(first)] == [40, 40]
    for file in files:
        file.write_text(text(25))
    until(lambda: post(first) == post(second) == 25, 20, "the earlier map counts again")
