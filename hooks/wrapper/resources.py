"""The cloud resources that a build's log names: each costs money until it is removed; pure."""

from __future__ import annotations

import re
from typing import NamedTuple


class Resource(NamedTuple):
    """One thing in a cloud, by its type and its id there."""

    type: str
    id: str


_CREATIONS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("instance", re.compile(r"(?:Spot )?Instance ID: (i-[0-9a-f]{8,17})\b")),
    ("instance", re.compile(r"Waiting for instance \((i-[0-9a-f]{8,17})\)")),
    ("instance", re.compile(r"Server ID: ([0-9A-Za-z-]{4,64})\b")),
    ("keypair", re.compile(r"Creating temporary key ?pair(?: for this instance)?: (\S.{0,120})")),
    ("security-group", re.compile(r"Creating temporary security group[^:]*: (\S{1,120})")),
    ("security-group", re.compile(r"\b(sg-[0-9a-f]{8,17})\b")),
    ("volume", re.compile(r"\b(vol-[0-9a-f]{8,17})\b")),
    ("volume", re.compile(r"Volume ID: ([0-9A-Za-z-]{4,64})\b")),
    ("snapshot", re.compile(r"\b(snap-[0-9a-f]{8,17})\b")),
    ("image", re.compile(r"\bAMI: (ami-[0-9a-f]{8,17})\b")),
    ("resource-group", re.compile(r"-> ResourceGroupName\s*: '([^']{1,90})'")),
    ("container", re.compile(r"Container ID: ([0-9a-f]{12,64})\b")),
)
_REMOVALS: tuple[tuple[tuple[str, ...], re.Pattern[str]], ...] = (
    (("instance", "volume"), re.compile(r"Terminating the source (?:AWS instance|server)")),
    (("keypair",), re.compile(r"Deleting temporary key ?pair")),
    (("security-group",), re.compile(r"Deleting temporary security group")),
    (("resource-group",), re.compile(r"(?:The )?[Rr]esource [Gg]roup (?:has been|was) deleted")),
    (("container",), re.compile(r"Killing the container")),
)
_FAILED_REMOVAL = re.compile(
    r"may still be around|(?:delete|remove|clean) .{0,60}manually"
    r"|^Error (?:terminat|delet|clean|remov)",
    re.I,
)


def created(text: str) -> list[Resource]:
    """Return the resources that this message names as created."""
    matches = ((kind, pattern.search(text)) for kind, pattern in _CREATIONS)
    return [Resource(kind, match[1].rstrip(" .")) for kind, match in matches if match]


def removals(text: str) -> tuple[str, ...]:
    """Return the types that Packer removes after this message; the next one names a failure."""
    return next((types for types, pattern in _REMOVALS if pattern.match(text)), ())


def is_failed_removal(text: str) -> bool:
    """Return whether this message says that a removal failed."""
    return _FAILED_REMOVAL.search(text) is not None
