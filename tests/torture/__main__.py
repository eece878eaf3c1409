"""`make torture`: run every fault, or the named ones, one after another, and print a table."""

import sys

from tests.torture.catalogue import FAULTS, in_order
from tests.torture.systems import run
from tests.torture.verdicts import Verdict, table


def main(codes: list[str]) -> int:
    """Run the faults of these codes, or all; return 0 if there is no problem."""
    verdicts: list[Verdict] = []
    for fault in FAULTS:
        if not codes or fault.code in codes:
            verdicts.append(run(fault, brief=False))
            sys.stderr.write(f"{table(verdicts[-1:])}\n\n")
    sys.stdout.write(f"{table(verdicts if codes else in_order(verdicts))}\n")
    return 1 if any(each.problems for each in verdicts) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
