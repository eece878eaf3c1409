"""Read queries for the overview, and for the pages and badges of images and stages."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from receiver.domain import build_status, redact
from receiver.domain.model import DIMENSIONS
from receiver.errors import Invalid, NotFound
from receiver.storage.db import Database, Row, as_json, query

EXPECTED_WITHIN = timedelta(days=7)
COMBINATION = DIMENSIONS[1:]
IMAGE = (*DIMENSIONS, "region", "artifact_id", "build_number", "built_at")
SEEN_WITHIN = timedelta(days=1)


def database_version(database: Database) -> str:
    """Return a text that changes with every commit: while it is the same, every page is."""
    with database.transaction() as connection:
        row = connection.execute(query("overview/snapshot")).fetchone()
    return row["version"] if row else ""


def read_overview(database: Database, now: datetime, stall_after: timedelta) -> Row:
    """Return the latest build of each combination, and of these the running, stalled, failed and
    missing ones."""
    with database.transaction() as connection:
        latest = connection.execute(query("overview/latest_builds")).fetchall()
        running = connection.execute(query("overview/running_builds")).fetchall()
        failed = [row["id"] for row in latest if row["status"] == "failed"]
        open_failures = connection.execute(
            query("overview/failures_of_builds"), {"build_ids": failed}
        ).fetchall()
        tree = connection.execute(query("dimensions/project_tree")).fetchall()
    for row in [*latest, *running]:
        row["stalled"] = build_status.is_stalled(row, now, stall_after)
    failures = {row["build_id"]: row for row in redact.document(open_failures)}
    cells = [row | {"failure": failures.get(row.pop("id"))} for row in latest]
    return {
        "expected": expected_combinations(cells, now),
        "running": [row for row in running if not row["stalled"]],
        "stalled": [row for row in cells if row["stalled"]],
        "failed": _newest_first(cells),
        "latest": cells,
        "parents": {row["name"]: row["parent"] for row in tree},
    }


def _newest_first(cells: Sequence[Row]) -> list[Row]:
    failed = [cell for cell in cells if cell["failure"]]
    return sorted(failed, key=lambda cell: cell["failure"]["created_at"], reverse=True)


def expected_combinations(cells: Sequence[Row], now: datetime) -> Row:
    """Return how many combinations of the last 7 days were built in the last 24 hours; pure."""
    ages = [(cell, now - (cell["start_time"] or cell["created_at"])) for cell in cells]
    expected = [(cell, age) for cell, age in ages if age <= EXPECTED_WITHIN]
    missing = [cell for cell, age in expected if age > SEEN_WITHIN]
    return {"count": len(expected), "seen": len(expected) - len(missing), "missing": missing}


def latest_images(database: Database) -> list[Row]:
    """Return the latest good artifact of every combination and region, with its `built_at`."""
    with database.transaction() as connection:
        return connection.execute(query("overview/latest_images")).fetchall()


def list_images(database: Database) -> list[Row]:
    """Return the latest good images with the fields of IMAGE, newest first."""
    rows = [{name: row[name] for name in IMAGE} for row in latest_images(database)]
    return sorted(rows, key=lambda row: row["built_at"], reverse=True)


def matching_images(
    rows: Sequence[Row], names: Sequence[str], filters: Mapping[str, str]
) -> list[Row]:
    """Return the images of a platform, OS version and image type, as far as these are named."""
    conditions = dict(zip(COMBINATION, names, strict=False)) | dict(filters)
    return [row for row in rows if all(row.get(name) == text for name, text in conditions.items())]


def find_image(database: Database, names: Sequence[str], filters: Mapping[str, str]) -> Row:
    """Return the image of a platform, OS version and image type, also by their old names.

    `filters` may hold region and project; without a region the image is of the newest build.
    Raises NotFound, or Invalid where several images fit.
    """
    conditions = dict(zip(COMBINATION, names, strict=True)) | dict(filters)
    current = _current_names(database, conditions)
    return _only_image(matching_images(list_images(database), (), current))


def _current_names(database: Database, names: Mapping[str, str]) -> dict[str, str]:
    """Return the names by dimension, each old name replaced by the current one."""
    row = {"names": as_json({name: text.replace("\0", "") for name, text in names.items()})}
    with database.transaction() as connection:
        renamed = connection.execute(query("overview/current_names"), row).fetchall()
    return dict(names) | {row["dimension"]: row["name"] for row in renamed}


def _only_image(images: Sequence[Row]) -> Row:
    if not images:
        raise NotFound("There is no such image.")
    newest = {row["project"]: row["build_number"] for row in reversed(images)}
    latest = [row for row in images if row["build_number"] == newest[row["project"]]]
    if len({row["artifact_id"] for row in latest}) > 1:
        raise Invalid(
            "Several images fit: say the region, or the project.", fields=_choices(latest)
        )
    return latest[0]


def _choices(rows: Sequence[Row]) -> dict[str, list[str]]:
    """Return the values that tell these images apart, by parameter."""
    values = {name: sorted({row[name] or "" for row in rows}) for name in ("project", "region")}
    return {
        name: [f"Say one of {', '.join(filter(None, texts))}."]
        for name, texts in values.items()
        if len(texts) > 1
    }


def find_latest_build(database: Database, names: Sequence[str]) -> Row | None:
    """Return the latest build of one combination; `names` are project (- for none), platform, OS
    version and image type, also by their old names."""
    current = _current_names(database, dict(zip(DIMENSIONS, names, strict=True)))
    rows = _latest_builds(database)
    fits = (row for row in rows if all((row[name] or "-") == current[name] for name in current))
    return next(fits, None)


def count_statuses(database: Database, project: str) -> Counter[str]:
    """Return the number of a project's combinations by the status of their latest builds."""
    return Counter(row["status"] for row in _latest_builds(database) if row["project"] == project)


def _latest_builds(database: Database) -> list[Row]:
    with database.transaction() as connection:
        return connection.execute(query("overview/latest_builds")).fetchall()


def stage_names(database: Database) -> Row:
    """Return the newest builds' stages that map to each state, and those that map to none."""
    with database.transaction() as connection:
        seen = connection.execute(query("overview/seen_stages")).fetchall()
        unmapped = connection.execute(query("overview/unmapped_stages")).fetchall()
    names: dict[int, list[str]] = {}
    for row in seen:
        names.setdefault(row["state"], []).append(row["stage"])
    return {"seen": names, "unmapped": unmapped}
