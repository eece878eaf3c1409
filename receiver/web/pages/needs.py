"""What needs somebody on the overview: failed images by cause, what was not started, and whether
all of it may be here."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from receiver.domain import redact
from receiver.domain.failure_groups import group_failures
from receiver.domain.images import image_of
from receiver.domain.model import DIMENSIONS
from receiver.domain.night_board import ImageNights
from receiver.domain.notices.planning import is_silent
from receiver.storage.db import Row
from receiver.storage.dimensions import Own
from receiver.storage.night_board import Board
from receiver.web.context import services
from receiver.web.pages.image_filter import AskedImages


def causes(board: Board, wanted: AskedImages, now: datetime) -> list[Row]:
    """Return the failed images by cause, those of most images first; what somebody acknowledged
    comes last."""
    images = {
        row["build_number"]: row for row in board.failing.images if wanted.fits(row, "failed")
    }
    newest = [
        row["failures"][0] | {name: row[name] for name in (*DIMENSIONS, "build_number")}
        for row in images.values()
        if row["failures"]
    ]
    rows = {image_of(row.image.names): row for row in board.rows}
    members = {number: _member(row, board, rows) for number, row in images.items()}
    ordered = sorted(newest, key=lambda row: row["created_at"], reverse=True)
    found = [_cause(group, members) for group in group_failures(ordered, now)]
    if untold := [members[number] for number, row in images.items() if not row["failures"]]:
        found.append(_untold(untold))
    masked: list[Row] = redact.document(found)
    return sorted(masked, key=lambda cause: cause["is_acknowledged"])


def _member(row: Row, board: Board, rows: Mapping[tuple[object, ...], ImageNights]) -> Row:
    """Return a failed image with its owner, its failed nights, what it serves and who waits."""
    image = image_of(row)
    nights, needs = rows.get(image), board.needs.get(image)
    return row | {
        "owner": owner(row["project"]),
        "nights": nights.in_a_row("failed") if nights else 0,
        "served": needs.served if needs else [],
        "children": needs.children if needs else [],
        "hidden": needs.hidden if needs else 0,
    }


def _cause(group: Row, members: Mapping[str, Row]) -> Row:
    failure = group["failures"][0]
    shown = [members[each["build_number"]] for each in group["failures"]]
    return group | {
        "at": failure["state"],
        "estimated": failure["estimated"],
        "stage": failure["stage"],
        "platforms": sorted({row["platform"] for row in shown}),
        "members": shown,
        "is_acknowledged": all(row["is_acknowledged"] for row in shown),
    }


def _untold(shown: Sequence[Row]) -> Row:
    return {
        "count": len(shown),
        "sample": "without a message",
        "component": "",
        "at": None,
        "stage": None,
        "platforms": sorted({row["platform"] for row in shown}),
        "members": shown,
        "is_acknowledged": False,
    }


def owner(project: str | None) -> str | None:
    """Return who owns a project, by the projects file."""
    return services().rules.projects().of((project,) if project else ()).owner


def missing(rows: Iterable[ImageNights], expected: Iterable[Row]) -> list[Row]:
    """Return the images that were not started tonight, or when somebody expects it, each with its
    `last` build, its owner and the number of nights."""
    absent = {image_of(row) for row in expected}
    return [
        row.image.names
        | {
            "last": row.image.builds[0],
            "owner": owner(row.image.names["project"]),
            "nights": row.in_a_row("missing"),
        }
        for row in rows
        if (row.tonight and row.tonight.word == "missing") or image_of(row.image.names) in absent
    ]


def trust(board: Board, now: datetime, own: Own) -> Row:
    """Return what tells that the page may lack something: `silent` senders, deliveries in
    `quarantined` and messages that are `undelivered`. These two are of nobody's project."""
    silent = [row for row in board.trust.senders if is_silent(row, now) and _is_shown(row, board)]
    told = [
        {"source": row["source"], "sender": row["sender"], "last_heard_at": row["last_heard_at"]}
        for row in silent
    ]
    counts = {"quarantined": board.trust.quarantined, "undelivered": board.trust.undelivered}
    return {"silent": told} | (counts if own is None else dict.fromkeys(counts, 0))


def _is_shown(row: Row, board: Board) -> bool:
    """Return whether a sender still sends, and, to callers of some projects, for these alone."""
    sender = services().rules.sender(row["source"], row["sender"])
    if sender is None or board.projects is None:
        return sender is not None
    return bool(sender.projects) and set(sender.projects) <= set(board.projects)
