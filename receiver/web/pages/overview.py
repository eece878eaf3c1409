"""`/`: the night, what needs somebody, what runs, and the nights of every image."""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime, timedelta

from flask import Response, request

from receiver.domain import redact
from receiver.domain.conditions import expected_end
from receiver.domain.images import image_of
from receiver.domain.model import DIMENSIONS
from receiver.domain.night_board import ImageNights, summary
from receiver.domain.nights import night_name, shown_period
from receiver.domain.windows import DAY, Window, period_named
from receiver.errors import Invalid
from receiver.storage import lineage_of_builds
from receiver.storage.db import Row
from receiver.storage.dimensions import Own
from receiver.storage.night_board import Board, read_board
from receiver.web.auth import require
from receiver.web.context import hours_of, limits, services, serving_of
from receiver.web.pages import board_rows, needs
from receiver.web.pages.image_filter import AskedImages
from receiver.web.pages.render import Values, blueprint, cached_page, wants_json


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
    asked = (serving_of(), hours_of(), limits(), now, day, own)
    board = read_board(database, *asked, has_all=wants_json())
    current = board.current
    if board.projects is not None:
        current = _of_projects(current, board)
    wanted = AskedImages()
    rows = [row for row in board.rows if wanted.fits(row.image.names, _words(row))]
    running = _running(current["running"], board, now, wanted)
    return current | {
        "night": _night(board, rows, running, day, now),
        "images": [_json_row(row) for row in rows] if wants_json() else [],
        "_causes": needs.causes(board, wanted, now),
        "behind": lineage_of_builds.count_behind(
            database, serving_of(), own, board.served if own is None else None
        ),
        "_missing": needs.missing(rows, current["expected"]["missing"]),
        "_late": [row for row in current["expected"]["late"] if wanted.fits(row, "late")],
        "_running_rows": running,
        "_stalled_rows": [row for row in current["stalled"] if wanted.fits(row, "")],
        "_groups": board_rows.groups(rows, board, is_asked=wanted.is_any),
        "_cut": max(0, len(rows) - board_rows.MOST),
        "_facets": wanted.facets(row.image.names for row in rows),
        "_wanted": wanted,
        "trust": needs.trust(board, now, own),
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


def _night(
    board: Board,
    rows: Sequence[ImageNights],
    running: Sequence[Row],
    day: date | None,
    now: datetime,
) -> Row:
    hours = _hours(board, rows)
    shown = period_named(day, hours) if day else shown_period(now, hours)
    of_night = {_running_number(row) for row in rows}
    ends = [row["ends_at"] for row in running if row["build_number"] in of_night]
    is_present = shown.day >= shown_period(now, hours).day
    return summary(rows) | {
        "name": night_name(shown),
        "day": shown.name,
        "before": (shown.day - DAY).isoformat(),
        "after": None if is_present else (shown.day + DAY).isoformat(),
        "ends_at": max(ends) if is_present and ends and all(ends) else None,
        "newly_failed": [_names(row) for row in rows if row.became == "failed"],
        "newly_good": [_names(row) for row in rows if row.became == "good"],
    }


def _running_number(row: ImageNights) -> str | None:
    cell = row.tonight
    return cell.build["build_number"] if cell and cell.build and cell.word == "running" else None


def _hours(board: Board, rows: Sequence[ImageNights]) -> Window | None:
    """Return the hours by which the night is named: those of most images that are shown."""
    hours = Counter(board.calendar.hours.get(row.image.names["project"]) for row in rows)
    return hours.most_common(1)[0][0] if hours else board.calendar.hours.get(None)


def _running(rows: Sequence[Row], board: Board, now: datetime, wanted: AskedImages) -> list[Row]:
    """Return the running builds, each with the time at which it would end, None where nothing is
    usual or it has no expected end."""
    usual = {image_of(row.image.names): row.usual_seconds for row in board.rows}
    shown = []
    for row in rows:
        if not wanted.fits(row, "running"):
            continue
        seconds = usual.get(image_of(row))
        began = row["start_time"]
        end = began + timedelta(seconds=seconds) if began and seconds else None
        ends_at = expected_end(row["condition"], end, now)
        shown.append(row | {"ends_at": ends_at, "usual": seconds})
    return shown


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
