"""A hook called inside this process: its settings, a mock receiver, a clock."""

import json
from typing import Any

import pytest
import responses

from hooks.__main__ import main
from hooks.client import Clock
from receiver.sources.milepost import ENVELOPE
from tests.support.senders import SECRET

URL = "https://milepost.example.com"
ROUTE = f"{URL}/webhooks/milepost"
RECEIPT = {"id": None, "outcome": "stored"}
SETTINGS = {
    "MILEPOST_URL": URL,
    "MILEPOST_SECRET": SECRET,
    "MILEPOST_BUILD_NUMBER": "b-1",
}


class FakeClock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0
        self.pauses: list[float] = []
        self.clock = Clock(lambda: self.now, lambda: self.now, self.sleep)

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


def accept(mock: responses.RequestsMock, url: str = ROUTE) -> None:
    mock.add(responses.POST, url, json=RECEIPT, status=202)


def refuse(mock: responses.RequestsMock, status: int, **more: Any) -> None:
    """Answer as a receiver that refuses."""
    problem = {"status": status, "code": "test", **more}
    kind = "application/problem+json"
    mock.add(responses.POST, ROUTE, json=problem, status=status, content_type=kind)


def sent(mock: responses.RequestsMock, *arguments: str) -> dict[str, Any]:
    """Run a command; return the document that it sends, valid for the receiver."""
    accept(mock)
    main([*arguments])
    document: dict[str, Any] = json.loads(mock.calls[-1].request.body or b"")
    ENVELOPE.deserialize(document)  # raises what is wrong
    return document


def exit_code(arguments: list[str]) -> int | str | None:
    with pytest.raises(SystemExit) as error:
        main(arguments)
    return error.value.code
