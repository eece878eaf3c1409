"""Read queries for notices: what was said to whom, what waits, what failed and why."""

from dataclasses import asdict, dataclass

from receiver.domain.model import DIMENSIONS
from receiver.domain.notices import wording
from receiver.storage.db import Database, Row, query
from receiver.storage.dimensions import Own, projects_within
from receiver.storage.paging import Page, page_of, page_parameters

STATES = ("waiting", "held", "sending", "sent", "failed", "dropped")


@dataclass(frozen=True, slots=True)
class NoticeFilter:
    """Conditions on notices; None fits all."""

    notice: str | None = None
    type: str | None = None
    state: str | None = None


def list_notices(
    database: Database,
    conditions: NoticeFilter,
    limit: int,
    after: str | None = None,
    project: Own = None,
) -> Page:
    """Return one page of notices, newest first; of `project` and those below it alone;
    None is every one.

    Each has `image` (its dimensions, or None), `build_number`, and `text`, its first line.
    """
    row = asdict(conditions) | page_parameters(limit, after)
    with database.transaction() as connection:
        row["projects"] = None if project is None else [*projects_within(connection, project)]
        # Planned anew for each set of filters: one plan for all of them would read the whole table.
        rows = connection.execute(query("notices/list_notices"), row, prepare=False).fetchall()
    return page_of([_shown(each) for each in rows], limit, "created_at")


def _shown(row: Row) -> Row:
    facts = row.pop("facts")
    image = {name: facts[name] for name in DIMENSIONS} if "platform" in facts else None
    return row | {
        "image": image,
        "build_number": facts.get("build_number"),
        "text": wording.headline(row | {"facts": facts}),
    }
