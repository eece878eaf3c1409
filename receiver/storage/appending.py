"""What deliveries say, appended to the events: hooks of builds, forges of their jobs."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from receiver.domain.fold import statements
from receiver.domain.fold.events import run_group
from receiver.domain.model import Delivery, Report, Statement
from receiver.storage.db import Connection, Row, as_json, query
from receiver.storage.deliveries import Entry


def append(connection: Connection, entries: Sequence[Entry], builds: Mapping[str, UUID]) -> None:
    """Append what hooks say of builds, and what forges say of jobs under the jobs' keys."""
    rows: list[Row] = []
    for delivery, parsed in ((entry.delivery, entry.parsed) for entry in entries):
        for place, statement in enumerate(parsed.statements):
            rows.append(_spoken(delivery, place, statement, builds[statement.build_number]))
        for place, report in enumerate(parsed.reports, len(parsed.statements)):
            rows.append(_report(delivery, place, report))
    connection.execute(query("record/insert_events"), {"rows": as_json(rows)})


def _spoken(delivery: Delivery, place: int, statement: Statement, build_id: UUID) -> Row:
    times = [event.at for event in statement.events if event.dated]
    return _event(delivery, place, statement) | {
        "build_id": build_id,
        "native": False,
        "began_at": min(times, default=None),
        "ended_at": max(times, default=None),
    }


def _report(delivery: Delivery, place: int, report: Report) -> Row:
    return _event(delivery, place, report.statement) | {
        "native": True,
        "alias_key": report.alias,
        "began_at": report.began,
        "ended_at": report.ended,
        "native_number": report.number,
    }


def _event(delivery: Delivery, place: int, statement: Statement) -> Row:
    return {
        "delivery_id": delivery.id,
        "place": place,
        "source": delivery.source,
        "run_key": statement.run.key,
        "statement": msgspec.Raw(statements.dump(statement)),
        "manifest": statement.manifest,
        "run_group": run_group(statement.run.key),
    }
