"""Deliveries that wait share a transaction, and nothing else."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import orjson
import psycopg
import pytest
from msgspec.structs import replace
from uuid_utils.compat import uuid7

from receiver.domain.delivery import Delivery, Outcome, Request
from receiver.domain.stage_map import StageMap
from receiver.errors import Conflict, Invalid, Unavailable
from receiver.sources import SOURCES
from receiver.storage.db import Database
from receiver.storage.record import record_batch, record_one
from tests.support.forges import workflow_job
from tests.support.kept_bodies import kept_bodies
from tests.support.senders import Json, envelope, stage, verdict

Many = Callable[..., list[Outcome | Exception]]


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    pool = Database(url, size=3)
    pool.open()
    yield pool
    pool.close()


def report(document: Json, key: str, projects: tuple[str, ...] = ()) -> Delivery:
    request = Request({}, orjson.dumps(document), "", datetime.now(UTC))
    content = SOURCES["milepost"].read(request)
    return Delivery(uuid7(), "milepost", "", "report", key, request, projects, content=content)


def github_job(key: str, number: str | None = None) -> Delivery:
    """What GitHub says of a job; a route makes it the build of the number, or none does."""
    headers = {"x-github-event": "workflow_job", "x-github-delivery": key}
    request = Request(headers, orjson.dumps(workflow_job("queued")), "", datetime.now(UTC))
    content = SOURCES["github"].read(request)
    reports = tuple(replace(each, number=number) for each in content.reports)
    content = replace(content, reports=reports)
    return Delivery(uuid7(), "github", "", "workflow_job", key, request, own=False, content=content)


def of(project: str | None, number: str = "core-1") -> Json:
    return envelope(stage("Base"), number=number, build={"project": project})


@pytest.fixture
def together(database: Database) -> Many:
    """Record in one transaction."""

    def record(*deliveries: Delivery) -> list[Outcome | Exception]:
        return record_batch(database, deliveries, StageMap())

    return record


def outcomes(answers: list[Outcome | Exception]) -> list[str]:
    return [each.kind if isinstance(each, Outcome) else type(each).__name__ for each in answers]


def one(url: str, statement: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute(statement.encode()).fetchone()
    assert row is not None
    return int(row[0])


def test_deliveries_of_many_builds_are_one_commit(together: Many, url: str):
    answers = together(*(report(of(None, f"b-{place}"), f"k-{place}") for place in range(8)))
    assert [each.build_numbers for each in answers if isinstance(each, Outcome)] == [
        (f"b-{place}",) for place in range(8)
    ]
    assert one(url, "SELECT count(DISTINCT xmin::text) FROM deliveries") == 1


def test_several_about_one_build_are_folded_together(together: Many, url: str):
    together(
        report(envelope(stage("Base configuration")), "1"),
        report(envelope(stage("Security baseline", minutes=5)), "2"),
        report(envelope(verdict("completed", 9)), "3"),
    )
    assert one(url, "SELECT count(*) FROM build_states WHERE status = 'completed'") == 2
    assert one(url, "SELECT current_state FROM builds") == 100


def test_one_key_twice_is_kept_once_and_another_body_is_a_conflict(together: Many, url: str):
    answers = together(
        report(of(None), "same"), report(of(None), "same"), report(of(None, "b-2"), "same")
    )
    assert outcomes(answers) == ["stored", "stored", "Conflict"]
    assert isinstance(answers[1], Outcome)
    assert answers[1].duplicate
    assert isinstance(answers[2], Conflict)
    assert one(url, "SELECT count(*) FROM builds") == 1


def test_what_comes_again_beside_itself_hears_what_became_of_it(together: Many):
    answers = together(github_job("same"), github_job("same"))
    assert outcomes(answers) == ["ignored", "ignored"]
    assert outcomes(together(github_job("same"))) == ["ignored"]


@pytest.mark.parametrize("size", [262_145, 3_000_000, 26_214_400])
def test_a_large_body_is_kept_as_it_came(together: Many, url: str, size: int):
    large = report(of("core"), "large")
    body = large.request.body.ljust(size)
    large = replace(large, request=replace(large.request, body=body))
    assert outcomes(together(large)) == ["stored"]
    (again,) = together(replace(large, id=uuid7()))
    assert isinstance(again, Outcome)
    assert again.duplicate
    assert kept_bodies(url) == [body]


def test_one_that_is_refused_takes_nobody_with_it(together: Many, url: str):
    together(report(of("core"), "first"))
    answers = together(
        report(of(None, "b-2"), "2"),
        report(of(None), "3", projects=("other",)),
        report(of(None, "b-4"), "4"),
    )
    assert outcomes(answers) == ["stored", "Invalid", "stored"]
    assert isinstance(answers[1], Invalid)
    assert one(url, "SELECT count(*) FROM deliveries") == 3


def test_a_new_build_is_the_first_senders_even_where_both_come_at_once(together: Many, url: str):
    answers = together(
        report(of("core"), "1", projects=("core",)), report(of("other"), "2", projects=("other",))
    )
    assert outcomes(answers) == ["stored", "Invalid"]
    name = "SELECT count(*) FROM builds JOIN projects ON projects.id = project_id AND name = 'core'"
    assert one(url, name) == 1


def test_rows_that_nobody_else_touched_are_written_once(together: Many, url: str):
    together(report(envelope(stage("Base", "completed")), "1"))
    before = one(url, "SELECT min(xmin::text::bigint) FROM build_states")
    together(report(envelope(stage("Monitoring", minutes=5)), "2"))
    assert one(url, "SELECT min(xmin::text::bigint) FROM build_states") == before


def test_rows_that_somebody_else_wrote_are_made_right(together: Many, url: str):
    together(report(envelope(stage("Base", "completed")), "1"))
    with psycopg.connect(url) as connection:  # as an older release would
        connection.execute("UPDATE build_states SET state = 1, stage = 'other'")
        connection.execute(
            "INSERT INTO build_states SELECT gen_random_uuid(), build_id, 2, 'started', "
            "now() FROM build_states"
        )
        connection.execute("UPDATE builds SET updated_at = now() + interval '1 second'")
    together(report(envelope(stage("Monitoring", minutes=5)), "2"))
    assert one(url, "SELECT count(*) FROM build_states WHERE stage IN ('Base', 'Monitoring')") == 2
    assert one(url, "SELECT count(*) FROM build_states") == 2


@pytest.mark.parametrize("count", [1, 3])
def test_a_database_that_is_away_concerns_all_who_wait(together: Many, url: str, count: int):
    with psycopg.connect(url) as connection:
        connection.execute("LOCK TABLE deliveries")
        with pytest.raises(Unavailable):
            together(*(report(of(None), str(place)) for place in range(count)))


def job_key() -> str:
    """Return the run key of the job of github_job()."""
    return github_job("any").content.reports[0].statement.run.key


def test_a_duplicate_moves_no_events(together: Many, url: str):
    for number in ("a-1", "b-1"):
        together(report(envelope(stage("Base"), number=number, run=job_key()), number))
    together(github_job("job"))
    with psycopg.connect(url) as connection:
        connection.execute("DELETE FROM builds WHERE build_number = 'a-1'")
    (outcome,) = together(github_job("job"))
    assert isinstance(outcome, Outcome)
    assert outcome.duplicate
    assert one(url, "SELECT count(*) FROM events WHERE native AND build_id IS NOT NULL") == 0


def test_a_project_that_was_set_meanwhile_refuses_another_sender(database: Database):
    (created,) = record_batch(database, [report(of(None), "created")], StageMap())
    assert isinstance(created, Outcome)
    with ThreadPoolExecutor(1) as pool:
        with database.transaction() as connection:
            record_one(connection, report(of("core"), "first"), StageMap())
            second = report(of(None), "second", projects=("other",))
            waiting = pool.submit(record_batch, database, [second], StageMap())
            wait_for_lock(database)
        assert outcomes(waiting.result()) == ["Invalid"]


def test_events_added_to_a_route_s_build_outlive_its_redirect(database: Database, url: str):
    record_batch(database, [github_job("job", number="x-1")], StageMap())
    with ThreadPoolExecutor(1) as pool:
        with database.transaction() as connection:
            late = report(envelope(stage("Base"), number="x-1", run="local"), "late")
            record_one(connection, late, StageMap())
            owner = report(envelope(stage("Base"), number="y-1", run=job_key()), "owner")
            waiting = pool.submit(record_batch, database, [owner], StageMap())
            wait_for_lock(database)
        assert outcomes(waiting.result()) == ["stored"]
    assert one(url, f"SELECT count(*) FROM events WHERE delivery_id = '{late.id}'") == 1


def wait_for_lock(database: Database) -> None:
    """Wait until another transaction waits for a lock."""
    waiting = "SELECT FROM pg_locks WHERE NOT granted"
    for _ in range(200):
        with database.transaction() as connection:
            if connection.execute(waiting).fetchone() is not None:
                return
        threading.Event().wait(0.01)
    raise AssertionError("no transaction waits")
