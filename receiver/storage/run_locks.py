"""Locks on CI runs, their jobs and the numbers of builds: until the end of its transaction one
recording alone decides which builds they belong to."""

from collections.abc import Sequence

from receiver.domain.fold.events import run_group
from receiver.domain.job_matching import is_run
from receiver.storage.db import Connection, as_json, query


def lock(
    connection: Connection,
    keys: Sequence[str],
    numbers: Sequence[str] = (),
    routed: Sequence[str] = (),
) -> None:
    """Lock whole runs (seed 1) before jobs (seed 0) before numbers (seed 2) before those of routes
    (seed 3). Jobs of one run go on side by side; a run that is reported as a whole goes alone, and
    so does a job whose build another one may lead elsewhere."""
    whole = {key for key in keys if is_run(key)}
    runs = sorted({run_group(key) for key in keys})
    locks = [{"run_key": run, "seed": 1, "shared": run not in whole} for run in runs]
    locks += [{"run_key": key, "seed": 0, "shared": False} for key in keys]
    locks += [{"run_key": number, "seed": 2, "shared": False} for number in numbers]
    locks += [{"run_key": number, "seed": 3, "shared": False} for number in routed]
    connection.execute(query("record/begin_recording"), {"locks": as_json(locks)})
