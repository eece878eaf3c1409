"""`/`: the night, what needs somebody, what runs, and the nights of every image."""

from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime, timedelta

from flask import Response, request

from receiver.domain import redact
from receiver.domain.failure_groups import group_failures
from receiver.domain.images import image_of
from receiver.domain.model import DIMENSIONS
from receiver.domain.night_board import ImageNights, runs_of, summary
from receiver.domain.nights import night_name, shown_period
from receiver.domain.windows import DAY, period_named
from receiver.errors import Invalid
from receiver.storage import lineage_of_builds, overview
from receiver.storage.db import Row
from receiver.storage.dimensions import Own
from receiver.storage.night_board import Board, read_board
from receiver.web.auth import require
from receiver.web.context import hours_of, limits, services, serving_of
from receiver.web.pages.image_filter import AskedImages
from receiver.web.pages.render import Values, blueprint, cached_page

MANY = 120  # images; with more of them, projects in which all is well show no rows until asked
MOST_ROWS = 500  # of the page; its JSON twin has all


@blueprint.get("/", endpoint="overview")
@blueprint.get("/overview.json", endpoint="overview_json")
def overview_page() -> Response:
    """Show what the night did, what needs somebody, what runs, and the nights of every image."""
    own, day = require("read").project, _day(request.args.get("night", ""))
    return cached_page("overview.html", lambda: _overview(own, day))


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        problem = {"night": ["Must be a day as 2026-01-31."]}
        raise Invalid("The filter is invalid.", fields=problem) from error


def _overview(own: Own, day: date | None) -> Values:
    now = datetime.now(UTC)
    database = services().database
    current = overview.read_overview(database, serving_of(), limits(), now)
    board = read_board(database, serving_of(), hours_of(), limits(), now, day, own)
    if board.projects is not None:
        current = _of_projects(current, board)
    wanted = AskedImages()
    rows = [row for row in board.rows if wanted.fits(row.image.names, _words(row))]
    running = _running(current["running"], board, now, wanted)
    return current | {
        "night": _night(board, rows, running, day, now),
        "images": [_json_row(row) for row in rows],
        "_causes": _causes(board, wanted, now),
        "behind": lineage_of_builds.count_behind(database, serving_of(), own),
        "_missing": _missing(rows, current["expected"]),
        "_late": [row for row in current["expected"]["late"] if wanted.fits(row, "late")],
        "_running_rows": running,
        "_stalled_rows": [row for row in current["stalled"] if wanted.fits(row, "")],
        "_groups": _groups(rows, board, is_asked=wanted.is_any),
        "_cut": max(0, len(rows) - MOST_ROWS),
        "_facets": wanted.facets(row.image.names for row in rows),
        "_wanted": wanted,
        "_quarantined": board.quarantined,
        "_worst": _worst(board, running),
        "_total": bool(board.rows or current["unnamed"]["count"]),
    }


def _words(row: ImageNights) -> str:
    newest = row.image.builds[0]["build_number"] if row.image.builds else ""
    word = row.tonight.word if row.tonight else ""
    return f"{word} {'failed' if row.image.is_failed else ''} {newest}"


def _of_projects(current: Row, board: Board) -> Row:
    """Return the overview of the caller's own projects."""
    own = set(board.projects or ())
    lists = ("running", "overdue", "stalled", "latest")
    mine = {name: [row for row in current[name] if row["project"] in own] for name in lists}
    nameless = {"builds": 0, "failed": 0, "count": 0, "repositories": []}
    tree = {name: parent for name, parent in current["parents"].items() if name in own}
    return (
        current
        | mine
        | board.failing.counts
        | {"failed": redact.document(board.failing.images)}
        | {"unnamed": nameless, "parents": tree}
        | {"expected": _expected(current["expected"], own)}
    )


def _expected(expected: Row, own: Collection[str]) -> Row:
    return {
        name: [row for row in expected[name] if row["project"] in own]
        for name in ("missing", "late")
    }


def _missing(rows: Sequence[ImageNights], expected: Row) -> list[ImageNights]:
    """Return the images that were not started tonight, or when somebody expects it."""
    absent = {image_of(row) for row in expected["missing"]}
    return [
        row
        for row in rows
        if (row.tonight and row.tonight.word == "missing") or image_of(row.image.names) in absent
    ]


def _night(
    board: Board,
    rows: Sequence[ImageNights],
    running: Sequence[Row],
    day: date | None,
    now: datetime,
) -> Row:
    hours = board.calendar.hours.get(None)
    shown = period_named(day, hours) if day else shown_period(now, hours)
    ends = [row["ends_at"] for row in running if row["ends_at"]]
    is_present = shown.day >= shown_period(now, hours).day
    return summary(rows) | {
        "name": night_name(shown),
        "day": shown.name,
        "before": (shown.day - DAY).isoformat(),
        "after": None if is_present else (shown.day + DAY).isoformat(),
        "ends_at": max(ends, default=None) if is_present else None,
        "newly_failed": [_names(row) for row in rows if row.became == "failed"],
        "newly_good": [_names(row) for row in rows if row.became == "good"],
    }


