"""Read queries for builds of which nobody says what they make."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from receiver.domain import unnamed
from receiver.storage.db import Connection, Row, array, as_json, query
from receiver.storage.serving import ServingOf, rules

WITHIN = timedelta(days=7)
MAX_GROUPS = 50


def list_unnamed(connection: Connection, now: datetime, serving_of: ServingOf) -> Row:
    """Return what is unnamed: `builds` and `failed` counts, and `repositories`.

    A repository has `repository` (None where a run tells none), `builds`, `failed`, `failed_build`
    (a number, or None), `build_number` of the newest and `lines` that would name it.
    """
    return by_repository(connection, unnamed_builds(connection, now, serving_of))


def by_repository(connection: Connection, rows: Sequence[Row]) -> Row:
    """Return the same of builds that were read."""
    groups = unnamed.by_repository(rows)
    shown = _with_lines(connection, groups[:MAX_GROUPS])
    return {
        "builds": len(rows),
        "failed": sum(group["failed"] for group in groups),
        "count": len(groups),
        "repositories": shown,
    }


def unnamed_builds(connection: Connection, now: datetime, serving_of: ServingOf) -> list[Row]:
    """Return the builds of the last days of which nobody says what they make; of served branches.

    The columns are those of unnamed_builds.sql.
    """
    parameters = {"since": now - WITHIN, "rules": as_json(rules(connection, serving_of))}
    return connection.execute(query("unnamed/unnamed_builds"), parameters).fetchall()


def lines_of(connection: Connection, build: Row) -> dict[str, str]:
    """Return the lines that would name one build."""
    parameters = {"build_number": build["build_number"]}
    said = connection.execute(query("unnamed/said_names_of_build"), parameters).fetchone() or {}
    is_routed = bool(said.get("is_routed"))
    return unnamed.naming_lines(build, said.get("names") or {}, is_routed=is_routed)


def _with_lines(connection: Connection, groups: list[Row]) -> list[Row]:
    said = _said(connection, [group["of"]["id"] for group in groups])
    return [_with_line(group, said[group["of"]["id"]]) for group in groups]


def _with_line(group: Row, said: Row) -> Row:
    newest = group["of"]
    is_routed = bool(said["is_routed"])
    return {
        "repository": group["repository"],
        "builds": group["builds"],
        "failed": group["failed"],
        "failed_build": group.get("failed_build"),
        "build_number": newest["build_number"],
        "lines": unnamed.naming_lines(newest, said["names"] or {}, is_routed=is_routed),
    }


def _said(connection: Connection, build_ids: list[UUID]) -> dict[UUID, Row]:
    parameters = {"build_ids": array(build_ids)}
    rows = connection.execute(query("unnamed/said_names"), parameters).fetchall()
    return {row["build_id"]: row for row in rows}
