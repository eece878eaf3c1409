"""From a Packer manifest to artifacts, and to the sources that made them.

Packer's post-processor appends to one file over runs, repeats names, leaves fields out or null, and
writes an artifact id whose shape depends on the builder:
https://github.com/hashicorp/packer/blob/v1.16.0/post-processor/manifest/artifact.go
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from receiver.domain.artifact_ids import by_region
from receiver.domain.model import DIMENSIONS, NUMBER_SHAPE, Artifact, Identity, Json
from receiver.errors import Invalid

MAX_BUILDS = 10_000
MAX_NAME = 200  # an index takes no longer one
LAST_SECOND = 253_402_300_798  # one before 9999-12-31T23:59:59, the end of Python's calendar
UNRESOLVED = "<no value>"  # what Packer writes for a template that it cannot fill


def check(document: object) -> Json:
    """Return the document if it is a manifest. Raises Invalid with each wrong field.

    Shape: `{"builds": [{"name", "builder_type", "build_time", "files", "artifact_id",
    "packer_run_uuid", "custom_data"}], "last_run_uuid"}`; any of them may be absent or null.
    """
    if not isinstance(document, dict):
        raise Invalid(fields={"": ["A manifest is a JSON object."]})
    problems = dict(_problems(document))
    if problems:
        raise Invalid("This is no manifest of Packer's.", fields=problems)
    return document


def check_entries(document: Mapping[str, Any]) -> None:
    """Raise Invalid for a document without a readable entry: it is none of Packer's."""
    if not any(_entries(document)):
        raise Invalid(fields={"builds": ["Must be the list of builds that Packer wrote."]})


def artifacts(document: Mapping[str, Any]) -> tuple[Artifact, ...]:
    """Return every artifact, one a region, in the manifest's order, equal ones once."""
    by_content: dict[str, Artifact] = {}
    for entry in _entries(document):
        pairs = by_region(
            entry.get("artifact_id") or "", entry.get("builder_type"), entry.get("files") or ()
        )
        for region, artifact_id in pairs:
            artifact = _artifact(document, entry, region, artifact_id)
            by_content.setdefault(_content(artifact), artifact)
    return tuple(by_content.values())


def moment(document: Mapping[str, Any]) -> datetime | None:
    """Return one second after the newest entry of the last run; None if no entry has a time."""
    times = [entry["build_time"] for entry in _current(document) if entry.get("build_time")]
    return _time(max(times)) + timedelta(seconds=1) if times else None


def run_key(document: Mapping[str, Any], body: bytes) -> str:
    """Return the last run's UUID, else the SHA-256 of the body."""
    return document.get("last_run_uuid") or hashlib.sha256(body).hexdigest()


def by_source(document: Mapping[str, Any]) -> list[Json]:
    """Return the manifest of each source in its last run; a whole one, where there is but one.

    A source is known by its builder's type and its name. Each part has its source's entries of
    earlier runs too.
    """
    sources = list(dict.fromkeys(_source(entry) for entry in _current(document)))
    if len(sources) < 2:
        return [dict(document)]
    return [_of_sources(document, {source}) for source in sources]


def joined(documents: Sequence[Json]) -> Json:
    """Return one manifest of several parts of a manifest."""
    builds = [entry for document in documents for entry in _entries(document)]
    return {**documents[0], "builds": builds}


def source_name(document: Mapping[str, Any]) -> str:
    """Return builder and name of a manifest of one source; "" if its last run has no entry.

    >>> source_name({"builds": [{"builder_type": "qemu", "name": "rhel9"}]})
    'qemu-rhel9'
    """
    entries = _current(document)
    return "-".join(filter(None, _source(entries[-1]))) if entries else ""


def names(document: Mapping[str, Any]) -> dict[str, str]:
    """Return the names of the last run's entries, from which the image may be inferred."""
    each = [entry.get("name") or "" for entry in _current(document)]
    text = ", ".join(filter(None, dict.fromkeys(each)))
    return {"entry": text[:MAX_NAME]} if text else {}


def builder_type(document: Mapping[str, Any]) -> str | None:
    """Return the builder's type, if the last run used one builder only."""
    types = {entry.get("builder_type") for entry in _current(document)}
    return types.pop() if len(types) == 1 else None


