"""Derived status of a build at read time: stalled, leftovers.

Nothing has to be written when time passes.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

Row = dict[str, Any]
BY_HAND = "delete by hand"  # the hook's word for what Packer says about a resource
LINKS = ("HCP Packer",)  # resources that are places to look at, not things to remove


def is_stalled(build: Row, now: datetime, stall_after: timedelta) -> bool:
    """Return whether a running build that had sent heartbeats is silent for too long."""
    last_heard_at = build["last_heard_at"]
    if build["status"] != "running" or build["heartbeat_at"] is None or last_heard_at is None:
        return False
    return bool(now - last_heard_at > stall_after)


def left_behind(build: Row, resources: Sequence[Row], artifacts: Sequence[Row]) -> list[Row]:
    """Return the resources that a build without an artifact may have left in its cloud.

    A resource counts until the log names its removal; `build` has `stalled`. What Packer says has
    to be removed by hand counts for every build.
    """
    is_cut = build["status"] in ("cancelled", "failed") or build["stalled"]
    if not is_cut or any(each["attempt"] == build["attempt"] for each in artifacts):
        return [each for each in resources if each["type"] == BY_HAND]
    artifact_ids = {each["artifact_id"] for each in artifacts}
    return [
        each
        for each in resources
        if not each["removed"] and each["id"] not in artifact_ids and each["type"] not in LINKS
    ]
