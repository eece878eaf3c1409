"""Every fault in the order of its code, and those that cannot run, with the reason."""

from tests.torture import (
    concurrency,
    databases,
    mistakes,
    networks,
    notices,
    processes,
    resources,
    schemas,
)
from tests.torture.systems import Fault
from tests.torture.verdicts import Verdict

MODULES = (processes, databases, networks, resources, schemas, concurrency, mistakes, notices)
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


def _code_key(code: str) -> tuple[str, int, str]:
    """Return a key that sorts F2 before F10."""
    return code[0], int("".join(filter(str.isdigit, code))), code


FAULTS: list[Fault] = sorted(
    (fault for module in MODULES for fault in module.FAULTS),
    key=lambda fault: _code_key(fault.code),
)


def in_order(verdicts: list[Verdict]) -> list[Verdict]:
    """Return the verdicts in order, with those of the faults that cannot run."""
    return sorted([*verdicts, *NOT_RUN], key=lambda verdict: _code_key(verdict.code))
