"""Wait for what another process does."""

import time
from collections.abc import Callable
from typing import Any

SECONDS = 30


def wait_until(condition: Callable[[], Any]) -> None:
    """Return as soon as the condition is true. Raises AssertionError after 30 s."""
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)
