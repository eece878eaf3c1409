"""What a part of the bench returns: ratios with their goals, and tables of figures without one."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Goal:
    """A ratio and its goal. The name tells both sides: "one / other"."""

    name: str
    ratio: float
    goal: float
    is_least: bool
    figures: str

    @property
    def met(self) -> bool:
        """Return whether the ratio is as high, or as low, as it has to be."""
        return self.ratio >= self.goal if self.is_least else self.ratio <= self.goal

    @property
    def limit(self) -> str:
        """Return the goal as text."""
        return f"{'≥' if self.is_least else '≤'} {self.goal:.4g}"


@dataclass(frozen=True)
class Table:
    """Figures beside the goals."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


def at_least(name: str, ratios: Sequence[float], goal: float, figures: str) -> Goal:
    """Return the goal that the median of the ratios is at least so high."""
    return _printed(Goal(name, median(ratios), goal, is_least=True, figures=figures))


def at_most(name: str, ratios: Sequence[float], goal: float, figures: str) -> Goal:
    """Return the goal that the median of the ratios is at most so high."""
    return _printed(Goal(name, median(ratios), goal, is_least=False, figures=figures))


def print_row(name: str, figures: str) -> None:
    """Print a row without a goal."""
    print(f"{name:84} {'':9} {'':9}     {figures}", flush=True)


def _printed(goal: Goal) -> Goal:
    word = "met" if goal.met else "NOT"
    print(f"{goal.name:84} {goal.ratio:9.3f} {goal.limit:9} {word} {goal.figures}", flush=True)
    return goal
