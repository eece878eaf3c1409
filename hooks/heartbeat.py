"""`milepost-hook heartbeat FILE`: a process in the background of a job that says it still runs.

A job whose runner is lost reports no end: its build is stalled as soon as the heartbeats stop.
The recipes start this; `done` removes the file, which ends it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hooks import client, identity
from hooks.client import Deadline
from hooks.errors import HookError

PAUSE_SECONDS = 60
MAX_HOURS = 8


def run(options: Any, env: Mapping[str, str], deadline: Deadline) -> None:
    """Send heartbeats while the file and the process `--watch` exist, for eight hours at most."""
    clock = deadline.clock
    end, next_beat = clock.monotonic() + MAX_HOURS * 3600, clock.monotonic()
    while _is_wanted(options.file, options.watch) and clock.monotonic() < end:
        if clock.monotonic() >= next_beat:
            beat(options, env, Deadline(clock=clock))
            next_beat += PAUSE_SECONDS
        clock.sleep(1)


def beat(options: Any, env: Mapping[str, str], deadline: Deadline) -> None:
    """Send one heartbeat; one that is not taken is out of date later, so it is not kept."""
    values = identity.identity(vars(options), env)
    document = client.envelope(values, [{"kind": "heartbeat", "at": client.now()}])
    try:
        client.send(document, env, deadline)
    except HookError:
        return


def _is_wanted(file: Path, watched: int | None) -> bool:
    return file.exists() and (watched is None or _is_alive(watched))


def _is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # of another user
        return True
    return True
