"""A spool: hooks that use it, and the envelopes in it."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from hooks.client import Clock, Deadline
from hooks.errors import DeliveryPending
from hooks.outbox import deliver
from hooks.spool import entries
from tests.support.listeners import Listener
from tests.support.receivers import BIN
from tests.support.senders import SECRET, envelope, stage

HOOK = BIN / "milepost-hook"
NO_RECEIVER = "http://127.0.0.1:1"


def settings(folder: Path, url: str, **more: str) -> dict[str, str]:
    return {
        "MILEPOST_URL": url,
        "MILEPOST_SECRET": SECRET,
        "MILEPOST_SPOOL_DIR": str(folder),
        "MILEPOST_BUILD_NUMBER": "b-1",
        "PATH": "/usr/bin:/bin",
        **more,
    }


def hook(env: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(HOOK), *arguments]
    return subprocess.run(command, env=env, text=True, capture_output=True, check=False)


def fill_spool(folder: Path, *names: str, url: str = NO_RECEIVER) -> None:
    """Spool a stage of each name, for a receiver that does not take it."""
    for name in names:
        with pytest.raises(DeliveryPending, match="not reported yet"):
            deliver(envelope(stage(name)), settings(folder, url), Deadline(0.5))


def stages(listener: Listener) -> list[str]:
    return [post.document["events"][0]["stage"] for post in listener.posts]


def spooled(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(entry.path.read_bytes()) for entry in entries(folder / "new")]


def clock(*, later: float = 0) -> Clock:
    real = Clock()
    return Clock(lambda: real.wall() + later, real.monotonic, real.sleep)
