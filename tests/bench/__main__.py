"""Measure, print a table, write bench.json: {"goals": [{"name", "ratio", "goal", "met"}]}.

Both sides of a ratio are measured in one run on one machine; its name tells them. FULL=1 in the
environment uses a million builds and five million events. Arguments are names of parts.
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
    """Measure the named parts, or all; exit with 1 if a goal is not met."""
    goals = [goal for name in sys.argv[1:] or PARTS for goal in PARTS[name]()]
    RESULT.write_text(json.dumps({"goals": goals}, indent=2) + "\n")
    sys.exit(0 if all(each["met"] for each in goals) else 1)


if __name__ == "__main__":
    main()
