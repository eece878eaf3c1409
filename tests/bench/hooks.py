"""The time of a hook and of the wrapper around Packer, against a call without them.

Both commands of a pair run in turns, so that other load on the machine affects both.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.bench.goals import Goal, at_most
from tests.support.receivers import Running, started

BIN = Path(sys.executable).parent
POST = (
    "import os, requests; requests.post(os.environ['MILEPOST_URL'] + '/webhooks/packer"
    "?build_number=bench-plain', json={'builds': [{'artifact_id': str(os.getpid())}]}, "
    "headers={'authorization': 'Bearer ' + os.environ['BEARER']}).raise_for_status()"
)
LINES = 2_000
STAGE_RUNS, BUILD_RUNS = 15, 5

Command = Sequence[str]


def seconds(command: Command, folder: str, env: dict[str, str]) -> float:
    """Return the seconds from start to exit."""
    began = time.perf_counter()
    subprocess.run(command, cwd=folder, env=env, capture_output=True, check=False)
    return time.perf_counter() - began


def medians(
    pair: tuple[Command, Command], runs: int, folder: str, env: dict[str, str]
) -> tuple[float, float]:
    """Return the median seconds of each of two commands, run in turns."""
    for command in pair:
        seconds(command, folder, env)
    times = [[seconds(command, folder, env) for command in pair] for _ in range(runs)]
    ours, plain = zip(*times, strict=True)
    return statistics.median(ours), statistics.median(plain)


def measure() -> list[Goal]:
    """Measure one `stage` call against one post, and a wrapped build against a plain one."""
    with started() as receiver, tempfile.TemporaryDirectory() as folder:
        return _measure(receiver, folder)


def _measure(receiver: Running, folder: str) -> list[Goal]:
    env = {
        "PATH": f"{BIN}:/usr/bin:/bin",
        "HOME": folder,
        "CHECKPOINT_DISABLE": "1",
        "MILEPOST_URL": receiver.url,
        "MILEPOST_SECRET": receiver.secrets["milepost"],
        "BEARER": receiver.secrets["packer"].partition(":")[2],
        "MILEPOST_BUILD_NUMBER": f"bench-{os.getpid()}",
    }
    hook = str(BIN / "milepost-hook")
    stage = [hook, "stage", "Security baseline"]
    post = [sys.executable, "-c", POST]
    stage_times = medians((stage, post), STAGE_RUNS, folder, env)
    work = f"for n in $(seq {LINES // 50}); do seq -f 'line %g of a build' 50; sleep 0.05; done"
    template = {
        "builders": [{"type": "null", "communicator": "none"}],
        "provisioners": [{"type": "shell-local", "inline": [work]}],
    }
    Path(folder, "t.json").write_text(json.dumps(template))
    plain = ["packer", "build", "t.json"]
    build_times = medians(([hook, *plain], plain), BUILD_RUNS, folder, env)
    return [
        _goal("milepost-hook stage / requests.post", *stage_times, 1.25),
        _goal(f"wrapped / plain build of {LINES} lines", *build_times, 1.02 + 0.3 / build_times[1]),
    ]


def _goal(name: str, ours: float, plain: float, limit: float) -> Goal:
    return at_most(name, [ours / plain], limit, f"{ours:.3f} s, {plain:.3f} s")
