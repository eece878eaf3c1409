"""Builds that fit a filter, and the builds around one. A reader beside reads."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from receiver.domain import build_status
from receiver.errors import Forbidden, Invalid
from receiver.storage.builds import cursor_of, position_of
from receiver.storage.db import Connection, Database, Row, query
from receiver.storage.projects import is_within

ORDERS = ("newest", "duration", "state")
TEXTS = ("project", "platform", "os_version", "image_type", "status", "text")


@dataclass(frozen=True, slots=True)
class Search:
    """Which builds to list; what is None fits all. `project` means it and those below it."""

    project: str | None = None
    platform: str | None = None
    os_version: str | None = None
    image_type: str | None = None
    status: str | None = None
    low: int = 0
    high: int = 100
    since: datetime | None = None
    until: datetime | None = None
    text: str | None = None
    order: str = "newest"


@dataclass(frozen=True, slots=True)
class Found:
    """A page of builds. `cursor` goes on; `is_cut` where only a window was searched."""

    items: list[Row]
    cursor: str | None
    is_cut: bool


def builds(
    database: Database,
    wanted: Search,
    limit: int,
    after: str | None,
    stall_after: timedelta,
    own: str | None = None,
) -> Found:
    """Builds in the wanted order. At most 10,000 are looked at; `cursor` goes on behind them.

    `own` is the caller's only project; Forbidden where another one is wanted.
    """
    created_at, build_id = position_of(after)
    with database.transaction() as connection:
        wanted = _narrowed(connection, wanted, own)
        row: dict[str, Any] = asdict(wanted)
        row |= {"limit": limit + 1, "created_at": created_at, "id": build_id}
        found = connection.execute(query("builds/search_builds"), row, prepare=False).fetchall()
        end = connection.execute(query("builds/window_end"), row, prepare=False).fetchone()
    now, items = datetime.now(UTC), found[:limit]
    cursor, is_cut = _end(found, end, limit, wanted)
    for item in items:
        item["stalled"] = build_status.is_stalled(item, now, stall_after)
    return Found([_shown(item) for item in items], cursor, is_cut)


def _narrowed(connection: Connection, wanted: Search, own: str | None) -> Search:
    if wanted.project is None:
        return replace(wanted, project=own)
    if not is_within(connection, wanted.project, own):
        raise Forbidden(f"This token is for the project {own} alone.")
    return wanted


def names(database: Database) -> dict[str, list[str]]:
    """What each filter may be."""
    offered: dict[str, list[str]] = {}
    with database.transaction() as connection:
        for row in connection.execute(query("builds/known_names")).fetchall():
            offered.setdefault(row["dimension"], []).append(row["name"])
    return offered


def around(database: Database, build_number: str) -> tuple[list[Row], dict[str, float]]:
    """The builds of its combination around a build, and what each stage usually takes."""
    row = {"build_number": build_number}
    with database.transaction() as connection:
        near = connection.execute(query("builds/near_builds"), row).fetchall()
        usual = connection.execute(query("builds/usual_stages"), row).fetchall()
    return near, {each["stage"]: each["seconds"] for each in usual if each["seconds"] is not None}


def _end(found: list[Row], end: Row | None, limit: int, wanted: Search) -> tuple[str | None, bool]:
    if len(found) > limit and wanted.order == "newest":
        last = found[limit - 1]
        return cursor_of(last["created_at"], last["id"]), False
    if end:
        return cursor_of(end["created_at"], end["id"]), True
    return None, False


def _shown(row: Row) -> Row:
    hidden = ("id", "created_at", "heartbeat_at", "resume_state")
    shown = {name: value for name, value in row.items() if name not in hidden}
    return shown | {"resume": {"state": row["resume_state"]}}


def searched(given: Mapping[str, str]) -> Search:
    """The filters of an address; Invalid names each wrong one."""
    problems: dict[str, list[str]] = {}
    texts = {name: given.get(name, "").strip().replace("\0", "") or None for name in TEXTS}
    order = given.get("order") or "newest"
    if order not in ORDERS:
        problems["order"] = [f"Must be one of {', '.join(ORDERS)}."]
    wanted = Search(
        project=texts["project"],
        platform=texts["platform"],
        os_version=texts["os_version"],
        image_type=texts["image_type"],
        status=texts["status"],
        text=texts["text"],
        low=_whole(given, "low", 0, problems),
        high=_whole(given, "high", 100, problems),
        since=_time(given, "since", problems),
        until=_time(given, "until", problems),
        order=order,
    )
    if problems:
        raise Invalid("The filter is wrong.", fields=problems)
    return wanted


def _whole(
    given: Mapping[str, str], name: str, default: int, problems: dict[str, list[str]]
) -> int:
    text = given.get(name, "").strip()
    if not text:
        return default
    if not text.isascii() or not text.isdecimal() or int(text[:9]) > 100:
        problems[name] = ["Must be an integer from 0 to 100."]
        return default
    return int(text)


def _time(given: Mapping[str, str], name: str, problems: dict[str, list[str]]) -> datetime | None:
    text = given.get(name, "").strip()
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    except ValueError:
        problems[name] = ["Must be a time as 2026-01-01T10:00, in UTC."]
        return None