def custom(document: Mapping[str, Any]) -> tuple[Identity, str | None]:
    """Return identity and build number by custom_data; `milepost_…` keys win."""
    values: dict[str, str] = {}
    for entry in _current(document):
        data = entry.get("custom_data") or {}
        for prefix in ("", "milepost_"):
            for name in ("build_number", *DIMENSIONS):
                value = data.get(prefix + name, "").strip()[:MAX_NAME]
                if value and value != UNRESOLVED:
                    values[name] = value
    number = values.pop("build_number", "")
    return Identity(**values), number if NUMBER_SHAPE.fullmatch(number) else None


def _entries(document: Mapping[str, Any]) -> list[Json]:
    return document.get("builds") or []


def _current(document: Mapping[str, Any]) -> list[Json]:
    return [entry for entry in _entries(document) if _is_current(document, entry)]


def _is_current(document: Mapping[str, Any], entry: Json) -> bool:
    """Return whether an entry is of the last run; every entry is if the manifest names none."""
    last = document.get("last_run_uuid")
    return not last or entry.get("packer_run_uuid") == last


def _source(entry: Json) -> tuple[str, str]:
    return entry.get("builder_type") or "", entry.get("name") or ""


def _of_sources(document: Mapping[str, Any], sources: set[tuple[str, str]]) -> Json:
    return {**document, "builds": [e for e in _entries(document) if _source(e) in sources]}


def _artifact(
    document: Mapping[str, Any], entry: Json, region: str | None, artifact_id: str
) -> Artifact:
    return Artifact(
        artifact_id=artifact_id,
        region=region,
        builder_type=entry.get("builder_type"),
        name=entry.get("name"),
        packer_run_uuid=entry.get("packer_run_uuid"),
        build_time=_time(entry["build_time"]) if entry.get("build_time") else None,
        files=tuple(entry.get("files") or ()),
        custom_data=entry.get("custom_data") or {},
        current=_is_current(document, entry),
    )


def _content(artifact: Artifact) -> str:
    """Two manifest post-processors in one build write its entry twice, seconds apart."""
    return repr(
        (
            artifact.packer_run_uuid,
            artifact.builder_type,
            artifact.name,
            artifact.artifact_id,
            artifact.region,
            artifact.files,
        )
    )


def _time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _problems(document: Json) -> Iterator[tuple[str, list[str]]]:
    yield from _field("last_run_uuid", document.get("last_run_uuid"), _is_text, "text")
    builds = document.get("builds")
    if builds is not None and not isinstance(builds, list):
        yield "builds", ["Must be a list."]
    elif len(builds or ()) > MAX_BUILDS:
        yield "builds", [f"May have {MAX_BUILDS} entries."]
    else:
        for place, entry in enumerate(builds or ()):
            yield from _entry_problems(f"builds.{place}", entry)


def _entry_problems(path: str, entry: Any) -> Iterator[tuple[str, list[str]]]:
    if not isinstance(entry, dict):
        yield path, ["Must be an object."]
        return
    for name in ("name", "builder_type", "artifact_id", "packer_run_uuid"):
        yield from _field(f"{path}.{name}", entry.get(name), _is_text, "text")
    time = f"Unix seconds, an integer from 0 to {LAST_SECOND}"
    yield from _field(f"{path}.build_time", entry.get("build_time"), _is_time, time)
    data = entry.get("custom_data")
    yield from _field(f"{path}.custom_data", data, _is_texts, "an object of texts")
    files = entry.get("files")
    if files is not None and not isinstance(files, list):
        yield f"{path}.files", ["Must be a list."]
        return
    for place, file in enumerate(files or ()):
        yield from _file_problems(f"{path}.files.{place}", file)


def _file_problems(path: str, file: Any) -> Iterator[tuple[str, list[str]]]:
    if not isinstance(file, dict):
        yield path, ["Must be an object."]
        return
    yield from _field(f"{path}.name", file.get("name"), _is_text, "text")
    yield from _field(f"{path}.size", file.get("size"), _is_size, "a number of bytes")


def _field(
    path: str, value: Any, is_valid: Callable[[Any], bool], expected: str
) -> Iterator[tuple[str, list[str]]]:
    if value is not None and not is_valid(value):
        yield path, [f"Must be {expected}."]


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_texts(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(each, str) for each in value.values())


def _is_time(value: Any) -> bool:
    return type(value) is int and 0 <= value <= LAST_SECOND


def _is_size(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**63
