"""Run milepost-hook.sh, and read what it posts."""

import subprocess

from receiver.sources.milepost import ENVELOPE
from tests.support import ROOT
from tests.support.listeners import Listener, Post
from tests.support.senders import SECRET

SH = ROOT / "hooks" / "milepost-hook.sh"
NUMBER = {"MILEPOST_BUILD_NUMBER": "b-1"}


def run(
    listener: Listener, *arguments: str | bytes, shell: str = "sh", **more: str
) -> subprocess.CompletedProcess[str]:
    settings = {"MILEPOST_URL": listener.url, "MILEPOST_SECRET": SECRET, **more}
    return subprocess.run(
        [*shell.split(), SH, *arguments],
        env={"PATH": "/usr/bin:/bin", **settings},
        encoding="utf-8",
        capture_output=True,
        check=False,
    )


def posted(listener: Listener, *arguments: str | bytes, **more: str) -> Post:
    done = run(listener, *arguments, **{**NUMBER, **more})
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    ENVELOPE.deserialize(listener.posts[-1].document)  # raises what is wrong
    return listener.posts[-1]
