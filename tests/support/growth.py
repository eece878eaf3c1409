"""How the cost of a function grows with its text."""

import time
from collections.abc import Callable

SMALL, LARGE = 16 * 1024, 256 * 1024  # characters


def growth(function: Callable[[str], object], unit: str) -> float:
    """Return how often the processor time of a small text a 16 times longer one costs.

    A linear function gives about 16, a quadratic one 256.
    """
    return _seconds(function, unit, LARGE) / max(_seconds(function, unit, SMALL), 1e-4)


def _seconds(function: Callable[[str], object], unit: str, length: int) -> float:
    text = unit * (length // len(unit) + 1)
    return min(_once(function, text) for _ in range(3))


def _once(function: Callable[[str], object], text: str) -> float:
    began = time.process_time()
    function(text)
    return time.process_time() - began
