"""The rows of the database, for comparison: without their ids and their own times."""

from typing import Any

import psycopg

PARTS = {
    "builds": "builds.*",
    "build_states": "build_states.*, builds.build_number",
    "build_failures": "build_failures.*, builds.build_number",
    "artifacts": "artifacts.*, builds.build_number",
    "build_sources": "build_sources.*, builds.build_number",
}
VOLATILE = (
    "{id,build_id,project_id,platform_id,os_version_id,image_type_id,created_at,updated_at,"
    "last_heard_at,written,written_at,folded_at,mapped_at}"
)
NAMES = """
    (SELECT name FROM projects WHERE id = builds.project_id) AS project,
    (SELECT name FROM platforms WHERE id = builds.platform_id) AS platform,
    (SELECT name FROM os_versions WHERE id = builds.os_version_id) AS os_version,
    (SELECT name FROM image_types WHERE id = builds.image_type_id) AS image_type
"""


def rows(url: str) -> dict[str, list[Any]]:
    """Return the rows of every build, in one order."""
    with psycopg.connect(url) as connection:
        return {
            name: connection.execute(_statement(name, columns).encode()).fetchall()
            for name, columns in PARTS.items()
        }


def count(url: str, table: str) -> int:
    """Return the number of rows of a table."""
    with psycopg.connect(url) as connection:
        row = connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()
    assert row is not None
    return int(row[0])


def _statement(name: str, columns: str) -> str:
    join = "" if name == "builds" else f"JOIN builds ON builds.id = {name}.build_id"
    inner = f"SELECT {columns}, {NAMES} FROM {name} {join}"
    return f"SELECT (to_jsonb(t) - '{VOLATILE}'::text[])::text FROM ({inner}) AS t ORDER BY 1"
