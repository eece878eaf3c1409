"""Names that look like two spellings of one thing; pure. It is a suggestion, and no more."""

import re
from collections import defaultdict
from collections.abc import Iterable

from receiver.domain import image_names
from receiver.domain.dimensions import UNKNOWN
from receiver.domain.os_names import systems

_BREAK = re.compile(r"[\W_]+")
_SYSTEM_BREAK = re.compile(r"(?<!\d)\.|\.(?!\d)|[^a-z0-9.]+")


def pairs(dimension: str, names: Iterable[str]) -> list[tuple[str, str]]:
    """Return pairs of alike names as (name, into): `into` is in the one spelling of the recogniser,
    where one of them is, else the first by length and alphabet.

    >>> pairs("os_version", ["rhel9", "rhel-9", "rhel-9-hardened", "sles-15"])
    [('rhel9', 'rhel-9')]
    """
    groups = defaultdict[str, list[str]](list)
    for name in names:
        if name != UNKNOWN and (key := _key(dimension, name)):
            groups[key].append(name)
    found = []
    for group in groups.values():
        into = min(group, key=lambda name: (not _is_known_spelling(name), len(name), name))
        found += [(name, into) for name in sorted(group) if name != into]
    return sorted(found)


def _key(dimension: str, name: str) -> str:
    """Return what alike names have in common; empty where a name tells nothing."""
    if dimension == "os_version" and (key := _system_key(name)):
        return key
    reading = image_names.read(name)
    if dimension == "image_type" and reading.image_type and not _BREAK.search(name):
        return reading.image_type
    return _BREAK.sub("", name).casefold()


def _system_key(name: str) -> str | None:
    """Return the system and the other words of a name: what is hardened or for arm64 is another."""
    reading = image_names.read(name)
    if not reading.os_version:
        return None
    letters = list(_SYSTEM_BREAK.sub("-", name.lower()))
    for each in systems("".join(letters)):
        letters[slice(*each.span)] = "-" * (each.span[1] - each.span[0])
    words = sorted(word for word in "".join(letters).split("-") if word)
    return " ".join([reading.os_version, *words])


def _is_known_spelling(name: str) -> bool:
    reading = image_names.read(name)
    return name in (reading.os_version, reading.image_type, reading.builder)
