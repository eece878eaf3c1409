"""The verdict of each build: exit code, output and manifest against each other; pure.

A manifest entry is no proof of success, and a missing one is no proof of failure: parallel builds
lose entries (https://github.com/hashicorp/packer/issues/9686 and the plugin's own lock file).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from hooks.wrapper.target import Target

Json = dict[str, Any]

_AMI = re.compile(r"^([a-z]{2}(?:-[a-z]+)+-\d): (ami-[0-9a-f]{8,17})\s*$", re.M)
_FILE = re.compile(r"Stored file: (\S.*)|compressed artifacts in: (\S.*)|provider box: (\S.*)")
_FILES = re.compile(r"Created artifact from files: (\S.*)")
_FOLDER = re.compile(r"VM files in directory: (\S.*)")
_NAMED = re.compile(
    r"(?:ManagedImageId|ManagedImageSharedImageGalleryId|OSDiskUri): (\S+)"
    r"|A disk image was created[^:]*: (\S+)|An image was created: (\S+)"
    r"|Imported Docker image: (\S+)|A snapshot was created: '[^']*' \(ID: (\w+)\)"
    r"|A template was created: (\S+)"
)


class Entry(NamedTuple):
    """The entries of one source, in a manifest of their own."""

    type: str
    name: str
    manifest: Json


def ending(target: Target, code: int, cancelled: str) -> tuple[str, str, str]:
    """Return (verdict, failure type, message) of a build that Packer did not end.

    All are empty if the build has its verdict.
    """
    if target.errors and target.verdict != "failed":
        return "failed", "", target.errors[0]
    if target.verdict or target.ended == "finished":
        return "", "", ""
    if cancelled:
        return "cancelled", "", ""
    if code < 0 or code == 137:
        number = -code if code < 0 else code - 128
        return "failed", "killed", f"Packer was killed by signal {number}"
    return "failed", "packer", f"Packer ended with {code} before this build did"


def entries(documents: Iterable[Json], since: float) -> list[Entry]:
    """Return the entries of each manifest's last run, written since a time (Unix seconds)."""
    builds: dict[tuple[str, str], list[Json]] = {}
    runs: dict[tuple[str, str], str] = {}
    for document in documents:
        last = document.get("last_run_uuid")
        for each in document.get("builds") or []:
            if not isinstance(each, dict) or each.get("packer_run_uuid") != last:
                continue
            if (each.get("build_time") or since) < int(since):
                continue
            key = (str(each.get("builder_type")), str(each.get("name")))
            runs[key] = str(last)
            if each not in builds.setdefault(key, []):
                builds[key].append(each)
    return [
        Entry(*key, {"builds": found, "last_run_uuid": runs[key]}) for key, found in builds.items()
    ]


def wrote_manifest(target: Target) -> bool:
    """Return whether Packer says that the build is complete and its manifest is written."""
    return target.ended == "finished" and "manifest" in target.post_processors


def artifacts(target: Target, builder: str | None, name: str) -> list[Json]:
    """Return each artifact of Packer's summary (`--> name: …`) once, as in a manifest."""
    return [
        {
            "artifact_id": artifact_id[:2_000],
            "region": region,
            "builder_type": builder,
            "name": name,
            "files": [{"name": file} for file in files],
        }
        for text in dict.fromkeys(target.artifacts)
        for artifact_id, region, files in _parts(text)
    ]


def _parts(text: str) -> Sequence[tuple[str, str | None, list[str]]]:
    """Return (id, region, files) of each artifact in one line of the summary."""
    if text.startswith("Did not export anything"):
        return [("Null", None, [])]
    if amis := _AMI.findall(text):
        return [(ami, region, []) for region, ami in amis]
    if file := _FILE.search(text):
        return [("File" if file[1] else "", None, [next(filter(None, file.groups()))])]
    if files := _FILES.search(text):
        return [("", None, files[1].split(", "))]
    if folder := _FOLDER.search(text):
        return [("VM", None, [folder[1]])]
    if named := _NAMED.search(text):
        return [(next(filter(None, named.groups())), None, [])]
    return [(text.split("\n")[0].strip(), None, [])]
