"""Receivers for the hooks: a real one, a listener and a mock; and the hooks' settings."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import responses

from tests.support.hook_calls import SETTINGS
from tests.support.listeners import Listener, listening
from tests.support.receivers import Running, started


@pytest.fixture(scope="module")
def receiver() -> Iterator[Running]:
    with started() as running:
        yield running


@pytest.fixture
def listener() -> Iterator[Listener]:
    with listening() as server:
        yield server


@pytest.fixture
def mock() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as receiver:
        yield receiver


@pytest.fixture
def hook_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the hook's variables in this process, and no CI's."""
    forges = ("GITHUB_", "CI_", "BUILD_", "JOB_", "PACKER_", "GITLAB_", "RUNNER_", "GIT_")
    for name in [name for name in os.environ if name.startswith(forges)]:
        monkeypatch.delenv(name)
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def spool_folder(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return where a report is written."""
    return tmp_path / "report"
