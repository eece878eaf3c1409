"""Measure, print a table, write bench.json: {"goals": [{"name", "ratio", "goal", "met"}]}.

Ratios are of one run and one machine; each is against what the name says. FULL=1 in the environment
adds a million builds and five million events. Names as arguments choose parts.
"""

import json
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.bench import costs, growth, hooks, ingest, pages, peers
from tests.bench.goals import Goal

RESULT = Path("bench.json")
FULL = os.environ.get("FULL") == "1"
PARTS: dict[str, Callable[[], list[Goal]]] = {
    "ingest": ingest.measure,
    "costs": costs.measure,
    "peers": peers.measure,
    "among_many": partial(ingest.among_many, 5_000_000 if FULL else 200_000),
    "pages": partial(pages.measure, 1_000_000 if FULL else 100_000),
    "growth": growth.measure,
    "hooks": hooks.measure,
}


def main() -> None:
    """Everything, or the parts that are named; exits with 1 where a goal is not met."""
    chosen = sys.argv[1:] or list(PARTS)
    goals = [goal for name in chosen for goal in PARTS[name]()]
    RESULT.write_text(json.dumps({"goals": goals}, indent=2) + "\n")
    sys.exit(0 if all(each["met"] for each in goals) else 1)


if __name__ == "__main__":
    main()
