"""How often an address failed to prove itself lately; kept in this worker's memory alone.

Who proves himself is never counted or held up, so what a wrong secret does cannot stop the right
one behind the same address.
"""

import math
import time
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from threading import Lock
from typing import cast

from flask import Flask, current_app, request

from receiver.errors import TooManyGuesses

WINDOW_SECONDS = 60.0
MOST = 120  # in a window: a wrong secret in a nightly matrix stays below
ADDRESSES = 10_000  # what is counted apart; beyond that all others count together
OTHERS = ""


class Guesses:
    """Counts by address, forgotten at the end of each window."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, Lock()
        self._counts: dict[str, int] = {}
        self._ends = 0.0

    def count(self, address: str) -> int | None:
        """Count one more; the seconds to wait where these are too many, else None."""
        name = _network(address)
        with self._lock:
            now = self._clock()
            if now >= self._ends:
                self._counts, self._ends = {}, now + WINDOW_SECONDS
            if name not in self._counts and len(self._counts) >= ADDRESSES:
                name = OTHERS
            self._counts[name] = self._counts.get(name, 0) + 1
            return math.ceil(self._ends - now) if self._counts[name] > MOST else None


def register(app: Flask) -> None:
    """Give this app its counts."""
    app.extensions["milepost_guesses"] = Guesses()


def note() -> None:
    """Count a failed proof of this request's client; TooManyGuesses where there were many."""
    guesses = cast(Guesses, current_app.extensions["milepost_guesses"])
    wait = guesses.count(request.remote_addr or OTHERS)
    if wait is not None:
        raise TooManyGuesses(wait)


def _network(address: str) -> str:
    """One host has a whole /64 of IPv6 addresses to speak from."""
    try:
        is_wide = ip_address(address).version == 6
    except ValueError:  # a Unix socket has no address
        return OTHERS
    return str(ip_network(f"{address}/64", strict=False)) if is_wide else address
