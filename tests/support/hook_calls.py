"""A hook called inside this process: its settings, a receiver that answers as told, a clock."""

import json
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import responses

from hooks.__main__ import main
from hooks.client import Clock
from tests.support.senders import SECRET

URL = "https://milepost.example.com"
ROUTE = f"{URL}/webhooks/milepost"
SETTINGS = {
    "MILEPOST_URL": URL,
    "MILEPOST_SECRET": SECRET,
    "MILEPOST_BUILD_NUMBER": "b-1",
}


class Watch:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0
        self.slept: list[float] = []
        self.clock = Clock(lambda: self.now, lambda: self.now, self.sleep)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture(autouse=True)
def settings_of_the_hook(monkeypatch: pytest.MonkeyPatch) -> None:
    forges = ("GITHUB_", "CI_", "BUILD_", "JOB_", "PACKER_", "GITLAB_", "RUNNER_", "GIT_")
    for name in [name for name in os.environ if name.startswith(forges)]:
        monkeypatch.delenv(name)
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def receiver() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def takes(receiver: responses.RequestsMock, url: str = ROUTE) -> Callable[[], list[dict[str, Any]]]:
    receiver.add(responses.POST, url, json={"outcome": "stored"}, status=202)
    return lambda: [json.loads(call.request.body or b"") for call in receiver.calls]


def exit_code(arguments: list[str]) -> int | str | None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    return ended.value.code
