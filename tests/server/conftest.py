"""A target of notices, and a receiver that tells it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from receiver.config import Config
from tests.support.listeners import Listener, listening
from tests.support.notices import Make, Telling, telling


@pytest.fixture
def target() -> Iterator[Listener]:
    with listening() as listener:
        yield listener


@pytest.fixture
def make(config: Config, tmp_path: Path) -> Iterator[Make]:
    """Make a receiver with a file of notices."""
    opened = []

    def start(text: str, projects: str = "") -> Telling:
        opened.append(telling(config, tmp_path, text, projects))
        return opened[-1].__enter__()

    yield start
    for each in opened:
        each.__exit__(None, None, None)
