"""Rows of a build are written where they differ: what comes between others moves none of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import msgspec
import psycopg
import pytest
from flask.testing import FlaskClient

from receiver.domain.fold.projection import StateRow
from receiver.storage import row_marks
from receiver.storage.row_marks import MANY, MARKS
from tests.support.forges import post_github, workflow_job
from tests.support.senders import envelope, get_build, post, stage
from tests.support.table_rows import rows

MAKE_REFUSAL = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a row of % is written again', TG_TABLE_NAME;
END $$;
CREATE TRIGGER refuse BEFORE UPDATE OR DELETE ON {} FOR EACH ROW EXECUTE FUNCTION refuse()
"""
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


@contextmanager
def written_once(url: str, table: str) -> Iterator[None]:
    """Refuse any change of a row that is there."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(MAKE_REFUSAL.format(table).encode())
        try:
            yield
        finally:
            connection.execute("DROP FUNCTION refuse CASCADE")


def state(seconds: float, attempt: int = 1) -> StateRow:
    start = BEGAN + timedelta(seconds=seconds)
    return StateRow(10, "completed", start, start, 0, None, 0, "Base", attempt, True, False)


def places(*states: StateRow) -> list[int]:
    return [place for place, _ in row_marks.read(MARKS.of(uuid4(), "states", states))]


def test_a_stage_between_others_writes_none_of_them_again(client: FlaskClient, url: str):
    for minutes in (0, 10):
        ended = stage(f"Stage {minutes}", "completed", minutes)
        assert post(client, envelope(ended, run=f"job-{minutes}")).status_code == 202
    between = stage("Stage 5", "completed", 5)
    with written_once(url, "build_states"):
        assert post(client, envelope(between, run="job-0")).status_code == 202
    names = [row["stage"] for row in get_build(client)["states"]]
    assert names == ["Stage 0", "Stage 5", "Stage 10"]


def test_what_a_forge_says_of_a_job_that_a_route_makes_a_build_is_written_once(
    forge: FlaskClient, url: str
):
    with written_once(url, "events"):
        for status in ("queued", "in_progress", "completed"):
            assert post_github(forge, workflow_job(status)).status_code == 202
    (build,) = forge.get("/api/v1/builds").get_json()["items"]
    assert build["status"] == "failed"


def test_an_earlier_stage_that_comes_late_moves_all_others(client: FlaskClient, url: str):
    ended = [stage(f"Stage {minutes}", "completed", minutes) for minutes in (0, 5, 10)]
    for each in (ended[2], ended[1], ended[0]):
        assert post(client, envelope(each, number="late", run="one")).status_code == 202
    assert post(client, envelope(*ended, number="once", run="one")).status_code == 202
    stages = [row["stage"] for row in get_build(client, "late")["states"]]
    assert stages == ["Stage 0", "Stage 5", "Stage 10"]
    of_builds = ("late", "once")
    known = [
        [each[0].replace(number, "") for each in rows(url)["build_states"] if number in each[0]]
        for number in of_builds
    ]
    assert known[0] == known[1]


def test_places_follow_the_time_and_never_repeat():
    assert places(state(0), state(0), state(0.5), state(60)) == [0, 1, 8, 960]
    assert places(state(60), state(0, attempt=2), state(61, attempt=2)) == [0, 1, 16]


def test_a_time_that_is_centuries_off_has_a_place_in_order():
    late = 400 * 365 * 86_400
    found = places(state(0), state(late), state(late + 1))
    assert found == sorted(set(found))
    assert max(found) < 2**31


def test_the_marks_of_a_large_build_are_those_of_a_small_one():
    states = [state(place / 3) for place in range(2 * MANY)]
    build = uuid4()
    carried = [MARKS.of(build, "states", states[:count]) for count in (MANY, 2 * MANY)]
    assert carried[1] == MARKS.of(
        uuid4(), "states", [state(place / 3) for place in range(2 * MANY)]
    )
    assert carried[1].startswith(carried[0])


@pytest.mark.parametrize("tables", [6, 7])
def test_digests_of_the_release_before_count_as_none(tables: int):
    assert row_marks.decode(msgspec.msgpack.encode([b"12345678"] * tables), 6) is None
    assert row_marks.decode(None, 6) is None
    assert row_marks.decode(bytes.fromhex(row_marks.encode([b""] * 6)), 6) == [b""] * 6
