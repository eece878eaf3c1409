"""`make torture CLUSTER=1`: drills of high availability, one after another, and a table.

Two PostgreSQL of which one must confirm, and Patroni with three; exit 1 where a bound is missed.
"""

import sys
from collections.abc import Iterator

import psycopg
import requests

from tests.torture import failovers, patroni
from tests.torture.drills import Row, table
from tests.torture.machine import NotRun

DRILLS = failovers.DRILLS | {"patroni": patroni.drills}


def main(names: list[str]) -> int:
    """Run the drills of these names, or all; return 0 if every bound is kept."""
    rows: list[Row] = []
    for name in names or DRILLS:
        for row in _rows(name):
            rows.append(row)
            sys.stderr.write(f"{table([row])}\n")
    sys.stdout.write(f"\n{table(rows)}\n")
    return 0 if all(each.is_kept for each in rows) else 1


def _rows(name: str) -> Iterator[Row]:
    """Yield the rows of a drill; one that says why where it could not be brought to its end."""
    try:
        yield from DRILLS[name]()
    except NotRun as reason:
        yield Row(name, not_run=str(reason))
    except (AssertionError, psycopg.Error, requests.RequestException) as error:
        yield Row(name, problem=f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
