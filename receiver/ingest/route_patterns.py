"""Patterns of job names: one for the jobs that differ by a system, a type or a platform alone."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import combinations

from msgspec import Struct

from receiver.domain import image_names

PLATFORMS = (
    r"aws|amazon|ec2|azure|gcp|google|googlecompute|vmware|vsphere|esxi?|openstack|oci|qemu|kvm|"
    r"proxmox|hyper-?v|virtualbox|docker"
)
_PLATFORM = re.compile(rf"^(?:{PLATFORMS})(?:$|[-_. ].*)", re.IGNORECASE)
_MATRIX = re.compile(r"^(?P<base>.*?)(?P<open> ?\(|: \[)(?P<values>[^()\[\]]*)(?P<close>[)\]])$")
_TOKEN = re.compile(r"[A-Za-z0-9.]+")
_DIGITS = re.compile(r"\d+(?:\\\.\d+)*")  # in an escaped text
_VERSION = r"\d+(?:\.\d+)*"


class Part(Struct, frozen=True):
    """A part of a name: a text, or the value of a dimension (`kind`)."""

    text: str
    kind: str = ""


class Parts(Struct, frozen=True):
    """A job's name in parts, and the values of its matrix."""

    parts: tuple[Part, ...]
    values: tuple[str, ...] = ()
    brackets: tuple[str, str] = ("", "")

    @property
    def shape(self) -> tuple[object, ...]:
        """What jobs of one pattern have in common."""
        parts = tuple((part.kind, "" if part.kind else part.text) for part in self.parts)
        return parts, len(self.values), self.brackets


def parts_of(job: str) -> Parts:
    """Return the parts of a job's name."""
    matrix = _MATRIX.match(job)
    if not matrix:
        return Parts(tuple(_split(job)))
    values = tuple(value.strip() for value in matrix["values"].split(","))
    return Parts(tuple(_split(matrix["base"])), values, (matrix["open"], matrix["close"]))


def pattern_of(names: Sequence[Parts]) -> str:
    """Return a pattern that fits these names, all of one shape."""
    first = names[0]
    texts = [
        _alternatives(part.kind, {name.parts[place].text for name in names})
        if part.kind
        else escaped(part.text)
        for place, part in enumerate(first.parts)
    ]
    if first.values:
        taken = [part.kind for part in first.parts]
        columns = zip(*(name.values for name in names), strict=True)
        groups = _groups([list(column) for column in columns], taken)
        texts.append(escaped(first.brackets[0]) + ", ?".join(groups) + escaped(first.brackets[1]))
    return f"^{''.join(texts)}$"


def exactly(jobs: Iterable[str]) -> str:
    """Return a pattern of these names alone."""
    return rf"^(?:{'|'.join(escaped(job) for job in jobs)})$"


def escaped(text: str) -> str:
    """Return a text as a pattern of it."""
    return re.sub(r"([\\.^$*+?{}\[\]|()])", r"\\\1", text)


def _split(name: str) -> list[Part]:
    """Return the parts of a name: the dimensions that it tells, and what stands between them."""
    spans = sorted(_spans(name))
    parts, end = [], 0
    for start, stop, kind in spans:
        if start < end:
            continue
        parts += [Part(name[end:start]), Part(name[start:stop], kind)]
        end = stop
    return [part for part in (*parts, Part(name[end:])) if part.text]


def _spans(name: str) -> Iterable[tuple[int, int, str]]:
    tokens = [match.span() for match in _TOKEN.finditer(name)][:20]
    reading = image_names.read(name)
    if reading.family:
        wanted = (reading.family, reading.version)
        yield from _shortest(name, tokens, wanted)
    for start, stop in tokens:
        word = name[start:stop]
        if _PLATFORM.match(word):
            yield start, stop, "platform"
        elif reading.image_type and image_names.read(word).image_type == reading.image_type:
            yield start, stop, "image_type"


def _shortest(
    name: str, tokens: Sequence[tuple[int, int]], wanted: tuple[str, str | None]
) -> Iterable[tuple[int, int, str]]:
    """Yield the fewest words that tell the system of the whole name."""
    spans = [*tokens, *((first[0], last[1]) for first, last in combinations(tokens, 2))]
    for start, stop in sorted(spans, key=lambda span: span[1] - span[0]):
        reading = image_names.read(name[start:stop])
        if (reading.family, reading.version) == wanted:
            yield start, stop, "os_version"
            return


def _alternatives(kind: str, texts: Iterable[str]) -> str:
    """Return a group of these texts; of a system, of any version."""
    patterns = {escaped(text) for text in texts}
    if kind == "os_version":
        patterns = {_DIGITS.sub(lambda _: _VERSION, each) for each in patterns}
    return f"(?P<{kind}>{'|'.join(sorted(patterns))})"


def _groups(columns: Sequence[Sequence[str]], taken: Iterable[str]) -> list[str]:
    """Return a group for each column of a matrix, named by what most of its values are."""
    kinds = [Counter(_kind(value) for value in values).most_common(1)[0][0] for values in columns]
    free = {"os_version", "platform", "image_type"} - set(taken)
    named: dict[int, str] = {}
    for wanted in ("os_version", "platform", "image_type"):
        places = [place for place, kind in enumerate(kinds) if kind == wanted and wanted in free]
        if places:
            named[max(places, key=lambda place: len(set(columns[place])))] = wanted
    return [
        f"(?P<{named[place]}>[^,()\\[\\]]+)" if place in named else r"[^,()\[\]]+"
        for place in range(len(columns))
    ]


def _kind(value: str) -> str:
    if _PLATFORM.match(value):
        return "platform"
    return "os_version" if image_names.read(value).family else "image_type"
