"""Pairs of names that look like one thing, with what each of them serves."""

from collections import defaultdict
from collections.abc import Sequence

from psycopg import sql

from receiver.domain import alike_names
from receiver.domain.model import DIMENSIONS
from receiver.storage.db import Connection, Database, Row, query
from receiver.storage.dimension_admin import MAX_COUNTED
from receiver.storage.dimensions import TABLES

MAX_PAIRS = 300
COUNT = sql.SQL("""
    SELECT count(*) AS count FROM (
        SELECT FROM builds WHERE {} = (SELECT id FROM {} WHERE name = %s) LIMIT %s
    ) AS counted
""")


def list_pairs(database: Database, images: Sequence[Row]) -> list[Row]:
    """Return pairs of names that look alike; `images` are those that are served, newest first."""
    with database.transaction() as connection:
        names = defaultdict[str, list[str]](list)
        for row in connection.execute(query("merges/all_names")).fetchall():
            names[row["dimension"]].append(row["name"])
        found = [
            (dimension, *pair)
            for dimension in DIMENSIONS
            for pair in alike_names.pairs(dimension, names[dimension])
        ]
        return [_pair(connection, images, *each) for each in found[:MAX_PAIRS]]


def _pair(
    connection: Connection, images: Sequence[Row], dimension: str, name: str, into: str
) -> Row:
    return {
        "dimension": dimension,
        "name": name,
        "into": into,
        "builds": _count(connection, dimension, name),
        "into_builds": _count(connection, dimension, into),
        "serves": _serves(images, dimension, name),
        "into_serves": _serves(images, dimension, into),
    }


def _count(connection: Connection, dimension: str, name: str) -> int:
    statement = COUNT.format(sql.Identifier(f"{dimension}_id"), TABLES[dimension].identifier)
    row = connection.execute(statement, [name, MAX_COUNTED], prepare=False).fetchone()
    return row["count"] if row else 0


def _serves(images: Sequence[Row], dimension: str, name: str) -> str | None:
    newest = next((row for row in images if row[dimension] == name), None)
    return f"{newest['artifact_id']} of {newest['build_number']}" if newest else None
