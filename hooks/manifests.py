"""Find and read the manifest that Packer wrote, for `milepost-hook manifest [FILE]`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hooks.client import MAX_BODY, Deadline, Json
from hooks.errors import HookError

READ_TRIES = 20  # Packer rewrites a shared manifest in place: a read may find half of it
READ_PAUSE_SECONDS = 0.1
# The post-processor's default is packer-manifest.json, and most templates say manifest.json:
# https://developer.hashicorp.com/packer/docs/post-processors/manifest
NAMES = ("packer-manifest.json", "manifest.json")
PATTERNS = ("packer-manifest*.json", "*manifest.json")
MAX_AGE_SECONDS = 86400  # a manifest in the repository is an older run's


def find(folder: Path, deadline: Deadline) -> Path:
    """Return the one manifest of a folder; raise HookError that says what was looked for."""
    found = {path for pattern in PATTERNS for path in folder.glob(pattern) if path.is_file()}
    fresh = [path for path in sorted(found) if _is_fresh(path, deadline)]
    if len(fresh) == 1:
        return fresh[0]
    if fresh:
        names = ", ".join(path.name for path in fresh)
        raise HookError(f"not reporting: there are {names}: name the file")
    raise HookError(
        f"not reporting: no manifest of the last 24 hours in {folder}: looked for "
        f"{', '.join(dict.fromkeys((*NAMES, *PATTERNS)))}; name the file"
    )


def read(path: Path, deadline: Deadline) -> Json:
    """Return the manifest's JSON object; wait while Packer still writes it. Raises HookError.

    UTF-8 and UTF-16, with or without a byte order mark, as `json` recognises them.
    """
    if not _is_readable(path):
        raise HookError(f"not reporting: {path} holds no manifest: a file of at most 5 MiB")
    for _ in range(READ_TRIES):
        try:
            document = json.loads(path.read_bytes())
        except (ValueError, RecursionError):
            if not deadline.pause(READ_PAUSE_SECONDS):
                break
            continue
        if entries(document):
            return dict(document)
        break
    raise HookError(f"not reporting: {path} holds no manifest: an object with `builds`")


def entries(document: Any) -> list[Json]:
    """Return the entries that can be read, [] if it is no manifest."""
    builds = document.get("builds") if isinstance(document, dict) else None
    return [each for each in builds if isinstance(each, dict)] if isinstance(builds, list) else []


def _is_readable(path: Path) -> bool:
    """Return whether it is a file that ends; a device or a pipe may not."""
    try:
        return path.is_file() and path.stat().st_size <= MAX_BODY
    except OSError:
        return False


def _is_fresh(path: Path, deadline: Deadline) -> bool:
    """Return whether the newest entry is of the last day, or has no time (`strip_time`)."""
    try:
        found = entries(json.loads(path.read_bytes())) if _is_readable(path) else []
    except (OSError, ValueError, RecursionError):
        return False
    times = [e["build_time"] for e in found if isinstance(e.get("build_time"), int)]
    return bool(found) and max(times, default=2**62) > deadline.clock.wall() - MAX_AGE_SECONDS
