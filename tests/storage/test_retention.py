"""What pruning costs where there is nothing to do, and who prunes."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from click.testing import Result
from flask.testing import FlaskClient
from psycopg.conninfo import make_conninfo

from receiver.config import Config
from receiver.errors import Unavailable
from receiver.server import housekeeping
from receiver.storage import merges, migrate, retention
from receiver.storage.body_weeks import first_id
from receiver.storage.db import open_database, query
from tests.support.api import Api
from tests.support.kept_bodies import age_deliveries
from tests.support.senders import envelope, get_build, post, stage, verdict

OLD_ROWS = 1_000_000
NOW = datetime.now(UTC)
# Old deliveries whose bodies are gone, and new ones that have theirs.
FILL = """
    INSERT INTO deliveries (
        id, source, sender, delivery_key, event_type, outcome, headers, query, body, body_sha256,
        body_size, received_at
    )
    SELECT
        lpad(to_hex({first} + n), 32, '0')::uuid, 'github', '', {name} || n, 'push', 'ignored',
        '{{}}', '', {body}, '', 6,
        now() - interval '{age}' + n * interval '10 s'
    FROM generate_series(1, {count}) AS n
"""


# Its indexes but those of constraints: made at the end, since that takes a tenth of the time.
INDEXES = """
    SELECT format('DROP INDEX %I', indexname), indexdef FROM pg_indexes
    WHERE tablename = 'deliveries' AND indexname LIKE 'idx\\_%'
"""


@pytest.fixture(scope="module")
def years(server_url: str) -> Iterator[str]:
    """A database with a million old deliveries without bodies, of its own."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS years")
        connection.execute("CREATE DATABASE years")
    url = make_conninfo(server_url, dbname="years")
    migrate.migrate(url)
    old = FILL.format(first=0, name="'old-'", body="NULL", age="2 years", count=OLD_ROWS)
    new = FILL.format(first=OLD_ROWS, name="'new-'", body="'a body'", age="1 day", count=1_000)
    with psycopg.connect(url, autocommit=True) as connection:
        indexes = connection.execute(INDEXES).fetchall()
        made = [definition for _, definition in indexes]
        for statement in (*(drop for drop, _ in indexes), old, new, *made):
            connection.execute(statement.encode())
        connection.execute(
            "INSERT INTO bodies (delivery_id, body) SELECT uuid(lpad(to_hex("
            "extract(EPOCH FROM now())::bigint * 1000 + n), 12, '0') || repeat('0', 20)), 'a body' "
            "FROM generate_series(1, 20000) AS n"
        )
        connection.execute("VACUUM ANALYZE deliveries, bodies")
    yield url
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute("DROP DATABASE years WITH (FORCE)")


def buffers(url: str, name: str) -> tuple[int, int]:
    """Return the buffers that a batch of a prune touches, planning included, in a session that has
    planned it before, whose catalogue is in its memory."""
    before = NOW - timedelta(days=30)
    row = retention.FIRST | {"before": before, "end_id": first_id(before), "limit": retention.BATCH}
    statement = b"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + query(f"retention/{name}")
    with psycopg.connect(url) as connection:
        plans = [connection.execute(statement, row).fetchone() for _ in range(2)]
        connection.rollback()
    touched = [_buffers(plan[0][0]) for plan in plans if plan]
    return touched[0], touched[1]


def _buffers(plan: dict[str, Any]) -> int:
    parts = (plan["Plan"], plan.get("Planning", {}))
    return sum(part.get(f"Shared {kind} Blocks", 0) for part in parts for kind in ("Hit", "Read"))


@pytest.mark.parametrize("name", ["prune_bodies", "prune_single_bodies", "prune_builds"])
def test_an_idle_pass_over_a_million_old_rows_touches_few_buffers(years: str, name: str):
    first, again = buffers(years, name)
    assert 0 < again <= 100
    assert first < 2_000  # the catalogue's, and no history


def test_an_idle_pass_is_one_batch_that_prunes_nothing(years: str):
    with open_database(years) as database:
        assert list(retention.prune_bodies(database, NOW - timedelta(days=30))) == []


def told(client: FlaskClient, *numbers: str, **build: str) -> None:
    for number in numbers:
        events = (stage("Base"), verdict("completed", 5))
        said = envelope(*events, number=number, run=number, build=build)
        assert post(client, said).status_code == 202


def test_one_process_prunes_and_the_others_do_not_wait(
    client: FlaskClient, config: Config, url: str
):
    told(client, "b-1")
    age_deliveries(url, 40)
    with psycopg.connect(url) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", [retention.LOCK])
        with pytest.raises(Unavailable, match="Another process prunes"):
            housekeeping.prune(config)
    assert [housekeeping.prune(config) for _ in range(2)] == [1, 0]


def test_facts_are_pruned_past_what_stays(
    client: FlaskClient, command: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, url: str
):
    monkeypatch.setattr(retention, "BUILDS_AT_ONCE", 2)
    monkeypatch.setattr(retention, "BATCH", 2)
    told(client, *(f"b-{place}" for place in range(7)))
    age_deliveries(url, 40)
    with psycopg.connect(url) as connection:
        connection.execute(
            "UPDATE builds SET end_time = CASE build_number WHEN 'b-3' THEN now() "
            "ELSE now() - interval '40 days' END"
        )
    result = command("prune", "--older-than", "30d", "--facts", "--yes")
    assert result.exit_code == 0, result.output
    listed = client.get("/api/v1/builds").get_json()["items"]
    assert [each["build_number"] for each in listed] == ["b-3"]
    assert get_build(client, "b-3")["states"]
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM deliveries").fetchone() == (1,)


def test_a_merge_moves_all_builds_in_batches(
    client: FlaskClient, api: Api, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(merges, "MOVED_AT_ONCE", 2)
    told(client, *(f"b-{place}" for place in range(5)), os_version="rhel9")
    told(client, "other", os_version="rhel-9")
    names = {"dimension": "os_version", "name": "rhel9", "into": "rhel-9"}
    answer = api.send("POST", "/merges", scope="admin", json=names)
    assert answer.get_json()["builds_moved"] == 5
    rows = client.get("/api/v1/builds?os_version=rhel-9").get_json()["items"]
    assert len(rows) == 6
