"""The page of one build."""

from collections.abc import Sequence

import orjson
from flask import redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from receiver.domain import build_changes, image_reasons, stage_map
from receiver.domain.dimensions import BUILDER
from receiver.domain.failure_shapes import first_line
from receiver.domain.images import ImageFilter, is_named
from receiver.domain.model import DIMENSIONS
from receiver.sources import packer_manifest
from receiver.storage import (
    builds,
    checks,
    confirmed_images,
    images,
    lineage_of_builds,
    unnamed,
)
from receiver.storage.db import Row
from receiver.web.auth import actor, require
from receiver.web.context import limits, services, serving_of
from receiver.web.forms import form_fields
from receiver.web.pages import charts, timeline
from receiver.web.pages.build_address import add_converter
from receiver.web.pages.excerpts import MAX_MANIFEST, MAX_TEXT, excerpt
from receiver.web.pages.render import (
    Values,
    blueprint,
    cached_page,
    unchanged,
    wants_json,
)
from receiver.web.pages.revocations import concerned

blueprint.record(add_converter)
LOG_LINES = 12
NOTED = (
    "branch",
    "pull-request",
    "unstable",
    "failed",
)  # the page has notes of its own for the others


@blueprint.get("/build.json", endpoint="build_json")
@blueprint.get("/build", endpoint="build")
@blueprint.get("/builds/<build_number:build_number>.json", endpoint="build_json")
@blueprint.get("/builds/<build_number:build_number>", endpoint="build")
def show_build(build_number: str | None = None) -> BaseResponse:
    """Show one build with its timeline; its number may be in the query."""
    caller = require("read")
    build_number = build_number or request.args.get("build_number", "")
    reveal = caller.reveals
    if same := unchanged():
        return same
    build = builds.find_build(
        services().database, build_number, limits(), caller.project, reveal=reveal
    )
    if build["build_number"] != build_number:
        endpoint = "pages.build_json" if wants_json() else "pages.build"
        return redirect(url_for(endpoint, build_number=build["build_number"]), 301)
    return cached_page("build.html", lambda: _build(build), has_form=True)


@blueprint.post("/builds/<build_number>/confirm", endpoint="confirm")
def confirm(build_number: str) -> BaseResponse:
    """Confirm the image of a build, or take that back; needs a token of scope write."""
    own = require("write").project
    build = builds.find_build(services().database, build_number, limits(), own)
    change = confirmed_images.take_back if form_fields().get("undo") else confirmed_images.confirm
    with services().database.transaction() as connection:
        change(connection, {name: build[name] for name in DIMENSIONS}, actor(), own)
    return redirect(url_for("pages.build", build_number=build["build_number"]), 303)


def _position(build: Row) -> str:
    """Return where a build is: the stage in which it failed, else the name of its state.

    An estimate has no name: it is the place of a step, which no built-in stage has to do with.
    """
    failed = [row for row in build["failures"] if row["attempt"] == build["attempt"]]
    if build["status"] == "failed" and failed:
        return failed[-1]["stage"] or _state_name(build)
    if build["estimated"]:
        rows = (row for row in reversed(build["states"]) if row["end_time"] is None)
        return next((row["stage"] or "" for row in rows), "")
    return _state_name(build)


def _naming_lines(build: Row) -> dict[str, str]:
    with services().database.transaction() as connection:
        return unnamed.lines_of(connection, build)


def _why_unserved(build: Row) -> str | None:
    doubt = images.doubt_of(services().database, serving_of(), build["build_number"])
    return image_reasons.reason(doubt) if doubt and doubt["reason"] in NOTED else None


def _state_name(build: Row) -> str:
    return "" if build["estimated"] else stage_map.STATES.get(build["current_state"], "")


def _cause(build: Row) -> Row | None:
    """Return why the newest attempt failed: its last failure, with the last lines of its log."""
    own = [row for row in build["failures"] if row["attempt"] == build["attempt"]]
    if build["status"] != "failed" or not own:
        return None
    failure: Row = own[-1]
    details = failure["error_details"]
    log = details.get("log") if isinstance(details, dict) else None
    lines = [str(line) for line in log] if isinstance(log, list) else []
    if not lines:
        lines = failure["error_message"].splitlines()[1:]
    return failure | {"line": first_line(failure["error_message"]), "log": lines[-LOG_LINES:]}


