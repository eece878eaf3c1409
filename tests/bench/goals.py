"""One row of the table and of bench.json: a ratio and its goal."""

from collections.abc import Sequence
from statistics import median
from typing import Any

Goal = dict[str, Any]


def at_least(name: str, ratios: Sequence[float], goal: float, figures: str) -> Goal:
    """Return the goal that the median of the ratios is at least so high."""
    return _row(name, median(ratios), goal, median(ratios) >= goal, f"≥ {goal:g}", figures)


def at_most(name: str, ratios: Sequence[float], goal: float, figures: str) -> Goal:
    """Return the goal that the median of the ratios is at most so high."""
    return _row(name, median(ratios), goal, median(ratios) <= goal, f"≤ {goal:.4g}", figures)


def print_row(name: str, figures: str) -> None:
    """Print a row without a goal."""
    print(f"{name:58} {'':9} {'':9}     {figures}", flush=True)


def _row(name: str, ratio: float, goal: float, met: bool, limit: str, figures: str) -> Goal:
    word = "met" if met else "NOT"
    print(f"{name:58} {ratio:9.3f} {limit:9} {word} {figures}", flush=True)
    return {"name": name, "ratio": round(ratio, 4), "goal": round(goal, 4), "met": met}
