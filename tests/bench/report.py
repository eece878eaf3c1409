"""The result of a run: bench.json, and build/bench.md with the tables of docs/speed.md."""

import json
import os
import platform
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from receiver.storage.embedded.binaries import find_binaries
from tests.bench.goals import Goal, Table

RESULT, TABLES = Path("bench.json"), Path("build/bench.md")
HEAD = ("what", "compared with", "ratio", "goal", "measured")


def write(results: Sequence[Goal | Table], seconds: Mapping[str, float]) -> str:
    """Write both files: {"goals": [{"name", "ratio", "goal", "met"}]} and Markdown; return this.

    `seconds` are those of each part that was measured.
    """
    goals = [each for each in results if isinstance(each, Goal)]
    tables = [each for each in results if isinstance(each, Table)]
    RESULT.write_text(json.dumps({"goals": [_as_json(each) for each in goals]}, indent=2) + "\n")
    texts = [_machine(seconds), _table(HEAD, map(_row, goals))]
    texts += [f"## {each.title}\n\n{_table(each.head, each.rows)}" for each in tables]
    text = "\n\n".join(texts) + "\n"
    TABLES.parent.mkdir(exist_ok=True)
    TABLES.write_text(text, encoding="utf-8")
    return text


def _as_json(goal: Goal) -> dict[str, object]:
    ratio, limit = round(goal.ratio, 4), round(goal.goal, 4)
    return {"name": goal.name, "ratio": ratio, "goal": limit, "met": goal.met}


def _row(goal: Goal) -> Sequence[str]:
    """Return the cells of a goal; a ratio that misses it is bold."""
    this, _, other = goal.name.partition(" / ")
    ratio = f"{goal.ratio:.3g}" if goal.met else f"**{goal.ratio:.3g}**"
    return this, other, ratio, goal.limit, goal.figures


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _machine(seconds: Mapping[str, float]) -> str:
    model = next(
        line.partition(": ")[2]
        for line in [*Path("/proc/cpuinfo").read_text().splitlines(), "model name: a processor"]
        if line.startswith("model name")
    )
    version = [str(find_binaries() / "postgres"), "--version"]
    server = subprocess.run(version, capture_output=True, text=True, check=True).stdout.split()[2]
    parts = ", ".join(f"{name} {spent / 60:.1f}" for name, spent in seconds.items())
    return (
        f"{os.cpu_count()} processors ({model}), Python {platform.python_version()}, PostgreSQL "
        f"{server}; senders, receiver and database share them. Minutes of each part: {parts}; "
        f"together {sum(seconds.values()) / 60:.1f}."
    )
