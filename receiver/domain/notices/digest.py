"""The digest of a notice: what still fails, what runs, and that all is well; pure.

Cells are rows of the overview: the latest build of each image with its `failure`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from receiver.domain import windows
from receiver.domain.model import DIMENSIONS
from receiver.domain.notices.planning import Project, one_line
from receiver.domain.notices.wording import age, image_name, moment

Row = Mapping[str, Any]
ProjectOf = Callable[[str | None], Project]
MAX_LINES = 30
MAX_REPOSITORIES = 5


@dataclass(frozen=True, slots=True)
class Found:
    """What a digest is made of. `failing`, `running` and `silent` are among `latest`; `nights` has
    by build number in how many windows in a row the image failed; `unnamed` is the overview's."""

    latest: Sequence[Row] = ()
    running: Sequence[Row] = ()
    silent: Sequence[Row] = ()
    unnamed: Row = field(default_factory=dict)
    nights: Mapping[str, int] = field(default_factory=dict)
    conditions: Mapping[str, str] = field(default_factory=dict)


def title(found: Found) -> str:
    """Return the first line: how many images are well."""
    failing, total = failing_cells(found), len(found.latest)
    bad = len(failing) + len(found.conditions)
    runs = f", {len(found.running)} running" if found.running else ""
    if not total:
        return f"No image is built yet{runs}"
    if not bad:
        return f"✓ All {total} images are well{runs}" if total > 1 else f"✓ The image is well{runs}"
    late = f", {len(found.conditions)} late" if found.conditions else ""
    fail = f"✗ {len(failing)} of {total} images fail" if failing else f"! All of {total} built"
    return f"{fail}{late}{runs}"


def failing_cells(found: Found) -> list[Row]:
    """Return the images whose latest build failed, the longest first."""
    cells = [cell for cell in found.latest if cell["status"] == "failed"]
    return sorted(cells, key=lambda cell: -found.nights.get(cell["build_number"], 1))


def body(found: Found, project_of: ProjectOf, now: datetime, url: str) -> str:
    """Return the text below the first line; unnamed builds come first."""
    lines = [*_unnamed(found.unnamed)]
    lines += _some([_failing_line(cell, found, project_of) for cell in failing_cells(found)])
    lines += _some([_late_line(cell, found, project_of) for cell in found.latest])
    lines += _some(
        [f"◌ {_name(cell)} is silent at {cell['current_state']}" for cell in found.silent]
    )
    lines += _some([_running_line(cell, now) for cell in found.running])
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


def _name(cell: Row) -> str:
    return image_name({name: cell[name] for name in DIMENSIONS} | {"repository": None})


def _failing_line(cell: Row, found: Found, project_of: ProjectOf) -> str:
    failure, count = cell["failure"] or {}, found.nights.get(cell["build_number"], 1)
    project = project_of(cell["project"])
    word = "night" if project.window else "day"
    since = f", {count} {word}s" if count > 1 else ""
    cause = failure.get("error_message")
    why = f": {one_line(cause, 160)}" if cause else ""
    return f"✗ {_name(cell)} at {cell['current_state']}{since}{why}{_owner(project)}"


def _late_line(cell: Row, found: Found, project_of: ProjectOf) -> str | None:
    said = found.conditions.get(cell["build_number"])
    return said and f"! {_name(cell)}: {said}{_owner(project_of(cell['project']))}"


def _owner(project: Project) -> str:
    return f" ({project.owner})" if project.owner else ""


def _running_line(cell: Row, now: datetime) -> str:
    began = cell["start_time"]
    since = f" since {moment(began)}, {age((now - began).total_seconds())}" if began else ""
    return f"◐ {_name(cell)} at {cell['current_state']}{since}"


def nights(verdicts: Sequence[Row], window: windows.Window | None) -> int:
    """Return in how many windows an image failed since it was last good; `verdicts` are newest
    first, with status, start_time and end_time."""
    names = set()
    for row in verdicts:
        if row["status"] == "completed":
            break
        began = row["start_time"] or row["end_time"]
        if began:
            names.add(windows.period_of(began, window).name)
    return max(len(names), 1)
