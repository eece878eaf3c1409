"""The digest of a notice: what still fails, what runs, and that all is well; pure.

It repeats what still fails every day, so that nobody has to remember.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from receiver.domain import windows
from receiver.domain.failure_shapes import message_shape
from receiver.domain.model import DIMENSIONS
from receiver.domain.notices.planning import Project, one_line
from receiver.domain.notices.wording import MAX_NAMES, age, image_name, moment

Row = Mapping[str, Any]
ProjectOf = Callable[[str | None], Project]
MAX_LINES = 30
MAX_REPOSITORIES = 5


@dataclass(frozen=True, slots=True)
class Found:
    """What a digest is made of: parts of the overview (storage/overview.py).

    `latest` has the latest build of each image, `failed` the failed images with `failures`,
    `failed_since` and `failed_at`; `late` has by image what is late of it, in words.
    """

    latest: Sequence[Row] = ()
    failed: Sequence[Row] = ()
    running: Sequence[Row] = ()
    slow: Sequence[Row] = ()
    unnamed: Row = field(default_factory=dict)
    late: Mapping[str, str] = field(default_factory=dict)


def title(found: Found) -> str:
    """Return the first line: how many images are well."""
    total, late = len(found.latest), len(found.late)
    runs = f", {len(found.running)} running" if found.running else ""
    if found.failed:
        other = f", {late} late" if late else ""
        fail = "fails" if len(found.failed) == 1 else "fail"
        return f"✗ {len(found.failed)} of {total} images {fail}{other}{runs}"
    if late:
        return f"! {late} of {total} images {'is' if late == 1 else 'are'} late{runs}"
    if not total:
        return f"No image is built yet{runs}"
    return f"✓ All {total} images are well{runs}" if total > 1 else f"✓ The image is well{runs}"


def body(found: Found, project_of: ProjectOf, now: datetime, url: str) -> str:
    """Return the text below the first line; unnamed builds come first."""
    states = {cell["build_number"]: cell["current_state"] for cell in found.latest}
    failed = sorted(found.failed, key=lambda row: row["failed_since"])
    lines = [*_unnamed(found.unnamed)]
    lines += _some(_failing_lines(failed, states, project_of))
    lines += _some([f"! {image} {said}" for image, said in found.late.items()])
    lines += _some([_slow_line(row) for row in found.slow])
    lines += _some([_running_line(row, now) for row in found.running])
    return "\n".join((*lines, f"{url}/"))


def _some(lines: Sequence[str | None]) -> list[str]:
    shown = [line for line in lines if line]
    more = [f"… and {len(shown) - MAX_LINES} more"] if len(shown) > MAX_LINES else []
    return shown[:MAX_LINES] + more


def _unnamed(unnamed: Row) -> Iterator[str]:
    if not unnamed.get("builds"):
        return
    groups = unnamed["repositories"]
    parts = [
        f"{group['repository'] or 'no CI run'} ({group['failed']} of {group['builds']} failed)"
        for group in groups[:MAX_REPOSITORIES]
    ]
    more = f" and {len(groups) - MAX_REPOSITORIES} more" if len(groups) > MAX_REPOSITORIES else ""
    yield f"Unnamed builds of the last 7 days: {', '.join(parts)}{more}"


def name(cell: Row) -> str:
    """Return the image of a row as a short text."""
    return image_name({name: cell[name] for name in DIMENSIONS} | {"repository": None})


def _failing_lines(
    rows: Sequence[Row], states: Mapping[str, int], project_of: ProjectOf
) -> list[str]:
    """Return a line for the images that fail alike: of one cause, as long, and of one owner."""
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        project = project_of(row["project"])
        owner = f" ({project.owner})" if project.owner else ""
        shape = message_shape(_cause(row)) or row["build_number"]
        key = (f"{row['condition'] or ''}{shape}", _nights(row, project), owner)
        groups.setdefault(key, []).append(row)
    return [
        _group_line(own, states, since, owner)
        if len(own) > 1
        else _failing_line(own[0], states, since, owner)
        for (_, since, owner), own in groups.items()
    ]


def _cause(row: Row) -> str:
    failure = row["failures"][0] if row["failures"] else {}
    return str(row["condition_reason"] or failure.get("error_message") or "")


def _state(row: Row, states: Mapping[str, int]) -> int | None:
    failure = row["failures"][0] if row["failures"] else {}
    return states.get(row["build_number"], failure.get("state"))


def _failing_line(row: Row, states: Mapping[str, int], since: str, owner: str) -> str:
    state, cause = _state(row, states), _cause(row)
    place = f" at {state}" if state is not None else ""
    why = f": {one_line(cause, 160)}" if cause else ""
    word = f"is {row['condition']}" if row["condition"] else "fails"
    return f"✗ {name(row)} {word}{place}{since}{why}{owner}"


def _group_line(rows: Sequence[Row], states: Mapping[str, int], since: str, owner: str) -> str:
    found = sorted({state for row in rows if (state := _state(row, states)) is not None})
    place = f", at {' to '.join(map(str, dict.fromkeys((found[0], found[-1]))))}" if found else ""
    causes = {one_line(_cause(row), 160) for row in rows}
    cause = causes.pop() if len(causes) == 1 else message_shape(_cause(rows[0]))
    names = [name(row) for row in rows]
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return f"✗ {len(rows)} × {cause}{place}{since}: {', '.join(names[:MAX_NAMES])}{more}{owner}"


def _nights(row: Row, project: Project) -> str:
    """Return for how many windows an image has failed, the first and the last one too."""
    first, last = (
        windows.period_of(row[name], project.window).day for name in ("failed_since", "failed_at")
    )
    count, word = (last - first).days + 1, "night" if project.window else "day"
    return f", {count} {word}s" if count > 1 else ""


def _slow_line(cell: Row) -> str:
    return f"◌ {name(cell)} is {cell['condition']} at {cell['current_state']}"


def _running_line(cell: Row, now: datetime) -> str:
    began = cell["start_time"]
    since = f" since {moment(began)}, {age((now - began).total_seconds())}" if began else ""
    return f"◐ {name(cell)} at {cell['current_state']}{since}"
