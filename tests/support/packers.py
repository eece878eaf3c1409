"""A real Packer with a template of one null builder, alone and under the wrapper."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.receivers import BIN, Running, started

Run = subprocess.CompletedProcess[str]
Json = dict[str, Any]
WRAPPED = str(BIN / "milepost-hook")
UNREPORTED = re.compile(r"milepost: not report.*\n")
VARYING = re.compile(r"packer-shell\d+|\d+ (?:milli|micro)?seconds?|\b\d{10}\b|\d{4}-\d\d-\d\dT\S+")


@pytest.fixture(scope="module")
def receiver() -> Iterator[Running]:
    with started() as running:
        yield running


def script(*lines: str) -> Json:
    return {"type": "shell-local", "inline": list(lines)}


def template(folder: Path, *provisioners: Json, **more: Any) -> None:
    """A template of one null builder, and what it is told."""
    builders = [{"type": "null", "name": "box", "communicator": "none"}]
    document = {"builders": builders, "provisioners": list(provisioners), **more}
    (folder / "t.json").write_text(json.dumps(document))


def settings(folder: Path, receiver: Running | None = None, **more: str) -> dict[str, str]:
    known = {"PATH": f"{BIN}:/usr/bin:/bin", "HOME": str(folder), "CHECKPOINT_DISABLE": "1"}
    if receiver:
        known |= {"MILEPOST_URL": receiver.url, "MILEPOST_SECRET": receiver.secrets["milepost"]}
    return known | more


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
    return packer(folder, WRAPPED, "packer", *arguments, receiver=receiver, **more)


def said(output: str) -> list[str]:
    """The lines but for what differs from run to run; two writers' lines race in Packer itself."""
    return sorted(VARYING.sub("N", UNREPORTED.sub("", output)).splitlines())
