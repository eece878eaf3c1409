"""Every fault in order, and those that cannot be run, with the reason."""

from tests.torture import concurrency, databases, networks, processes, resources, schemas
from tests.torture.systems import Fault
from tests.torture.verdicts import Verdict

MODULES = (processes, databases, networks, resources, schemas, concurrency)
NOT_RUN = (
    Verdict(
        "F15u",
        "SIGUSR2 under load",
        not_run="the new master would be a child of the old one, which has workers only; "
        "SIGHUP renews the workers, a supervisor the receiver",
    ),
    Verdict(
        "F25",
        "crash between inbox and processing",
        not_run="there is nothing between them: a delivery and its rows are one transaction",
    ),
)


def _place(code: str) -> tuple[str, int, str]:
    """F2 before F10."""
    return code[0], int("".join(filter(str.isdigit, code))), code


FAULTS: list[Fault] = sorted(
    (fault for module in MODULES for fault in module.FAULTS), key=lambda fault: _place(fault.code)
)


def in_order(verdicts: list[Verdict]) -> list[Verdict]:
    """With those that were not run, each at its place."""
    return sorted([*verdicts, *NOT_RUN], key=lambda verdict: _place(verdict.code))
