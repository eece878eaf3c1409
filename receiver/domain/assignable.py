"""Whether a build may be put into a channel, and why not, in the words of an answer; pure.

A row is one of find_candidate.sql: how the build stands, the `reason` why its image is not served,
its `artifacts`, and its `revocation`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from receiver.domain import image_reasons
from receiver.domain.dimensions import UNKNOWN
from receiver.domain.images import usable_ids

Row = Mapping[str, Any]
# What an assignment keeps of an artifact: all that selects and serves it.
KEPT = (
    *("artifact_id", "region", "name", "builder_type", "custom_data", "files", "path"),
    "expires_at",
)


def problem(row: Row) -> str | None:
    """Return why a build cannot be assigned now; None where it can, or where it is revoked."""
    number = row["build_number"]
    if row["status"] != "completed":
        return f"Build {number} is {row['status']}: only a completed build has an image."
    if UNKNOWN in (row["platform"], row["os_version"], row["image_type"]):
        return f"Build {number} is not served: {image_reasons.UNNAMED}"
    if row["reason"]:
        return image_reasons.unserved(row)
    if not any(usable_ids(each) for each in row["artifacts"]):
        return f"Build {number} has no artifact that a program can use, or all have expired."
    return None


def problem_of_pinned(row: Row, attempt: int) -> str | None:
    """Return why a build that a channel holds cannot be put into another one. What a later attempt
    does is no reason: the channel holds an earlier one."""
    if row["attempt"] == attempt and row["status"] in ("failed", "cancelled"):
        return f"Build {row['build_number']} is {row['status']} since it was assigned."
    return None


def revoked(number: str, revocation: Row) -> str:
    """Return that a build is revoked, or what it was made from, and why."""
    reason = revocation["reason"].rstrip(".")
    if revocation["build_number"] == number:
        return f"Build {number} was revoked by {revocation['by']}: {reason}."
    words = "was revoked with" if revocation["kind"] == "revoked" else "was made from"
    return f"Build {number} {words} {revocation['build_number'] or image_reasons.OTHERS}: {reason}."


def is_refused(revocation: Row | None) -> bool:
    """Return whether a revocation keeps a build out of channels: not one that holds only later."""
    return revocation is not None and revocation["kind"] != "scheduled"


def is_revoked(revocation: Row | None) -> bool:
    """Return whether a revocation holds by now for the build itself."""
    return revocation is not None and revocation["kind"] == "revoked"


def kept(artifacts: Sequence[Row]) -> list[dict[str, Any]]:
    """Return what an assignment keeps of these artifacts."""
    return [{name: each.get(name) for name in KEPT} for each in artifacts]


def held(row: Row, later: Sequence[Row], now: datetime) -> list[dict[str, Any]]:
    """Return the artifacts that an assignment hands out: those that it keeps, and those that the
    same attempt has by now in other regions.

    The number of an attempt changes where an earlier one is reported late: it is the same attempt
    where it has an artifact that the assignment keeps.
    """
    own = [each for each in row["artifacts"] if not _has_expired(each, now)]
    ids = {each["artifact_id"] for each in row["artifacts"]}
    if not any(each["artifact_id"] in ids for each in later):
        return own
    regions = {each["region"] for each in row["artifacts"]}
    return own + [each for each in kept(later) if each["region"] not in regions]


def _has_expired(artifact: Row, now: datetime) -> bool:
    expires_at: str | None = artifact.get("expires_at")
    return expires_at is not None and datetime.fromisoformat(expires_at) <= now
