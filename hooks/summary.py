"""A summary of builds where the CI shows one: what happened, how long it took, what came out of it.

GitHub shows what a step appends to $GITHUB_STEP_SUMMARY as Markdown, at most 1 MiB of a step:
https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
GitLab shows the links of an annotations report (16.3 and later) on the page of the job:
https://docs.gitlab.com/ci/yaml/artifacts_reports/#artifactsreportsannotations
A pipeline of Jenkins can make its build's description of a text. Nothing here breaks a build.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from hooks.client import Json

GITHUB, GITLAB, TEXT = "GITHUB_STEP_SUMMARY", "MILEPOST_ANNOTATIONS", "MILEPOST_SUMMARY"
STEP_BYTES = 2**20 - 2**12  # of a step, with room for what others write
MAX_BYTES = 2**16  # of ours
MAX_STAGES = 60
MAX_ARTIFACTS = 20
MAX_TEXT = 300
SIGNS = {"completed": "✓", "failed": "✗", "cancelled": "⊘", "skipped": "»"}
# What Markdown, or HTML in it, would take for more than a text.
_MARKUP = re.compile(r"([\\`*_{}\[\]()#+\-.!|~@:])")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


class Stage(NamedTuple):
    """A stage of a build; `seconds` is how long it took."""

    name: str
    status: str
    state: int | None
    seconds: int | None


class Build(NamedTuple):
    """What a summary says of one build."""

    number: str
    status: str
    url: str
    state: int | None = None
    cause: str = ""
    stages: Sequence[Stage] = ()
    artifacts: Sequence[str] = ()


def is_wanted(env: Mapping[str, str]) -> bool:
    """Return whether the CI, or somebody, asks for a summary."""
    return any(env.get(name) for name in (GITHUB, GITLAB, TEXT))


def write(builds: Sequence[Build], env: Mapping[str, str]) -> None:
    """Write the summaries that are asked for; a file that cannot be written is left alone."""
    if not builds:
        return
    if path := env.get(GITHUB):
        _append(Path(path), markdown(builds))
    if path := env.get(TEXT):
        _append(Path(path), "".join(f"{line(build)}\n" for build in builds))
    if path := env.get(GITLAB):
        _add_links(Path(path), builds)


def of_api(document: Json, url: str) -> Build:
    """Return the summary of a build as the API returns it: its newest attempt."""
    attempt = document.get("attempt")
    states = [each for each in document.get("states") or [] if each.get("attempt") == attempt]
    stages = [
        Stage(
            str(each.get("stage") or ""),
            str(each.get("status")),
            each.get("state"),
            each.get("duration_seconds"),
        )
        for each in states
    ]
    messages = [each["error_message"] for each in states if each.get("status") == "failed"]
    artifacts = [each for each in document.get("artifacts") or [] if each["attempt"] == attempt]
    return Build(
        str(document.get("build_number")),
        str(document.get("status")),
        url,
        document.get("current_state"),
        str(next(filter(None, reversed(messages)), "")),
        stages,
        [_artifact(each) for each in artifacts],
    )


def of_events(number: str, url: str, events: Iterable[Json], manifest: Json | None) -> Build:
    """Return the summary of a build from what its hook has reported."""
    stages: dict[str, Stage] = {}
    began: dict[str, str] = {}
    open_stage, status, cause = "", "running", ""
    artifacts = [_artifact(each) for each in (manifest or {}).get("builds") or []]
    for event in events:
        failure = event.get("failure") or {}
        if event["kind"] == "build":
            status = str(event["status"])
        elif event["kind"] == "artifact":
            artifacts.append(_artifact(event["artifact"]))
        elif event["kind"] == "stage":
            name = str(event.get("stage") or open_stage)
            if event["status"] == "started":
                _end(stages, began, open_stage, "completed", event)
                open_stage, began[name] = name, str(event["at"])
            _end(stages, began, name, str(event["status"]), event)
        if failure.get("message") and event["status"] == "failed":
            cause = str(failure["message"])
    stages = {name: _ended(each, status) for name, each in stages.items()}
    states = [each.state for each in stages.values() if each.state is not None]
    state = 100 if status == "completed" else max(states, default=None)
    return Build(number, status, url, state, cause, [*stages.values()], artifacts)


def _end(
    stages: dict[str, Stage], began: Mapping[str, str], name: str, status: str, event: Json
) -> None:
    """Note how a stage stands; only one that is open is ended by the start of the next."""
    before = stages.get(name)
    if not name or (status == "completed" and event["status"] == "started" and _is_over(before)):
        return
    own_state = event.get("state") if event.get("stage") == name else None
    state = own_state if own_state is not None else before and before.state
    seconds = None if status == "started" else _seconds(began.get(name), str(event["at"]))
    stages[name] = Stage(name, status, state, seconds)


def _is_over(stage: Stage | None) -> bool:
    return stage is None or stage.status != "started"


def _ended(stage: Stage, status: str) -> Stage:
    return stage._replace(status=status) if stage.status == "started" else stage


def _seconds(began: str | None, ended: str) -> int | None:
    try:
        times = [
            datetime.fromisoformat(each.replace("Z", "+00:00")) for each in (began or "", ended)
        ]
    except ValueError:
        return None
    return max(0, int((times[1] - times[0]).total_seconds()))


def _artifact(artifact: Json) -> str:
    """Return what an artifact is called: its id, else its first file."""
    files = [each for each in artifact.get("files") or [] if isinstance(each, dict)]
    name = artifact.get("artifact_id") or (files[0].get("name") if files else "")
    region = artifact.get("region")
    return f"{name} ({region})" if region else str(name or "")


def markdown(builds: Iterable[Build]) -> str:
    """Return GitHub's Markdown of builds, of a bounded length."""
    parts: list[str] = []
    size = 0
    for build in builds:
        part = _markdown_of(build)
        size += len(part.encode("utf-8", "replace"))
        if size > MAX_BYTES:
            parts.append("… and more builds.\n")
            break
        parts.append(part)
    return "\n".join(parts)


