"""Whether an image is built on the newest one of its base; pure."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal, get_args

BaseState = Literal["up-to-date", "behind", "unknown"]
Fate = Literal["newest", "superseded", "expired", "revoked", "not-served"]
STATES: tuple[str, ...] = get_args(BaseState)
Row = Mapping[str, Any]


def state_of(parent: Row, newest: Row | None, *, has_moved: bool = False) -> BaseState:
    """Return how a build stands that is built on an attempt of a parent.

    `parent` has build_number (None where nobody here made it), attempt, latest_attempt, built_at.
    `newest` is the served build of the parent's image: build_number, built_at; None where there is
    none, as where nobody says what the parent makes. `has_moved`: the channels that held the parent
    when its child began hold another one by now.
    """
    if has_moved:
        return "behind"
    if parent["build_number"] is None or newest is None:
        return "unknown"
    if newest["build_number"] == parent["build_number"]:
        return "up-to-date" if parent["attempt"] == parent["latest_attempt"] else "behind"
    return "behind" if newest["built_at"] > parent["built_at"] else "unknown"


def combined(states: Iterable[BaseState]) -> BaseState | None:
    """Return the state of a build with several parents, None for one without any: behind if it is
    behind one of them; what nobody here made counts only where nothing else is known."""
    known = set(states)
    order: tuple[BaseState, ...] = ("behind", "up-to-date", "unknown")
    return next((state for state in order if state in known), None)


def fate_of(artifact: Row, newest: Row | None) -> Fate:
    """Return what became of an artifact: a row of made_artifacts.sql.

    One that is too old, of an attempt that was made again, or of a build behind the newest one of
    its image is superseded. Otherwise it is not served, because its build is not.
    """
    if artifact["is_revoked"]:
        return "revoked"
    if artifact["is_expired"]:
        return "expired"
    is_last = artifact["attempt"] == artifact["latest_attempt"]
    if newest and newest["build_number"] == artifact["build_number"] and is_last:
        return "not-served" if artifact["kind"] == "resumable" else "newest"
    if newest and newest["built_at"] >= artifact["built_at"]:
        return "superseded"
    return "not-served"
