"""The messages of builders, found by the builder's type; pure.

A builder that is in no table prints nothing that is known, and its machine counts as being
provisioned until a post-processor runs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from hooks.wrapper import wordings, wordings_of_clouds
from hooks.wrapper.wordings import Builder

BUILDERS: Mapping[str, Builder] = {
    kind: builder for builder in (*wordings.ALL, *wordings_of_clouds.ALL) for kind in builder.types
}


def is_after(kind: str, text: str) -> bool:
    """Return whether this builder prints this behind the last provisioner."""
    builder = BUILDERS.get(kind)
    return builder is not None and _any(builder.after).fullmatch(text.strip()) is not None


def created(kind: str, text: str, before: str) -> tuple[str, str] | None:
    """Return (type, id) of the resource that this message, behind another, says is created."""
    for name, wording in BUILDERS[kind].created if kind in BUILDERS else ():
        whole = f"{before.strip()}\n{text.strip()}" if "\n" in wording else text.strip()
        if match := _one(wording).fullmatch(whole):
            return name, match["id"]
    return None


def removed(kind: str, text: str) -> tuple[str, ...]:
    """Return the types that are removed; the next message says it if that fails."""
    wordings = BUILDERS[kind].removed if kind in BUILDERS else ()
    found = (names for names, wording in wordings if _one(wording).fullmatch(text.strip()))
    return tuple(next(found, "").split())


def beginnings(kind: str) -> tuple[str, ...]:
    """Return how the messages of this builder begin that mean something."""
    if kind not in BUILDERS:
        return ()
    builder = BUILDERS[kind]
    lines = [line.strip() for line in builder.after.splitlines()]
    lines += [line for _, wording in builder.created for line in wording.split("\n")]
    lines += [wording for _, wording in builder.removed]
    return tuple(re.split(r"[*{]", line)[0] for line in lines if line)


@cache
def _any(wordings: str) -> re.Pattern[str]:
    lines = [line.strip() for line in wordings.splitlines()]
    return re.compile("|".join(_expression(line) for line in lines if line))


@cache
def _one(wording: str) -> re.Pattern[str]:
    return re.compile(_expression(wording))


def _expression(wording: str) -> str:
    text = re.escape(wording).replace(r"\*", ".*?")
    return text.replace(r"\{id\}", r"(?P<id>\S.{0,200}?)")
