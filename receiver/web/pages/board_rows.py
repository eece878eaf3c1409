"""The rows of the overview's nights, by project. What did not change is not rendered again."""

from collections.abc import Hashable, Sequence
from threading import Lock

from flask import current_app, request
from markupsafe import Markup

from receiver.domain.images import image_of
from receiver.domain.model import DIMENSIONS
from receiver.domain.night_board import ImageNights, runs_of
from receiver.storage.db import Row
from receiver.storage.night_board import Board

MANY = 120  # images; with more of them, projects in which all is well show no rows until asked
MOST = 500  # rows of the page; its JSON twin has all
KEPT, KEPT_CHARACTERS = 2_000, 2_500  # rendered rows of a worker, and the length of one: 5 MB


def groups(rows: Sequence[ImageNights], board: Board, *, is_asked: bool) -> list[Row]:
    """Return the images by project. A project in which all is well is folded; where there are many
    images its rows are left out, too, until somebody asks for it."""
    by_project: dict[str | None, list[ImageNights]] = {}
    for row in rows[:MOST]:
        by_project.setdefault(row.image.names["project"], []).append(row)
    shown = []
    for project, members in by_project.items():
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


def _row(row: ImageNights, board: Board) -> Markup:
    image = image_of(row.image.names)
    served = board.served.get(image)
    artifact_id = served["ids"][0] if served and len(served["ids"]) == 1 else None
    runs = runs_of(row.cells)
    cells = tuple(tuple(run.values()) for run in runs)
    key = (request.script_root, image, cells, row.image.is_failed, row.success, row.usual_seconds)
    values = dict(zip(DIMENSIONS, image, strict=True)) | {
        "runs": runs,
        "is_failed": row.image.is_failed,
        "success": row.success,
        "usual": row.usual_seconds,
        "artifact_id": artifact_id,
    }
    return _kept().rendered((*key, artifact_id), values)


class _Rendered:
    """The rendered rows of a worker, by all that they show."""

    def __init__(self) -> None:
        self._rows: dict[Hashable, Markup] = {}
        self._lock = Lock()

    def rendered(self, key: Hashable, values: Row) -> Markup:
        """Return a row; a long one, as of a hostile name, is rendered each time."""
        found = self._rows.get(key)
        if found is None:
            template = current_app.jinja_env.get_template("board_row.html")
            found = Markup(template.render(row=values).strip())  # noqa: S704  # it is escaped there
            if len(found) <= KEPT_CHARACTERS:
                self._keep(key, found)
        return found

    def _keep(self, key: Hashable, row: Markup) -> None:
        with self._lock:
            while len(self._rows) >= KEPT:
                self._rows.pop(next(iter(self._rows)))
            self._rows[key] = row


def _kept() -> _Rendered:
    kept: _Rendered = current_app.extensions.setdefault("milepost-board", _Rendered())
    return kept
