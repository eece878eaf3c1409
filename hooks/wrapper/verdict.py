"""The verdict of each build: exit code, summary and manifest against each other; pure.

Packer exits with 0 or 1 (command/build.go): 1 if any build has an error, or HCP Packer has. A
manifest entry is no proof of success, and a missing one is no proof of failure: parallel builds
lose entries, because the post-processor goes on when it cannot lock the file
(https://github.com/hashicorp/packer/blob/v1.16.0/post-processor/manifest/post-processor.go).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from hooks.wrapper import failures
from hooks.wrapper.target import Target

Json = dict[str, Any]

# Builds that Packer could not begin, while it ran the others.
_NOT_BEGUN = re.compile(
    r'(?:Failed to (?:initialize|prepare) build:?|failed to start build) "([^"]+)"'
)


class Ending(NamedTuple):
    """How a build ended: its verdict, and the type and message of a failure."""

    status: str
    kind: str = ""
    message: str = ""


class Entry(NamedTuple):
    """The entries of one source, in a manifest of their own."""

    type: str
    name: str
    manifest: Json


def endings(
    targets: Mapping[str, Target], code: int, cancelled: str, loose: Iterable[str]
) -> dict[str, Ending]:
    """Return the verdict of each build that has none, or another one than Packer's summary.

    `loose` are Packer's words outside of builds. A build that never began is among them.
    """
    words = list(loose)
    found = {name: _failed(target) for name, target in targets.items()}
    result = {name: ending for name, ending in found.items() if ending}
    for name in _NOT_BEGUN.findall("\n".join(words)):
        if name not in targets and code:
            text = failures.summary(words)
            result[name] = Ending("failed", failures.early_kind_of(text), text)
    is_explained = bool(result) or any(
        each.verdict in ("failed", "cancelled") for each in targets.values()
    )
    for name, target in targets.items():
        if name not in result and not target.verdict:
            result[name] = _open(target, code, cancelled, is_explained, words)
    return result


def _failed(target: Target) -> Ending | None:
    """Return the failure that Packer's summary names."""
    if target.errors and target.verdict not in ("failed", "cancelled"):
        return Ending("failed", "", target.errors[0])
    return None


def _open(
    target: Target, code: int, cancelled: str, is_explained: bool, words: list[str]
) -> Ending:
    if code == 0 and not (cancelled and not target.ended):
        return Ending("completed")
    if target.ended == "finished" and (is_explained or cancelled):
        return Ending("completed")
    if cancelled:
        return Ending("cancelled")
    if code < 0 or code == 137:
        number = -code if code < 0 else code - 128
        return Ending("failed", "killed", f"Packer was killed by signal {number}")
    said = failures.summary(words)
    if target.ended == "finished":
        text = said or f"Packer ended with {code}, although it says that this build finished"
        return Ending("failed", "packer", text)
    text = f"Packer ended with {code} before this build did"
    return Ending("failed", "packer", f"{said}\n{text}" if said else text)


def selected(names: Iterable[str], only: Iterable[str], excepted: Iterable[str]) -> list[str]:
    """Return the targets that -only and -except leave of a template's.

    https://developer.hashicorp.com/packer/docs/commands/build#only-foo-bar-baz
    """
    wanted = [each for text in only for each in text.split(",")]
    unwanted = [each for text in excepted for each in text.split(",")]
    return [
        name
        for name in names
        if "*" not in name
        and (not wanted or any(fnmatchcase(name, each) for each in wanted))
        and not any(fnmatchcase(name, each) for each in unwanted)
    ]


def entries(documents: Iterable[Json], since: float) -> list[Entry]:
    """Return the entries of each manifest's last run, written since a time (Unix seconds)."""
    builds: dict[tuple[str, str], list[Json]] = {}
    runs: dict[tuple[str, str], str] = {}
    unique: list[Json] = []
    unique += (document for document in documents if document not in unique)
    for document in unique:
        last = document.get("last_run_uuid")
        for each in document.get("builds") or []:
            if not isinstance(each, dict) or each.get("packer_run_uuid") != last:
                continue
            if (each.get("build_time") or since) < int(since):
                continue
            key = (str(each.get("builder_type")), str(each.get("name")))
            runs[key] = str(last)
            builds.setdefault(key, []).append(each)
    return [
        Entry(*key, {"builds": found, "last_run_uuid": runs[key]}) for key, found in builds.items()
    ]


def wrote_manifest(target: Target) -> bool:
    """Return whether Packer says that the build is complete and its manifest is written."""
    return target.ended == "finished" and "manifest" in target.post_processors
