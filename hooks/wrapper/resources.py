"""What a build's log names in a cloud: it costs money until somebody removes it; pure."""

from __future__ import annotations

import re
from typing import NamedTuple


class Resource(NamedTuple):
    """One thing in a cloud, by its type and its id there."""

    type: str
    id: str


_MADE: tuple[tuple[str, re.Pattern[str]], ...] = (
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
_GOES: tuple[tuple[tuple[str, ...], re.Pattern[str]], ...] = (
    (("instance", "volume"), re.compile(r"Terminating the source (?:AWS instance|server)")),
    (("keypair",), re.compile(r"Deleting temporary key ?pair")),
    (("security-group",), re.compile(r"Deleting temporary security group")),
    (("resource-group",), re.compile(r"(?:The )?[Rr]esource [Gg]roup (?:has been|was) deleted")),
    (("container",), re.compile(r"Killing the container")),
)
_STAYS = re.compile(
    r"may still be around|(?:delete|remove|clean) .{0,60}manually"
    r"|^Error (?:terminat|delet|clean|remov)",
    re.I,
)


def made(text: str) -> list[Resource]:
    """What this message says that there is now."""
    found = ((kind, pattern.search(text)) for kind, pattern in _MADE)
    return [Resource(kind, match[1].rstrip(" .")) for kind, match in found if match]


def going(text: str) -> tuple[str, ...]:
    """The types of what is removed after this message; the next one tells whether it worked."""
    return next((types for types, pattern in _GOES if pattern.match(text)), ())


def stays(text: str) -> bool:
    """This message says that a removal did not work."""
    return _STAYS.search(text) is not None
