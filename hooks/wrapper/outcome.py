"""What is reported when Packer has ended: verdicts, artifacts, and what its manifests add."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from hooks import client
from hooks.client import Deadline, Json
from hooks.redact import Redactor
from hooks.wrapper import artifacts, failures, manifests, variables, verdict
from hooks.wrapper.parser import Reader, TargetEvent
from hooks.wrapper.phases import Phase
from hooks.wrapper.reporter import Reporter
from hooks.wrapper.target import Part, Target
from hooks.wrapper.template import Source, Template
from hooks.wrapper.verdict import Entry

EXACT = ("artifact_id", "builder_type", "packer_run_uuid", "last_run_uuid")
MAX_FOLDER_FILES = 100
REGISTRY = "HCP Packer"  # a resource of this type is the place of a version in its registry


class Run(NamedTuple):
    """One run of Packer that has ended, and what is known about it."""

    reader: Reader
    reporter: Reporter
    redactor: Redactor
    template: Template
    part: Part
    arguments: Sequence[str]
    began: float
    deadline: Deadline

    def emit(self, target: str, event: Json) -> None:
        """Report an event of now."""
        self.reporter.add([TargetEvent(target, {**event, "at": client.now()})])


def report_verdicts(run: Run, code: int, cancelled: str) -> None:
    """Report the verdict of each build that has none; of a run without a build, its end."""
    reader, now = run.reader, client.moment()
    cancelled = reader.cancelled or cancelled
    if not reader.targets and code:
        _report_early_end(run, code, cancelled)
        return
    found = verdict.endings(reader.targets, code, cancelled, reader.loose)
    for name, ending in found.items():
        target = reader.target(name)
        if ending.status == "completed":
            reader.finish(target, now)
        elif ending.status == "cancelled":
            reader.cancelled = cancelled
            reader.cancel(target, now)
        else:
            reader.fail(target, ending.message, now, ending.kind)


def _report_early_end(run: Run, code: int, cancelled: str) -> None:
    """Report a run that ended before its first build: of its targets, if they are known.

    The name '' stands for the run as a whole, under its plain number.
    """
    names = target_names(run.reader, run.template, run.arguments)
    text = failures.summary(run.reader.loose) or f"Packer ended with {code} and said nothing"
    for name in names or [""]:
        target = run.reader.target(name)
        target.log.extend(run.redactor.line(line) for line in run.reader.loose)
        if cancelled:
            run.reader.cancelled = cancelled
            run.reader.cancel(target, client.moment())
        else:
            kind = failures.early_kind_of(text)
            run.reader.fail(target, text, client.moment(), kind)


def target_names(reader: Reader, template: Template, arguments: Sequence[str]) -> list[str]:
    """Return the targets of a run: those that Packer names, else those of its template."""
    only, excepted = (
        [value for _, value in variables.flags(arguments, name)] for name in ("only", "except")
    )
    return reader.declared or verdict.selected(template.targets, only, excepted)


def report_artifacts(run: Run) -> None:
    """Report each complete build's manifest entry, else the artifacts of Packer's summary."""
    if run.reader.cancelled:
        return
    complete = [
        each
        for each in run.reader.targets.values()
        if (each.verdict in ("completed", "") and each.phase is not Phase.NEW) or each.artifacts
    ]
    complete = [each for each in complete if each.verdict in ("completed", "")]
    expected = [each for each in complete if verdict.wrote_manifest(each)]
    documents = manifests.read_all(
        run.template.manifests, run.reader.manifests, run.began, run.deadline
    )
    entries = _entries(run, documents)
    if any(run.template.source(each.name) not in entries for each in expected):
        folders = [Path.cwd(), run.template.folder]
        more = manifests.search(folders, run.began, run.deadline)
        documents = [*documents, *more]
        entries = _entries(run, documents)
    counts = Counter(run.template.source(each.name) for each in run.reader.targets.values())
    lost = 0
    for target in complete:
        source = run.template.source(target.name)
        entry = _own_entry(target, entries.get(source), counts[source])
        _report(run, target, source, entry)
        lost += target in expected and not _is_listed(entries.get(source), counts[source])
    if documents and lost:
        _warn_of_lost_entries(run, expected, entries, counts)


def _entries(run: Run, documents: Sequence[Json]) -> dict[Source, Entry]:
    found = verdict.entries(documents, run.began)
    return {Source(each.type, each.name): each for each in found}


def _is_listed(entry: Entry | None, count: int) -> bool:
    """Return whether the manifest has an entry of each build of this source."""
    return entry is not None and len(entry.manifest["builds"]) >= count


def _own_entry(target: Target, entry: Entry | None, count: int) -> Entry | None:
    """Return the entry of this build; of builds that share a source, the one with its artifact.

    https://developer.hashicorp.com/packer/docs/templates/hcl_templates/blocks/build/source
    """
    if entry is None or count == 1:
        return entry
    ids = {part.id for text in target.artifacts for part in artifacts.parts(text, target.kind)}
    own = [
        each
        for each in entry.manifest["builds"]
        if {part.rpartition(":")[2] for part in str(each.get("artifact_id")).split(",")} & ids
    ]
    others = {str({**each, "build_time": 0, "name": ""}) for each in own}
    if not own or len(others) > 1:
        return None
    return entry._replace(manifest={**entry.manifest, "builds": own[:1]})


def _report(run: Run, target: Target, source: Source, entry: Entry | None) -> None:
    if entry and run.part.is_last:
        manifest = run.redactor.document(entry.manifest, EXACT)
        run.reporter.add_manifest(target.name, manifest)
    else:
        _report_summary(run, target, source)
    for text in target.artifacts:
        if link := artifacts.registry_link(text.strip()):
            resource = {"type": REGISTRY, "id": link}
            event = {"kind": "resource", "status": "created", "resource": resource}
            run.emit(target.name, event)


def _report_summary(run: Run, target: Target, source: Source) -> None:
    """Report what Packer's summary names; a build without any is complete with a warning."""
    kind = source.kind or None
    found = [part for text in target.artifacts for part in artifacts.parts(text, kind)]
    found = found or artifacts.of_records(target.records)
    for artifact in artifacts.events(found, kind, source.label):
        run.emit(target.name, _artifact_event(artifact, run.part, run.deadline))
    if target.artifacts or found or not run.part.is_last:
        return
    message = "Packer ended with 0, but names no artifact of this build"
    failure = {"type": "artifact", "message": message}
    event = {"kind": "stage", "stage": "Artifacts", "status": "completed", "state": 95}
    run.emit(target.name, {**event, "failure": failure})


