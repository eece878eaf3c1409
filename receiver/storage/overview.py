"""What the overview and the pages of images and stages ask. A reader beside reads."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from receiver.domain import build_status, redact
from receiver.errors import Invalid, NotFound
from receiver.storage.db import Database, Row, as_json, query

EXPECTED_WITHIN = timedelta(days=7)
COMBINATION = ("platform", "os_version", "image_type")
IMAGE = ("project", *COMBINATION, "region", "artifact_id", "build_number", "built_at")
SEEN_WITHIN = timedelta(days=1)


def version(database: Database) -> str:
    """What is committed now, as a text: while it is the same, every page is."""
    with database.transaction() as connection:
        row = connection.execute(query("overview/snapshot")).fetchone()
    return row["version"] if row else ""


def overview(database: Database, now: datetime, stall_after: timedelta) -> Row:
    """The latest build of each combination; of them what runs, stalled, failed, did not start."""
    with database.transaction() as connection:
        latest = connection.execute(query("overview/latest_builds")).fetchall()
        running = connection.execute(query("overview/running_builds")).fetchall()
        failed = [row["id"] for row in latest if row["status"] == "failed"]
        found = connection.execute(
            query("overview/failures_of_builds"), {"build_ids": failed}
        ).fetchall()
        tree = connection.execute(query("dimensions/project_tree")).fetchall()
    for row in [*latest, *running]:
        row["stalled"] = build_status.is_stalled(row, now, stall_after)
    failures = {row["build_id"]: row for row in redact.document(found)}
    cells = [row | {"failure": failures.get(row.pop("id"))} for row in latest]
    return {
        "expected": expected(cells, now),
        "running": [row for row in running if not row["stalled"]],
        "stalled": [row for row in cells if row["stalled"]],
        "failed": _newest_first(cells),
        "latest": cells,
        "parents": {row["name"]: row["parent"] for row in tree},
    }


def _newest_first(cells: Sequence[Row]) -> list[Row]:
    failed = [cell for cell in cells if cell["failure"]]
    return sorted(failed, key=lambda cell: cell["failure"]["created_at"], reverse=True)


def expected(cells: Sequence[Row], now: datetime) -> Row:
    """How many combinations of the last 7 days were built in the last 24 hours; pure."""

    def seen(cell: Row) -> datetime:
        at: datetime = cell["start_time"] or cell["created_at"]
        return at

    due = [cell for cell in cells if now - seen(cell) <= EXPECTED_WITHIN]
    missing = [cell for cell in due if now - seen(cell) > SEEN_WITHIN]
    return {"count": len(due), "seen": len(due) - len(missing), "missing": missing}


def images(database: Database) -> list[Row]:
    """The latest good artifact of every combination and region, with its `built_at`."""
    with database.transaction() as connection:
        return connection.execute(query("overview/latest_images")).fetchall()


def built(database: Database) -> list[Row]:
    """The latest good images, the newest first, with the names of IMAGE."""
    rows = [{name: row[name] for name in IMAGE} for row in images(database)]
    return sorted(rows, key=lambda row: row["built_at"], reverse=True)


def fitting(rows: Sequence[Row], names: Sequence[str], wanted: Mapping[str, str]) -> list[Row]:
    """Images of a platform, OS version and image type, as far as these are named; pure."""
    asked = dict(zip(COMBINATION, names, strict=False)) | dict(wanted)
    return [row for row in rows if all(row.get(name) == text for name, text in asked.items())]


def image(database: Database, names: Sequence[str], wanted: Mapping[str, str]) -> Row:
    """The one image of a platform, OS version and image type, also by names that they had.

    `wanted` may hold region and project; without a region it is of the newest build. NotFound,
    Invalid where several fit.
    """
    asked = dict(zip(COMBINATION, names, strict=True)) | dict(wanted)
    return _the_one(fitting(built(database), (), renamed(database, asked)))


def renamed(database: Database, names: Mapping[str, str]) -> dict[str, str]:
    """Names by dimension; those that were given up are what stands in their place."""
    with database.transaction() as connection:
        row = {"names": as_json({name: text.replace("\0", "") for name, text in names.items()})}
        found = connection.execute(query("overview/current_names"), row).fetchall()
    return dict(names) | {row["dimension"]: row["name"] for row in found}


def _the_one(found: Sequence[Row]) -> Row:
    if not found:
        raise NotFound("There is no such image.")
    newest = {row["project"]: row["build_number"] for row in reversed(found)}
    latest = [row for row in found if row["build_number"] == newest[row["project"]]]
    if len({row["artifact_id"] for row in latest}) > 1:
        raise Invalid(
            "Several images fit: say the region, or the project.", fields=_choices(latest)
        )
    return latest[0]


def _choices(rows: Sequence[Row]) -> dict[str, list[str]]:
    """What tells these images apart, by parameter."""
    told = {name: sorted({row[name] or "" for row in rows}) for name in ("project", "region")}
    return {
        name: [f"Say one of {', '.join(filter(None, texts))}."]
        for name, texts in told.items()
        if len(texts) > 1
    }


def combination(database: Database, names: Sequence[str]) -> Row | None:
    """The latest build of one combination; `names` are project (- for none), platform, OS version
    and type, also such as they had."""
    asked = renamed(database, dict(zip(("project", *COMBINATION), names, strict=True)))
    with database.transaction() as connection:
        found = connection.execute(query("overview/latest_builds")).fetchall()
    named = ({name: row[name] or "-" for name in asked} for row in found)
    return next((row for row, each in zip(found, named, strict=True) if each == asked), None)


def of_project(database: Database, project: str) -> Counter[str]:
    """How many combinations of a project have which status."""
    with database.transaction() as connection:
        found = connection.execute(query("overview/latest_builds")).fetchall()
    return Counter(row["status"] for row in found if row["project"] == project)


def stages(database: Database) -> Row:
    """Of the newest builds: the stages that map to each state, and those that map to none."""
    with database.transaction() as connection:
        seen = connection.execute(query("overview/seen_stages")).fetchall()
        unmapped = connection.execute(query("overview/unmapped_stages")).fetchall()
    names: dict[int, list[str]] = {}
    for row in seen:
        names.setdefault(row["state"], []).append(row["stage"])
    return {"seen": names, "unmapped": unmapped}
