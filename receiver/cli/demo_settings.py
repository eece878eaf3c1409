"""The settings of the demo's projects, for the receiver of `make run` that has none of its own."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from receiver.cli.demo_data import OWNERS

WINDOW = "20:00-08:00 UTC"
EXPECT = """
[[expect]]
project = "edge"
every = "7d"

[[expect]]
project = "platform"
platform = "aws"
every = "1d"
regions = ["eu-central-1", "us-east-1"]
"""


def document() -> str:
    """Return the text of a document of projects."""
    tables = (
        f'[project."{name}"]\nwindow = "{WINDOW}"\nowner = "{owner}"\n'
        for name, owner in OWNERS.items()
    )
    packer = f'\n[project."demo"]\nwindow = "{WINDOW}"\n'
    return "\n".join(tables) + packer + EXPECT


def set_projects(env: Mapping[str, str]) -> bool:
    """Set the document in the database of these settings, unless projects have one or a file.

    Return whether it is set. Without it a night is a day, and nobody owns a project.
    """
    listed = _settings(env, "list", "--json")
    if listed.returncode:
        return False
    projects = next(row for row in json.loads(listed.stdout) if row["kind"] == "projects")
    if projects["version"] or projects["files"] or env.get("MILEPOST_PROJECTS"):
        return False
    return _settings(env, "set", "projects", "-", text=document()).returncode == 0


def _settings(
    env: Mapping[str, str], *arguments: str, text: str = ""
) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("milepost")), "settings", *arguments]
    return subprocess.run(
        command, env=dict(env), input=text, capture_output=True, text=True, check=False
    )