def _in_use(build: Row) -> list[Row]:
    """Return the artifacts that are served of the image of a build that failed or is lost: they are
    still in use."""
    if not (build["status"] == "failed" or build["condition"] == "lost") or not is_named(build):
        return []
    names = {name: build[name] for name in DIMENSIONS}
    wanted = ImageFilter(**{name: text for name, text in names.items() if text})
    own = require("read").project
    rows = images.list_images(services().database, serving_of(), wanted, own)
    return [row for row in rows if row["project"] == names["project"]]


def _changes(build: Row, neighbours: Sequence[Row]) -> Row | None:
    """Return the last good build before this one, and what changed since; of a failed build no time
    is compared."""
    before = [row for row in neighbours if row["place"] == "before"]
    good = next((row for row in reversed(before) if row["status"] == "completed"), None)
    if good is None:
        return None
    other = builds.compared(services().database, good["build_number"])
    has_ended_well = build["status"] == "completed"
    own = [row for row in build["states"] if row["attempt"] == build["attempt"]]
    old, new = good["commit_sha"], build["commit_sha"]
    made, made_now = other["provenance"] or {}, build["provenance"] or {}
    templates = {made.get("template_sha256"), made_now.get("template_sha256")} - {None}
    return {
        "good": good,
        "is_other_commit": bool(new and new != old),
        "compare": build_changes.compare_link(build["run_url"], old, new),
        "tools": build_changes.changed_tools(other["provenance"], build["provenance"]),
        "is_other_template": len(templates) > 1,
        "dirty": build_changes.changed_tree(made.get("dirty"), made_now.get("dirty")),
        "stages": build_changes.slower_stages(other["stages"], own) if has_ended_well else [],
        "percent": _percent(good, build) if has_ended_well else None,
        "artifact": _new_artifact(build, good),
    }


def _percent(good: Row, build: Row) -> int | None:
    old, new = good["duration_seconds"], build["duration_seconds"]
    return round((new - old) / old * 100) if old and new else None


def _new_artifact(build: Row, good: Row) -> str | None:
    ids = [row["artifact_id"] for row in build["artifacts"] if row["artifact_id"]]
    return ids[-1] if ids and ids[-1] != good["artifact_id"] else None


def _build(build: Row) -> Values:
    database, own, number = services().database, require("read").project, build["build_number"]
    neighbours, usual = builds.neighbours(database, build)
    document = build["packer_manifest"]
    before = [row for row in neighbours if row["place"] == "before"]
    after = [row for row in neighbours if row["place"] == "after"]
    everything = request.args.get("all") == "1"
    shown, cut = (build, {}) if everything else excerpt(build)
    manifest_text = orjson.dumps(document, option=orjson.OPT_INDENT_2).decode()
    return build | {
        "_build": shown,
        "_concerned": concerned(build["build_number"]),
        "_cut": cut,
        "_max_text": None if everything else MAX_TEXT,
        "_why_unserved": _why_unserved(build),
        "_position": _position(build),
        "_unnamed_lines": {} if is_named(build) else _naming_lines(build),
        "_doubtful": is_named(build)
        and set((build["inferred"] or {}).items()) - {("platform", BUILDER)},
        "_attempts": timeline.timeline(
            shown["states"],
            usual,
            runs=build["status"] == "running",
            condition=build["condition"],
        ),
        "_cause": _cause(build),
        "_in_use": _in_use(build),
        "_manifest_text": manifest_text if everything else manifest_text[:MAX_MANIFEST],
        "_is_manifest_cut": not everything and len(manifest_text) > MAX_MANIFEST,
        "_past": sum(
            not artifact.current for artifact in packer_manifest.artifacts(document or {})
        ),
        "_lineage": lineage_of_builds.show(database, serving_of(), number, own),
        "_checks": checks.of_build(database, number, own),
        "_history": charts.history(neighbours),
        "_changes": _changes(build, neighbours),
        "_previous": before[-1] if before else None,
        "_following": after[0] if after else None,
    }
