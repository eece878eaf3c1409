"""A limit on failed authentications by address, in this worker's memory alone.

A valid secret or token is never counted or delayed, so that a wrong one cannot lock out others
behind the same address.
"""

import math
import time
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from threading import Lock
from typing import cast

from flask import Flask, current_app, request

from receiver.errors import RateLimited

WINDOW_SECONDS = 60.0
LIMIT = 120  # in a window: a wrong secret in a nightly matrix stays below
MAX_ADDRESSES = 10_000  # that are counted apart; beyond them all others count together
OTHERS = ""


class RateLimit:
    """Counts by address, cleared at the end of each window."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, Lock()
        self._counts: dict[str, int] = {}
        self._window_end = 0.0

    def count(self, address: str) -> int | None:
        """Count one more, and return the seconds to wait if these are too many, else None."""
        name = _network(address)
        with self._lock:
            now = self._clock()
            if now >= self._window_end:
                self._counts, self._window_end = {}, now + WINDOW_SECONDS
            if name not in self._counts and len(self._counts) >= MAX_ADDRESSES:
                name = OTHERS
            self._counts[name] = self._counts.get(name, 0) + 1
            return math.ceil(self._window_end - now) if self._counts[name] > LIMIT else None


def register(app: Flask) -> None:
    """Give this app its counts."""
    app.extensions["milepost_rate_limit"] = RateLimit()


def count_failure() -> None:
    """Count a failed authentication of this request's client. Raises RateLimited after many."""
    rate_limit = cast(RateLimit, current_app.extensions["milepost_rate_limit"])
    wait = rate_limit.count(request.remote_addr or OTHERS)
    if wait is not None:
        raise RateLimited(wait)


def _network(address: str) -> str:
    """Return the /64 of an IPv6 address, since one host may use all of it; IPv4 as it is."""
    try:
        version = ip_address(address).version
    except ValueError:  # a Unix socket has no address
        return OTHERS
    return str(ip_network(f"{address}/64", strict=False)) if version == 6 else address
