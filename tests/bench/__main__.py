"""Measure, print tables, write bench.json and build/bench.md.

Both sides of a ratio are measured in one run on one machine; its name tells them. FULL=1 in the
environment uses a million builds and five million events. Arguments are names of parts.
"""

import os
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from tests.bench import costs, growth, hooks, ingest, large_build, pages, peers, report
from tests.bench.goals import Goal, Table
from tests.bench.history import History

FULL = os.environ.get("FULL") == "1"
Part = Callable[[], Sequence[Goal | Table]]


def main() -> None:
    """Measure the named parts, or all; exit with 1 if a goal is not met or a part fails.

    What was measured is written after each part; one that fails does not end the others.
    """
    with History(1_000_000 if FULL else 100_000) as history:
        parts = _parts(history)
        results: list[Goal | Table] = []
        seconds: dict[str, float] = {}
        failed = []
        for name in sys.argv[1:] or parts:
            began = time.perf_counter()
            try:
                results += parts[name]()
            except Exception:  # noqa: BLE001  # the others took minutes
                traceback.print_exc()
                failed.append(name)
            seconds[name] = time.perf_counter() - began
            report.write(results, seconds)
        print(report.write(results, seconds))
    if failed:
        sys.exit(f"not measured: {', '.join(failed)}")
    sys.exit(0 if all(each.met for each in results if isinstance(each, Goal)) else 1)


def _parts(history: History) -> Mapping[str, Part]:
    """Return what measures each part, by its name."""
    return {
        "ingest": ingest.measure,
        "peers": peers.measure,
        "costs": costs.measure,
        "large_build": large_build.measure,
        "pages": partial(pages.measure, history),
        "among_many": partial(ingest.among_many, history),
        "growth": partial(growth.measure, 200_000 if FULL else 40_000),
        "hooks": hooks.measure,
    }


if __name__ == "__main__":
    main()
