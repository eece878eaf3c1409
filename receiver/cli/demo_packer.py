"""The demo's real Packer builds, through our own hooks."""

import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from receiver.errors import MilepostError

TEMPLATES = Path(__file__).resolve().parents[2] / "hooks" / "packer"
CHAIN = TEMPLATES / "resumable" / "build.sh"


def run(settings: Mapping[str, str], say: Callable[[str], None]) -> None:
    """Build one template with three sources, one that fails and is tried again, and a chain.

    `settings` are the hooks'. Raises MilepostError where Packer ends as it should not.
    """
    with tempfile.TemporaryDirectory(prefix="milepost-demo-") as folder:
        say("Packer: three sources of one template, at once:")
        _packer(settings, folder, "milepost.pkr.hcl", expected=0)
        retried = _of_type(settings, "hana")
        say("A build that fails at its security baseline:")
        _packer(retried, folder, "-var", "fail=yes", "milepost.json", expected=1)
        say("Its second attempt:")
        _packer(retried, folder, "milepost.json", expected=0)
        chain = _of_type(settings, "chain")
        say("A chain of three templates that fails at 55:")
        _run(chain, folder, [CHAIN, "-var", "fail=yes"], expected=1)
        say("It resumes at 55, from the artifact of 50:")
        _run(chain, folder, [CHAIN], expected=0)


def _of_type(settings: Mapping[str, str], image_type: str) -> Mapping[str, str]:
    number = f"demo-rhel-9.4-{image_type}-{int(time.time())}"
    return {**settings, "MILEPOST_BUILD_NUMBER": number, "MILEPOST_IMAGE_TYPE": image_type}


def _packer(settings: Mapping[str, str], folder: str, *arguments: str, expected: int) -> None:
    *options, template = arguments
    _run(settings, folder, ["packer", "build", *options, TEMPLATES / template], expected)


def _run(
    settings: Mapping[str, str], folder: str, command: Sequence[str | Path], expected: int
) -> None:
    code = subprocess.run(command, cwd=folder, env=dict(settings), check=False).returncode
    if code != expected:
        raise MilepostError(f"Packer ended with {code} where the demo expects {expected}.")
