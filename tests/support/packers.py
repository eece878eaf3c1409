"""A real Packer with a template of one null builder, alone and under the wrapper."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

from tests.support.receivers import BIN, Running

Run = subprocess.CompletedProcess[str]
Json = dict[str, Any]
HOOK = str(BIN / "milepost-hook")
UNREPORTED = re.compile(r"milepost: not report.*\n")
VARYING = re.compile(r"packer-shell\d+|\d+ (?:milli|micro)?seconds?|\b\d{10}\b|\d{4}-\d\d-\d\dT\S+")


def script(*lines: str) -> Json:
    return {"type": "shell-local", "inline": list(lines)}


def template(folder: Path, *provisioners: Json, **more: Any) -> None:
    """Write t.json: one null builder, the provisioners, and other parts of a template."""
    builders = [{"type": "null", "name": "box", "communicator": "none"}]
    document = {"builders": builders, "provisioners": list(provisioners), **more}
    (folder / "t.json").write_text(json.dumps(document))


def settings(folder: Path, receiver: Running | None = None, **more: str) -> dict[str, str]:
    env = {"PATH": f"{BIN}:/usr/bin:/bin", "HOME": str(folder), "CHECKPOINT_DISABLE": "1"}
    if receiver:
        env |= {"MILEPOST_URL": receiver.url, "MILEPOST_SECRET": receiver.secrets["milepost"]}
    return env | more


def packer(folder: Path, *command: str, receiver: Running | None = None, **more: str) -> Run:
    return subprocess.run(
        command,
        cwd=folder,
        env=settings(folder, receiver, **more),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=60,
        check=False,
    )


def wrapped(folder: Path, *flags: str, receiver: Running | None = None, **more: str) -> Run:
    arguments = ["build", "-color=false", *flags, "t.json"]
    return packer(folder, HOOK, "packer", *arguments, receiver=receiver, **more)


def stable_lines(output: str) -> list[str]:
    """Return the sorted lines without what varies: the lines of two writers race in Packer."""
    stable = VARYING.sub("N", UNREPORTED.sub("", output))
    # Packer writes a duration in one unit or in two: "1 second 2 milliseconds".
    return sorted(re.sub("N(?: N)+", "N", stable).splitlines())


def fake_packer(folder: Path, output: str, code: int = 0, more: str = "") -> None:
    """Write a `packer` that prints this output and ends with this code; `more` is sh before it."""
    (folder / "bin").mkdir()
    (folder / "output.txt").write_text(output, newline="")
    packer = folder / "bin" / "packer"
    packer.write_text(f"#!/bin/sh\n{more}\ncat {folder}/output.txt\nexit {code}\n")
    packer.chmod(0o755)


def faked(folder: Path, *flags: str, receiver: Running | None = None, **more: str) -> Run:
    """Run `milepost-hook packer build .` with the fake `packer` of this folder."""
    env = {"PATH": f"{folder}/bin:{BIN}:/usr/bin:/bin", **more}
    command = [HOOK, "packer", "build", *flags, "."]
    return packer(folder, *command, receiver=receiver, **env)
