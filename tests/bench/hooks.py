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
STAGE_RUNS, BUILD_RUNS, FLOOD_RUNS = 15, 5, 3
FLOOD = 5_000_000  # lines of a fake Packer, 500 MB: the real one takes minutes for a tenth of them
FLOOD_LIMIT = 1.5
FAKE = f"""#!/bin/sh
echo 'null.box: output will be in this color.'
echo '==> null.box: Running local shell script: /tmp/x'
seq -f '    null.box: line %.0f of a script that prints more than anybody reads, each night' {FLOOD}
echo "Build 'null.box' finished after 1 second."
"""

Command = Sequence[str]


def seconds(command: Command, folder: str, env: dict[str, str]) -> float:
    """Return the seconds from start to exit."""
    began = time.perf_counter()
    with subprocess.Popen(command, cwd=folder, env=env, stdout=-1, stderr=-2) as process:
        assert process.stdout  # it is a pipe
        while process.stdout.read(2**20):  # as a CI's runner reads it
            pass
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
    work = f"for n in $(seq {LINES // 50}); do seq -f 'line %g of a build' 50; sleep 0.1; done"
    template = {
        "builders": [{"type": "null", "communicator": "none"}],
        "provisioners": [{"type": "shell-local", "inline": [work]}],
    }
    Path(folder, "t.json").write_text(json.dumps(template))
    plain = ["packer", "build", "t.json"]
    build_times = medians(([hook, *plain], plain), BUILD_RUNS, folder, env)
    return [
        _goal("`milepost-hook stage` / a bare `requests.post`", *stage_times, 1.1),
        _goal(f"the wrapper, {LINES:,} lines / Packer alone", *build_times, 1.1),
        _flood(hook, folder, env),
    ]


def _flood(hook: str, folder: str, env: dict[str, str]) -> Goal:
    fake = Path(folder, "bin", "packer")
    fake.parent.mkdir()
    fake.write_text(FAKE)
    fake.chmod(0o755)
    env = env | {"PATH": f"{fake.parent}:{env['PATH']}"}
    plain = ["packer", "build", "t.json"]
    times = medians(([hook, *plain], plain), FLOOD_RUNS, folder, env)
    return _goal("the wrapper, 500 MB of lines / Packer alone", *times, FLOOD_LIMIT)


def _goal(name: str, ours: float, plain: float, limit: float) -> Goal:
    return at_most(name, [ours / plain], limit, f"{ours:.3f} s, {plain:.3f} s")