def _warn_of_lost_entries(
    run: Run,
    expected: Sequence[Target],
    entries: dict[Source, Entry],
    counts: Counter[Source],
) -> None:
    """Report a completed stage with a warning: the image is complete, its manifest is not."""
    sources = [run.template.source(each.name) for each in expected]
    listed = [_is_listed(entries.get(each), counts[each]) for each in sources]
    warning = f"{len(expected)} builds, manifest has {sum(listed)}"
    for target, is_present in zip(expected, listed, strict=False):
        lost = "" if is_present else ": this build's entry is lost, its artifact is from the output"
        failure = {"type": "manifest", "message": warning + lost}
        event = {"kind": "stage", "stage": "Manifest", "status": "completed", "state": 95}
        run.emit(target.name, {**event, "failure": failure})


def _artifact_event(artifact: Json, part: Part, deadline: Deadline) -> Json:
    """Return the event of an artifact, with its state if it is one of a part of a chain."""
    event: Json = {"kind": "artifact", "artifact": artifact}
    files = [each for file in artifact["files"] for each in _files_of(Path(file["name"]))]
    artifact["files"] = [_file(each) for each in files]
    if part.is_last:
        return event
    if len(files) == 1 and (digest := _sha256(files[0], deadline)):
        artifact["checksum"] = f"sha256:{digest}"
    return {**event, "state": part.last}


def _files_of(path: Path) -> list[Path]:
    """Return a file, or the files of a folder: a local builder names its folder alone."""
    try:
        inside = sorted(each for each in path.iterdir() if each.is_file())[:MAX_FOLDER_FILES]
    except OSError:
        return [path]
    return inside or [path]


def _file(path: Path) -> Json:
    return {"name": str(path), **({"size": path.stat().st_size} if path.is_file() else {})}


def _sha256(path: Path, deadline: Deadline) -> str:
    """Return the digest of a file; nothing if it is missing or too large for the time left."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while piece := file.read(2**20):
                digest.update(piece)
                if deadline.remaining() < deadline.seconds / 2:
                    return ""
    except OSError:
        return ""
    return digest.hexdigest()
