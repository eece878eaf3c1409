"""A spool to look into: its folder, hooks that use it, what it keeps."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hooks.client import Clock, Deadline
from hooks.errors import HookError
from hooks.outbox import deliver
from hooks.spool import entries
from tests.support.listeners import Listener, listening
from tests.support.senders import SECRET, envelope, stage

HOOK = Path(sys.executable).with_name("milepost-hook")
NOBODY = "http://127.0.0.1:1"


@pytest.fixture
def listener() -> Iterator[Listener]:
    with listening() as server:
        yield server


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "spool"


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


def keep(folder: Path, *names: str, url: str = NOBODY) -> None:
    """Spool stages while nobody listens, without waiting for anybody."""
    for name in names:
        with pytest.raises(HookError, match="not reported yet"):
            deliver(envelope(stage(name)), settings(folder, url), Deadline(0.5))


def stages(listener: Listener) -> list[str]:
    return [post.document["events"][0]["stage"] for post in listener.posts]


def kept(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(entry.path.read_bytes()) for entry in entries(folder / "new")]


def clock(*, later: float = 0) -> Clock:
    real = Clock()
    return Clock(lambda: real.wall() + later, real.monotonic, real.sleep)
