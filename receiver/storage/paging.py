"""Pages of a list: the size of a page, and the cursor that leads to the next one."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from receiver.errors import Invalid
from receiver.storage.db import Row

DEFAULT_LIMIT = 50
MAX_LIMIT = 100
CURSOR = re.compile(r"(-?[0-9]{1,18})\.([0-9a-f]{32})")

Page = tuple[list[Row], str | None]  # the rows, and the cursor of the next page

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_EARLIEST = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
_LATEST = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND


def page_parameters(limit: int, after: str | None) -> Row:
    """Return a query's `limit`, `after_time` and `after_id`; it reads one row more than the page.

    Raises Invalid for a cursor of another form.
    """
    after_time, after_id = position_of(after)
    return {"limit": limit + 1, "after_time": after_time, "after_id": after_id}


def page_of(rows: Sequence[Row], limit: int, column: str) -> Page:
    """Return the first `limit` of the rows read; `column` is the time that they are ordered by."""
    items = list(rows[:limit])
    more = len(rows) > limit
    return items, cursor_of(items[-1][column], items[-1]["id"]) if more else None


def cursor_of(time: datetime, row_id: UUID) -> str:
    """Return the cursor of a row: microseconds since 1970, and its id."""
    return f"{(time - _EPOCH) // _MICROSECOND}.{row_id.hex}"


def position_of(cursor: str | None) -> tuple[datetime | None, UUID | None]:
    """Return the time and the id in a cursor. Raises Invalid for one of another form."""
    if not cursor:
        return None, None
    match = CURSOR.fullmatch(cursor)
    if not match:
        problem = {"after": ["Use the `next` of the page before."]}
        raise Invalid("The cursor is invalid.", fields=problem)
    microseconds = min(max(int(match[1]), _EARLIEST), _LATEST)
    return _EPOCH + microseconds * _MICROSECOND, UUID(match[2])
