"""Buildbot (https://docs.buildbot.net/current/manual/configuration/wwwhooks.html) and its hook.

`make bench` installs it in a virtual environment of its own. Of GitHub's events it reads
workflow_run, without storing it, and push, whose commits it stores in SQLite; it answers jobs with
400. So it gets the same bodies as workflow_run, and then pushes.
"""

import hmac
import json
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from uuid import uuid4

import orjson

from tests.bench.github import EXAMPLES
from tests.bench.load import raw

BIN = Path("build/buildbot/bin")
PATH = "/change_hook/github"
CONFIG = """
from buildbot.plugins import schedulers, util, worker

BuildmasterConfig = {{
    "buildbotNetUsageData": None,
    "www": {{
        "port": "tcp:{port}:interface=127.0.0.1",
        "change_hook_dialects": {{"github": {{"secret": {secret!r}, "strict": True}}}},
    }},
    "protocols": {{"pb": {{"port": "tcp:0:interface=127.0.0.1"}}}},
    "workers": [worker.Worker("none", "none")],
    "schedulers": [schedulers.ForceScheduler("none", ["none"])],
    "builders": [util.BuilderConfig("none", workernames=["none"], factory=util.BuildFactory())],
}}
"""


def command(folder: Path, port: int, secret: str) -> list[str]:
    """Create a master in this folder; return the command that serves its hook at this port."""
    subprocess.run([BIN / "buildbot", "create-master", "--quiet", folder], check=True)
    (folder / "master.cfg").write_text(CONFIG.format(port=port, secret=secret))
    twistd = str((BIN / "twistd").absolute())
    tac = str(folder / "buildbot.tac")
    return [twistd, "--nodaemon", "--pidfile=", f"--python={tac}", "--logfile=/dev/null"]


def pushes(count: int) -> Iterator[bytes]:
    """Yield bodies of push events, each with one unique commit."""
    events = json.loads(EXAMPLES.read_text(encoding="utf-8"))
    examples = next(each["examples"] for each in events if each["name"] == "push")
    example = next(each for each in examples if len(each["commits"]) == 1)
    for _ in range(count):
        commit = example["commits"][0] | {"id": uuid4().hex}
        yield orjson.dumps(example | {"after": commit["id"], "commits": [commit]})


def posts(event: str, bodies: Iterable[bytes], secret: str) -> Iterator[bytes]:
    """Yield each body as a request with SHA-1, the only digest that Buildbot checks."""
    for body in bodies:
        digest = hmac.digest(secret.encode(), body, "sha1").hex()
        headers = {"X-GitHub-Event": event, "X-Hub-Signature": f"sha1={digest}"}
        yield raw(PATH, body, headers)
