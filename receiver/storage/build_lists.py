"""Lists of builds that match a filter: their pages, and how many have which values."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from receiver.domain import redact
from receiver.domain.conditions import Limits
from receiver.domain.failure_shapes import first_line
from receiver.domain.model import DIMENSIONS
from receiver.errors import Forbidden
from receiver.storage.builds import summary
from receiver.storage.conditions import Conditions, conditions, conditions_of
from receiver.storage.db import Connection, Database, Row, array, as_json, query
from receiver.storage.dimensions import Own, current_names, is_within, own_words, unknown_names
from receiver.storage.masked import show_masked
from receiver.storage.paging import cursor_of, page_of, page_parameters

WHOLE = 10_000  # builds that are searched behind a position


@dataclass(frozen=True, slots=True)
class BuildFilter:
    """Conditions on builds; None fits all. `project` includes the projects below it; `status` is
    what a build counts as, so that a lost one is failed, not running."""

    project: str | None = None
    platform: str | None = None
    os_version: str | None = None
    image_type: str | None = None
    status: str | None = None
    condition: str | None = None
    low: int = 0
    high: int = 100
    since: datetime | None = None
    until: datetime | None = None
    text: str | None = None
    order: str = "newest"

    @property
    def names(self) -> dict[str, str]:
        """The names of dimensions that it asks for."""
        values = {name: getattr(self, name) for name in DIMENSIONS}
        return {name: text for name, text in values.items() if text is not None}


@dataclass(frozen=True, slots=True)
class BuildPage:
    """One page of builds. `is_cut` where only the newest 10,000 builds were searched; `unknown` has
    a sentence for each name of the filter that nothing has."""

    items: list[Row]
    cursor: str | None
    is_cut: bool
    unknown: list[str]


def list_builds(
    database: Database,
    wanted: BuildFilter,
    limit: int,
    after: str | None,
    limits: Limits,
    own: Own = None,
) -> BuildPage:
    """Return one page of builds, of at most 10,000 that are searched behind the cursor `after`.

    `own` are the caller's only projects; raises Forbidden for another one.
    """
    row, now = page_parameters(limit, after), datetime.now(UTC)
    with database.transaction() as connection:
        row |= _parameters(connection, wanted, own) | _chosen(connection, wanted, limits, now)
        text = query("builds/matching_builds") + query("builds/list_matching")
        rows = connection.execute(text, row, prepare=False).fetchall()
        end = connection.execute(query("builds/window_end"), row, prepare=False).fetchone()
        unknown = unknown_names(connection, wanted.names, own)
        items, cursor = page_of(rows, limit, "created_at")
        conditions_of(connection, items, limits, now).mark(items)
    shown = [_with_cause(item) for item in items]
    if cursor and wanted.order == "newest":
        return BuildPage(shown, cursor, is_cut=False, unknown=unknown)
    cursor = cursor_of(end["created_at"], end["id"]) if end else None
    return BuildPage(shown, cursor, is_cut=end is not None, unknown=unknown)


def count_facets(
    database: Database, wanted: BuildFilter, limits: Limits, own: Own = None
) -> Mapping[str, list[Row]]:
    """Return how many of the newest 10,000 builds that match have each value, by facet: status,
    condition and the dimensions; each row has value and count. Only values that some build has are
    among them."""
    row, now = page_parameters(1, None), datetime.now(UTC)
    facets: dict[str, list[Row]] = {}
    with database.transaction() as connection:
        found = conditions(connection, limits, now)
        row |= _parameters(connection, wanted, own) | _ids(wanted, found)
        row["judged"] = as_json({str(each): judged[0] for each, judged in found.judged.items()})
        text = query("builds/matching_builds") + query("builds/count_matching")
        for each in connection.execute(text, row, prepare=False).fetchall():
            facets.setdefault(each.pop("facet"), []).append(each)
    return facets


def _parameters(connection: Connection, wanted: BuildFilter, own: Own) -> Row:
    current: dict[str, Any] = dict(current_names(connection, wanted.names))
    asked = replace(wanted, **current)
    return asdict(asked) | {"projects": _projects(connection, asked, own)}


def _chosen(connection: Connection, wanted: BuildFilter, limits: Limits, now: datetime) -> Row:
    """Return the ids of the lost builds, and of those of a condition, where a filter needs them."""
    if not wanted.condition and wanted.status not in ("running", "failed"):
        return {"lost": "{}", "ids": None}
    return _ids(wanted, conditions(connection, limits, now))


def _ids(wanted: BuildFilter, found: Conditions) -> Row:
    ids = array(found.ids(wanted.condition)) if wanted.condition else None
    return {"lost": array(found.ids("lost")), "ids": ids}


def _projects(connection: Connection, wanted: BuildFilter, own: Own) -> list[str] | None:
    """Return the projects of the builds that are asked for, None for every one."""
    if wanted.project is None:
        return None if own is None else [own] if isinstance(own, str) else list(own)
    if not is_within(connection, wanted.project, own):
        raise Forbidden(f"This token is for {own_words(own)} alone.")
    return [wanted.project]


def _with_cause(row: Row) -> Row:
    """Return a build with the first line of what failed, without what looks secret."""
    message = {"error_message": row.pop("cause"), "masked_message": row.pop("masked_cause")}
    show_masked([message])
    text = message["error_message"]
    del row["place_in_order"]
    cause = first_line(redact.text(text)) if text else None
    return summary(row) | {"cause": cause}
