"""The time of a hook and of the wrapper around Packer, against a call without them.

Both commands of a pair run in turns, so that other load on the machine affects both.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from receiver.web.hook_file import FILE
from tests.bench.goals import Goal, at_most, print_row
from tests.support.receivers import Running, started

BIN = Path(sys.executable).parent
HOOK = str(BIN / "milepost-hook")
PLAIN = ["packer", "build", "t.json"]
WRAPPED = [HOOK, *PLAIN]
POST = (
    "import os, requests; requests.post(os.environ['MILEPOST_URL'] + '/webhooks/packer"
    "?build_number=bench-plain', json={'builds': [{'artifact_id': str(os.getpid())}]}, "
    "headers={'authorization': 'Bearer ' + os.environ['BEARER']}).raise_for_status()"
)
LINES = 2_000
STAGE_RUNS, BUILD_RUNS, FLOOD_RUNS = 15, 5, 3
LIMIT, FLOOD_LIMIT = 1.1, 1.5
FLOOD = 5_800_000  # lines of a fake Packer, 500 MB
# The real one takes half an hour for them, so that it prints fewer.
REAL_FLOOD = 20_000
LINE = "line %.0f of a script that prints more than anybody reads, each night"
PAUSES = f"for n in $(seq {LINES // 50}); do seq -f 'line %g of a build' 50; sleep 0.1; done"
AT_ONCE = f"seq -f '{LINE}' {REAL_FLOOD}"
FAKE = f"""#!/bin/sh
echo 'null.box: output will be in this color.'
echo '==> null.box: Running local shell script: /tmp/x'
seq -f '    null.box: {LINE}' {FLOOD}
echo "Build 'null.box' finished after 1 second."
"""

Command = Sequence[str | Path]


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
    file = Path(folder, "milepost-hook.pyz")
    shutil.copy(FILE, file)
    subprocess.run([sys.executable, file, "compile"], check=True)  # as the recipes install it
    return [
        _call("milepost-hook stage", [HOOK], folder, env),
        _call("milepost-hook.pyz stage", [sys.executable, file], folder, env),
        _build(f"{LINES:,} lines", PAUSES, LIMIT, folder, env),
        _build(f"{REAL_FLOOD:,} lines at once", AT_ONCE, FLOOD_LIMIT, folder, env),
        _flood(folder, env),
    ]


def _call(name: str, command: Command, folder: str, env: dict[str, str]) -> Goal:
    """Measure one report of a stage."""
    pair = ([*command, "stage", "Security baseline"], [sys.executable, "-c", POST])
    return _goal(f"`{name}` / a bare `requests.post`", LIMIT, pair, STAGE_RUNS, folder, env)


def _build(name: str, work: str, limit: float, folder: str, env: dict[str, str]) -> Goal:
    """Measure a build of the real Packer."""
    template = {
        "builders": [{"type": "null", "communicator": "none"}],
        "provisioners": [{"type": "shell-local", "inline": [work]}],
    }
    Path(folder, "t.json").write_text(json.dumps(template))
    name = f"the wrapper, {name} / Packer alone"
    return _goal(name, limit, (WRAPPED, PLAIN), BUILD_RUNS, folder, env)


def _flood(folder: str, env: dict[str, str]) -> Goal:
    """Measure a fake Packer that makes its lines, and without a goal one that copies a file."""
    env = env | {"PATH": f"{folder}/bin:{env['PATH']}"}
    fake, copy = Path(folder, "bin", "packer"), Path(folder, "flood.txt")
    fake.parent.mkdir()
    fake.write_text(FAKE)
    fake.chmod(0o755)
    name = "the wrapper, 500 MB of lines / Packer alone"
    goal = _goal(name, FLOOD_LIMIT, (WRAPPED, PLAIN), FLOOD_RUNS, folder, env)
    with copy.open("wb") as file:
        subprocess.run([fake], stdout=file, check=True)
    fake.write_text(f"#!/bin/sh\nexec cat {copy}\n")
    ours, plain = medians((WRAPPED, PLAIN), FLOOD_RUNS, folder, env)
    print_row("the same, copied from a file by `cat`", f"{ours:.3f} s, {plain:.3f} s")
    return goal


def _goal(
    name: str,
    limit: float,
    pair: tuple[Command, Command],
    runs: int,
    folder: str,
    env: dict[str, str],
) -> Goal:
    ours, plain = medians(pair, runs, folder, env)
    return at_most(name, [ours / plain], limit, f"{ours:.3f} s, {plain:.3f} s")
