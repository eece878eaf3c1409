"""`/stages`: the own maps of stages, the names that map to no state, and the built-in map."""

import json
from collections.abc import Iterable, Mapping, Sequence

from flask import Response

from receiver.domain import stage_map, stage_words
from receiver.domain.stage_map import StageMap
from receiver.storage import overview, stage_maps
from receiver.storage.db import Row
from receiver.storage.dimensions import Own
from receiver.web.auth import require
from receiver.web.context import services
from receiver.web.health import wrong_kinds
from receiver.web.pages.render import Values, blueprint, cached_page

EVERY = "*"  # the table for all projects


@blueprint.get("/stages", endpoint="stages")
@blueprint.get("/stages.json", endpoint="stages_json")
def list_stages() -> Response:
    """Show the own maps, recent names that map to no state, and the codes with their names; to a
    token of some projects those of these and of all projects."""
    own = require("read").project
    maps = own_maps(services().rules.stages())
    beside = repr((maps, wrong_kinds()))
    return cached_page("stages.html", lambda: _stages(maps, own), beside=beside)


def own_maps(stages: StageMap) -> list[Row]:
    """Return project, names and patterns of each table, that for all projects last; pure."""
    projects = sorted(stages.projects, key=lambda project: (project == EVERY, project))
    return [
        {
            "project": project,
            "names": dict(stages.projects[project].names),
            "patterns": [
                {"pattern": pattern.pattern, "state": state}
                for pattern, state in stages.projects[project].patterns
            ],
        }
        for project in projects
    ]


def lines_to_add(unmapped: Iterable[Row], projects: Sequence[str]) -> list[Row]:
    """Return for each project of unmapped stages the TOML that maps them: `text`, and whether its
    table `exists`, so that the lines belong into its names; pure."""
    stages: dict[str, list[Row]] = {}
    for row in unmapped:
        stages.setdefault(row["project"] or EVERY, []).append(row)
    return [
        {"project": project, "exists": project in projects, "text": _toml(project, rows, projects)}
        for project, rows in stages.items()
    ]


def _toml(project: str, rows: Sequence[Mapping[str, object]], projects: Sequence[str]) -> str:
    """An inline table, as in the documentation, cannot be extended by a table of its own."""
    lines = [f"{_text(str(row['stage']))} = {row['state']}" for row in rows]
    if project in projects:
        return ", ".join(lines)
    return "\n".join([f"[{_text(project)}.names]", *lines, ""])


def _text(text: str) -> str:
    """Return a basic string of TOML: JSON's, save that TOML escapes DEL.

    https://toml.io/en/v1.0.0#string
    """
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _stages(maps: list[Row], own: Own) -> Values:
    recent = overview.stage_names(services().database, own)
    if recent["projects"] is not None:
        maps = [each for each in maps if each["project"] in (EVERY, *recent["projects"])]
    table = [
        {
            "state": state,
            "name": name,
            "aliases": [each for each in stage_words.ALIASES.get(state, "").split(", ") if each],
            "seen": recent["seen"].get(state, []),
        }
        for state, name in stage_map.STATES.items()
    ]
    projects = [each["project"] for each in maps]
    newest, older = stage_maps.read_state(services().database)
    if newest and own is not None:
        newest["created_by"] = None  # a person, or a host of other projects too
    return {
        "maps": maps,
        "version": newest,
        "older_files": older if own is None else [],
        "stages": table,
        "unmapped": recent["unmapped"],
        "lines": lines_to_add(recent["unmapped"], projects),
    }