def _running(rows: Sequence[Row], board: Board, now: datetime, wanted: AskedImages) -> list[Row]:
    """Return the running builds, each with the time at which it would end, None where that is past
    or nothing is usual."""
    usual = {image_of(row.image.names): row.usual_seconds for row in board.rows}
    shown = []
    for row in rows:
        if not wanted.fits(row, "running"):
            continue
        seconds = usual.get(image_of(row))
        began = row["start_time"]
        end = began + timedelta(seconds=seconds) if began and seconds else None
        shown.append(row | {"ends_at": end if end and end > now else None, "usual": seconds})
    return shown


def _causes(board: Board, wanted: AskedImages, now: datetime) -> list[Row]:
    """Return the failed images by cause, those of most images first; what somebody acknowledged
    comes last."""
    newest = [
        row["failures"][0] | {name: row[name] for name in (*DIMENSIONS, "build_number")}
        for row in board.failing.images
        if row["failures"] and wanted.fits(row, "failed")
    ]
    images = {row["build_number"]: row for row in board.failing.images}
    groups = group_failures(sorted(newest, key=lambda row: row["created_at"], reverse=True), now)
    causes = []
    for group in groups:
        members = [images[each["build_number"]] for each in group["failures"]]
        failure = group["failures"][0]
        causes.append(
            group
            | {
                "at": failure["state"],
                "estimated": failure["estimated"],
                "stage": failure["stage"],
                "platforms": sorted({row["platform"] for row in members}),
                "members": [row | {"owner": _owner(row["project"])} for row in members],
                "is_acknowledged": all(row["is_acknowledged"] for row in members),
            }
        )
    untold = [
        row for row in board.failing.images if not row["failures"] and wanted.fits(row, "failed")
    ]
    if untold:
        causes.append(_untold(untold))
    found: list[Row] = redact.document(causes)
    return sorted(found, key=lambda cause: cause["is_acknowledged"])


def _untold(rows: Sequence[Row]) -> Row:
    return {
        "count": len(rows),
        "sample": "without a message",
        "component": "",
        "at": None,
        "stage": None,
        "platforms": sorted({row["platform"] for row in rows}),
        "members": [row | {"owner": _owner(row["project"])} for row in rows],
        "is_acknowledged": False,
    }


def _owner(project: str | None) -> str | None:
    """Return who owns a project, by the projects file."""
    return services().rules.projects().of((project,) if project else ()).owner


def _groups(rows: Sequence[ImageNights], board: Board, *, is_asked: bool) -> list[Row]:
    """Return the images by project. A project in which all is well is folded; where there are many
    images its rows are left out, too, until somebody asks for it."""
    groups: dict[str | None, list[ImageNights]] = {}
    for row in rows[:MOST_ROWS]:
        groups.setdefault(row.image.names["project"], []).append(row)
    shown = []
    for project, members in groups.items():
        trouble = sum(row.is_in_trouble for row in members)
        active = sum(row.image.running is not None for row in members)
        is_open = is_asked or bool(trouble or active)
        left_out = not is_open and len(rows) > MANY
        shown.append(
            {
                "project": project,
                "count": len(members),
                "trouble": trouble,
                "running": active,
                "is_open": is_open,
                "rows": [] if left_out else [_row(row, board) for row in members],
            }
        )
    return sorted(shown, key=lambda group: (not group["trouble"], group["project"] or "\U0010ffff"))


def _row(row: ImageNights, board: Board) -> Row:
    served = board.served.get(image_of(row.image.names))
    return {
        **_names(row),
        "runs": runs_of(row.cells),
        "word": row.tonight.word if row.tonight else "",
        "is_failed": row.image.is_failed,
        "success": row.success,
        "usual": row.usual_seconds,
        "artifact_id": served["ids"][0] if served and len(served["ids"]) == 1 else None,
        "more": served["more"] if served else 0,
    }


def _json_row(row: ImageNights) -> Row:
    nights = [
        {"night": cell.day, "word": cell.word, "builds": cell.builds}
        | {"build_number": cell.build and cell.build["build_number"]}
        for cell in row.cells
    ]
    return {**_names(row), "nights": nights, "success": row.success, "usual": row.usual_seconds}


def _names(row: ImageNights) -> Row:
    return {name: row.image.names[name] for name in DIMENSIONS}


def _worst(board: Board, running: Sequence[Row]) -> str:
    if board.failing.failed:
        return "failed"
    return "running" if running else ""
