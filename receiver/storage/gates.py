"""Which of the checks that a channel requires an image has not passed."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from receiver.domain.checks import RequiredCheck, gate
from receiver.storage import checks
from receiver.storage.db import Connection, Row


def failing(
    connection: Connection, build_id: UUID, attempt: int | None, require: Sequence[Row]
) -> dict[str, str]:
    """Return why each required check keeps an attempt's image out, by name; empty if none does."""
    if not require:
        return {}
    required = [required_check(each) for each in require]
    known = checks.latest(connection, build_id, attempt)
    problems = gate(required, known, datetime.now(UTC))
    return {each.check: each.detail for each in problems}


def required_check(row: Row) -> RequiredCheck:
    """Return a check that a channel requires, from what the channel keeps of it."""
    seconds = row.get("max_age")
    span = None if seconds is None else timedelta(seconds=seconds)
    return RequiredCheck(row["name"], span, row.get("limits") or {})