def _markdown_of(build: Build) -> str:
    sign = SIGNS.get(build.status, "◐")
    lines = [f"### {sign} {_escaped(build.number)}: {build.status}{_place(build)}", ""]
    if build.cause and build.status == "failed":
        lines += [_escaped(build.cause), ""]
    stages = build.stages[:MAX_STAGES]
    if stages:
        lines += ["| stage | state | took |", "| --- | ---: | ---: |"]
        lines += [_row(stage) for stage in stages]
        if len(build.stages) > len(stages):
            lines.append(f"| … and {len(build.stages) - len(stages)} more | | |")
        lines.append("")
    named = [_escaped(each) for each in build.artifacts if each][:MAX_ARTIFACTS]
    if named:
        lines += [f"Artifacts: {', '.join(named)}", ""]
    lines += [f"[{_escaped(build.number)} in Milepost](<{_address(build.url)}>)", ""]
    return "\n".join(lines)


def _row(stage: Stage) -> str:
    state = "" if stage.state is None else str(stage.state)
    sign = SIGNS.get(stage.status, "◐")
    return f"| {sign} {_escaped(stage.name) or '…'} | {state} | {_took(stage.seconds)} |"


def _place(build: Build) -> str:
    return "" if build.state is None or build.status == "completed" else f" at {build.state}"


def _took(seconds: int | None) -> str:
    if seconds is None:
        return ""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _plain(text: str) -> str:
    """Return one line without control characters, of a bounded length."""
    shown = "".join(each if each.isprintable() else " " for each in text[: 4 * MAX_TEXT])
    shown = " ".join(shown.split())
    return shown if len(shown) <= MAX_TEXT else f"{shown[: MAX_TEXT - 1]}…"


def _escaped(text: str) -> str:
    escaped = _MARKUP.sub(r"\\\1", _plain(text))
    return "".join(_ENTITIES.get(each, each) for each in escaped)


def _address(url: str) -> str:
    return "".join(each for each in url if each.isprintable() and each not in "<> ")


def line(build: Build) -> str:
    """Return a build in one line, such as for the description of Jenkins's build."""
    named = [_plain(each) for each in build.artifacts if each][:3]
    parts = [f"{_plain(build.number)}: {build.status}{_place(build)}", *named, build.url]
    return ", ".join(parts)


def _append(path: Path, text: str) -> None:
    data = text.encode("utf-8", "replace")
    with suppress(OSError, ValueError), path.open("ab") as file:
        if file.tell() + len(data) <= STEP_BYTES:
            file.write(data)


def _add_links(path: Path, builds: Sequence[Build]) -> None:
    """Add links to an annotations report, which other commands of the job may have begun."""
    links = [
        {"external_link": {"label": _plain(f"{each.number}: {each.status}"), "url": each.url}}
        for each in builds
    ]
    with suppress(OSError, ValueError):
        known = _links_in(path)
        urls = {link["external_link"]["url"] for link in links}
        kept = [each for each in known if each["external_link"]["url"] not in urls]
        path.write_text(json.dumps({"Milepost": [*kept, *links][-100:]}), encoding="utf-8")


def _links_in(path: Path) -> list[Json]:
    try:
        document = json.loads(path.read_bytes())
        return [each for each in document["Milepost"] if each["external_link"]["url"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []
