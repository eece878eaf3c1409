"""Derived status of a build at read time: stalled, leftovers, resume point.

Nothing has to be written when time passes.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

Row = dict[str, Any]


def is_stalled(build: Row, now: datetime, stall_after: timedelta) -> bool:
    """Return whether a running build that had sent heartbeats is silent for too long."""
    last_heard_at = build["last_heard_at"]
    if build["status"] != "running" or build["heartbeat_at"] is None or last_heard_at is None:
        return False
    return bool(now - last_heard_at > stall_after)


def left_behind(build: Row, resources: Sequence[Row], artifacts: Sequence[Row]) -> list[Row]:
    """Return the resources that a build without an artifact may have left in its cloud.

    A resource counts until the log names its removal; `build` has `stalled`.
    """
    is_cut = build["status"] in ("cancelled", "failed") or build["stalled"]
    if not is_cut or any(each["attempt"] == build["attempt"] for each in artifacts):
        return []
    artifact_ids = {each["artifact_id"] for each in artifacts}
    return [each for each in resources if not each["removed"] and each["id"] not in artifact_ids]


def resume(build: Row, states: Sequence[Row], artifacts: Sequence[Row]) -> Row:
    """Return the first state that still has to run, and the artifact to start from, if any.

    An artifact is safe to start from where it holds the last completed state below that one.
    """
    state = build["resume_state"]
    done = [row["state"] for row in _completed(build, states) if state and row["state"] < state]
    covering = [
        artifact
        for artifact in artifacts
        if done and artifact["state"] is not None and max(done) <= artifact["state"] < state
    ]
    best = max(covering, key=lambda each: (each["state"], each["attempt"]), default=None)
    return {"state": state, "safe": best is not None, "artifact": best}


def may_start(artifact: Row, now: datetime) -> bool:
    """Return whether an attempt may start from an artifact: not expired, and not a final image."""
    expires_at: datetime | None = artifact["expires_at"]
    return (expires_at is None or expires_at > now) and artifact["kind"] != "final"


def saved_seconds(build: Row, states: Sequence[Row]) -> float | None:
    """Return the seconds that the newest attempt saved; None if it did not resume.

    They are summed from the times: stages of less than a second each count too.
    """
    if not build["resumed_from"]:
        return None
    again = {row["state"] for row in states if row["attempt"] == build["attempt"]}
    durations: dict[tuple[int, str], float] = {
        (row["state"], row["stage"]): (row["end_time"] - row["start_time"]).total_seconds()
        for row in _completed(build, states)
        if row["attempt"] < build["attempt"] and row["state"] not in again
    }
    return round(sum(durations.values()), 3)


def _completed(build: Row, states: Sequence[Row]) -> list[Row]:
    """Return the completed named rows of the newest attempt, and those that it resumed from."""
    resumed_from = build["resumed_from"] or 0
    return [
        row
        for row in states
        if row["status"] == "completed"
        and row["mapped"]
        and (row["attempt"] == build["attempt"] or row["state"] < resumed_from)
    ]
