"""Suggest routes for the jobs of kept deliveries that no route and no hook makes a build."""

import glob
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from receiver.domain.model import Report, Request, Subject
from receiver.errors import Invalid
from receiver.ingest.services import Services
from receiver.sources import SOURCES
from receiver.storage import deliveries

UNUSED = "no route and no hook makes it a build"  # as note_attached.sql has it
MAX_NAMES = 40
SHOWN_NAMES = 5

_IMAGE = re.compile(
    r"(?i)\b(?:packer|golden|ami|vhd|ova|qcow2|box|kickstart|(?:base|machine|vm|os)[-_ ]?images?|"
    r"images?|templates?|bake)\b"
)
_BUILDS = re.compile(r"(?i)(?:re)?build|bake|create|golden|packer|image|ami|template")
_ANOTHER = re.compile(
    r"(?i)\b(?:lint|validate|validation|fmt|format|scan|deploy|terraform|release|publish|notify|"
    r"check|cleanup|clean|delete|destroy|docs?|changelog|shellcheck|docker)\b"
)
_PACKER_STEP = re.compile(r"(?i)\bpacker[-_: ]+build\b|\bbuild\b.*\b(?:ami|golden image|vhd|ova)\b")
_OS = re.compile(
    r"(?i)(?<![a-z])(?:red ?hat|rhel|centos|rocky(?:linux)?|alma(?:linux)?|oracle(?:linux)?|ol|"
    r"fedora|ubuntu|debian|sles|opensuse|suse|windows(?:[-_ ]?server)?|win|amazon[-_ ]?linux|"
    r"amzn|al|photon|flatcar|alpine|freebsd)(?![a-z])(?:[-_ .]?\d+(?:[.-]\d+)*)?"
)
_PLATFORM = re.compile(
    r"(?i)^(?:aws|amazon|ec2|azure|gcp|google|googlecompute|vmware|vsphere|esxi?|openstack|oci|"
    r"qemu|kvm|proxmox|hyper-?v|virtualbox|docker)(?:$|[-_. ].*)"
)
_MATRIX = re.compile(r"^(?P<base>.*?)\s*\((?P<values>[^()]*)\)$")


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A route that would make builds of these jobs, as TOML to paste."""

    source: str
    repository: str
    workflow: str | None
    jobs: tuple[str, ...]
    toml: str


def suggest_routes(services: Services, limit: int) -> list[Suggestion]:
    """Return routes for the unused jobs of at most `limit` of the newest deliveries."""
    reports: list[Report] = []
    for row in deliveries.bodies(services.database, "ignored", UNUSED, limit):
        request = Request(row["headers"], bytes(row["body"]), row["query"], row["received_at"])
        with suppress(Invalid):
            reports += SOURCES[row["source"]].read(request).reports
    return suggest(reports)


def suggest(reports: Iterable[Report]) -> list[Suggestion]:
    """Return a route for each shape of job names that looks like image builds, most jobs first."""
    shapes: dict[tuple[str, str, str | None, str], set[str]] = defaultdict(set)
    for report in reports:
        subject = report.subject
        if _looks_like_an_image_build(report):
            place = (subject.source, subject.repository, subject.workflow)
            shapes[*place, _shape(subject)].add(subject.job)
    suggestions = [_suggestion(place, sorted(jobs)) for place, jobs in shapes.items()]
    return sorted(suggestions, key=lambda each: (-len(each.jobs), each.repository, each.jobs))


def _looks_like_an_image_build(report: Report) -> bool:
    subject = report.subject
    if not subject.job:
        return False
    steps = report.statement.order or [event.stage or "" for event in report.statement.events]
    if any(_PACKER_STEP.search(step) for step in steps):
        return True
    around = f"{subject.repository} {subject.workflow or ''} {subject.job}".replace("_", " ")
    is_other = _ANOTHER.search(subject.job.replace("_", " ").replace("-", " "))
    named = _BUILDS.search(subject.job) or _OS.search(subject.job)
    return bool(_IMAGE.search(around) and named and not is_other)


def _shape(subject: Subject) -> str:
    """Return the common part of the names of one matrix, or of one job for each OS."""
    matrix = _MATRIX.match(subject.job)
    if matrix:
        return f"{matrix['base']} ({matrix['values'].count(',')})"
    return _OS.sub("\0", subject.job, count=1)


def _suggestion(place: tuple[str, str, str | None, str], jobs: list[str]) -> Suggestion:
    source, repository, workflow, _ = place
    lines = [
        f"# {len(jobs)} job{'s' if len(jobs) > 1 else ''}: {_comment(jobs)}",
        "[[route]]",
        f"source = {_quoted(source)}",
        f"repository = {_quoted(glob.escape(repository))}",
        *([f"workflow = {_quoted(glob.escape(workflow))}"] if workflow else []),
        f"job = {_quoted(_pattern(jobs))}",
        f"project = {_quoted(repository.rpartition('/')[2][:200])}",
    ]
    return Suggestion(source, repository, workflow, tuple(jobs), "\n".join(lines) + "\n")


def _pattern(jobs: Sequence[str]) -> str:
    matrix = [match for job in jobs if (match := _MATRIX.match(job))]
    if matrix:
        columns = list(zip(*(match["values"].split(",") for match in matrix), strict=True))
        values = ", ?".join(_groups([[value.strip() for value in each] for each in columns]))
        return rf"^{_escaped(matrix[0]['base'])} \({values}\)$"
    os_name = _OS.search(jobs[0])
    if os_name:
        before, after = jobs[0][: os_name.start()], jobs[0][os_name.end() :]
        return rf"^{_escaped(before)}(?P<os_version>[\w.-]+?){_escaped(after)}$"
    return rf"^(?:{'|'.join(_escaped(job) for job in jobs[:MAX_NAMES])})$"


def _groups(columns: Sequence[Sequence[str]]) -> list[str]:
    """Return a group for each column of a matrix, named by what most of its values are."""
    names: list[str] = []
    for values in columns:
        kinds = Counter(_kind(value) for value in values)
        kind = kinds.most_common(1)[0][0]
        names.append("" if kind in names else kind)
    return [f"(?P<{name}>[^,()]+)" if name else "[^,()]+" for name in names]


def _kind(value: str) -> str:
    if _PLATFORM.match(value):
        return "platform"
    return "os_version" if _OS.match(value) else "image_type"


def _escaped(text: str) -> str:
    return re.sub(r"([\\.^$*+?{}\[\]|()])", r"\\\1", text)


def _comment(jobs: Sequence[str]) -> str:
    more = ", …" if len(jobs) > SHOWN_NAMES else ""
    text = ", ".join(jobs[:SHOWN_NAMES]) + more
    return "".join(each if each.isprintable() else " " for each in text)


def _quoted(text: str) -> str:
    """Return a TOML string, a literal one if possible, so that patterns stay readable."""
    if "'" not in text and text.isprintable():
        return f"'{text}'"
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in escaped) + '"'
