"""The kept bodies of deliveries, wherever they are, and deliveries of another time."""

import psycopg

from receiver.storage.body_encoding import decode

KEPT = """
    SELECT coalesce(bodies.body, deliveries.body), bodies.encoding, deliveries.body_size
    FROM deliveries LEFT JOIN bodies ON bodies.delivery_id = deliveries.id
    ORDER BY deliveries.id
"""
# An id is a time, in milliseconds, and other digits.
OLDER = """
    (lpad(to_hex(
        ('x' || left(replace({id}::text, '-', ''), 12))::bit(48)::bigint
        - %(milliseconds)s
    ), 12, '0') || right(replace({id}::text, '-', ''), 20))::uuid
"""
COLUMNS = (("deliveries", "id"), ("events", "delivery_id"), ("bodies", "delivery_id"))


def kept_bodies(url: str) -> list[bytes | None]:
    """Return the body of each delivery, the oldest first; None for one that has none any more."""
    with psycopg.connect(url) as connection:
        return [
            None if body is None else decode(bytes(body), encoding, size)
            for body, encoding, size in connection.execute(KEPT)
        ]


def count_kept(url: str) -> int:
    """Return the number of deliveries that have their body."""
    return sum(body is not None for body in kept_bodies(url))


def age_deliveries(url: str, days: float) -> None:
    """Make all deliveries as many days older; the bodies of no week go to bodies_default."""
    with psycopg.connect(url) as connection:
        connection.execute("SET LOCAL session_replication_role = replica")  # past foreign keys
        for table, column in COLUMNS:
            change = f"UPDATE {table} SET {column} = {OLDER.format(id=column)}"
            connection.execute(change.encode(), {"milliseconds": int(days * 86_400_000)})
        connection.execute(
            "UPDATE deliveries SET received_at = received_at - make_interval(secs => %s)",
            [days * 86400],
        )


def forget(url: str) -> None:
    """Delete every body, as a prune does."""
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE deliveries SET body = NULL")
        connection.execute("DELETE FROM bodies")
