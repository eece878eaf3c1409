"""Where the next attempt of a build may resume: the state, and the artifact to start from.

resume_state() and covered() are parts of the fold; the others are computed at read time, because
artifacts expire. See "Resume" in docs/fold.md.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from receiver.domain.fold.progress import Attempt, named_rows

Row = dict[str, Any]


def resume_state(attempt: Attempt) -> int | None:
    """Return the first state that still has to run; None if nothing has to."""
    if attempt.status == "completed":
        return None
    named = named_rows(attempt)
    unrecovered_rows = set(attempt.failed)
    failed = [state for row, state in named if row in unrecovered_rows]
    if failed:
        return failed[0]
    done = max((state for row, state in named if row.status == "completed"), default=-1)
    ahead = [state for row, state in named if state > done and row.status != "skipped"]
    return min(ahead, default=attempt.resumed_from or 0)


def covered(attempt: Attempt, place: int) -> int | None:
    """Return the state of the image in the artifact that was stated at this place in fold order.

    It is the state that its sender states; else the highest named state of the completed rows that
    began before it: a hook's stage is still open when Packer has made the image.
    """
    stated = attempt.facts[place].event.state
    if stated is not None:
        return stated
    done = (
        state
        for row, state in named_rows(attempt)
        if row.status == "completed" and row.opened < place
    )
    return max(done, default=attempt.resumed_from)


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
