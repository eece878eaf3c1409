"""Append the events of deliveries, each about one run of one build or about one job of a forge."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from receiver.domain.delivery import Delivery, Report
from receiver.domain.fold.events import dump, run_group
from receiver.domain.model import Statement
from receiver.storage.db import Connection, Row, as_json, query
from receiver.storage.dimensions import Ids


def append(
    connection: Connection, new: Sequence[Delivery], builds: Mapping[str, UUID], ids: Ids
) -> None:
    """Append what hooks state of `builds`, and what forges state of jobs under the jobs' keys.

    A job's event goes to the build that a route makes of it, whose number `ids` has: most often it
    is the right one. Job matching moves it where a hook names another, which writes it twice.
    """
    rows: list[Row] = []
    for delivery in new:
        content = delivery.content
        for place, statement in enumerate(content.statements):
            build_id = builds[statement.build_number]
            rows.append(_event_row(delivery, place, statement) | _of_build(statement, build_id))
        for place, report in enumerate(content.reports, len(content.statements)):
            rows.append(_event_row(delivery, place, report.statement) | _of_job(report, ids))
    if rows:
        connection.execute(query("events/insert_events"), {"rows": as_json(rows)})


def of_delivery(connection: Connection, delivery_id: UUID) -> list[Row]:
    """Return the events of a delivery: build_id, run_key, alias_key, projects."""
    parameters = {"id": delivery_id}
    return connection.execute(query("events/events_of_delivery"), parameters).fetchall()


def _event_row(delivery: Delivery, place: int, statement: Statement) -> Row:
    return {
        "delivery_id": delivery.id,
        "place": place,
        "source": delivery.source,
        "run_key": statement.run.key,
        "statement": msgspec.Raw(dump(statement)),
        "manifest": statement.manifest,
        "run_group": run_group(statement.run.key),
        "projects": sorted(delivery.projects) or None,
    }


def _of_build(statement: Statement, build_id: UUID) -> Row:
    times = [event.at for event in statement.events if event.dated]
    began_at, ended_at = min(times, default=None), max(times, default=None)
    return {
        "native": False,
        "build_id": build_id,
        "began_at": began_at,
        "ended_at": ended_at,
        "claims": not statement.is_of_checks,  # a job that scans the image is none of the build's
        "job_number": statement.run.number,
        "targets": statement.run.targets,
    }


def _of_job(report: Report, ids: Ids) -> Row:
    return {
        "native": True,
        "build_id": ids.get(("build", report.number or "")),
        "claims": False,
        "alias_key": report.alias,
        "began_at": report.began,
        "ended_at": report.ended,
        "native_number": report.number,
    }
