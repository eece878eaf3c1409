"""Bodies in weekly tables: made ahead, dropped as a whole, beside a release that knows none."""

import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from psycopg.conninfo import make_conninfo

from receiver.cli.main import main
from receiver.config import Config
from receiver.errors import Unavailable
from receiver.server import housekeeping
from receiver.storage import body_weeks, migrate, retention
from receiver.storage.body_encoding import ZSTD_1
from receiver.storage.body_weeks import WEEK, first_id, week_of
from receiver.storage.db import Database, open_database, query
from tests.support.kept_bodies import age_deliveries, count_kept, kept_bodies
from tests.support.releases import RELEASES
from tests.support.senders import envelope, post, stage

NOW = datetime.now(UTC)
THIS_WEEK = week_of(NOW)
OLD = THIS_WEEK - 6 * WEEK  # the begin of a week that is past whole
FILL = """
    INSERT INTO bodies (delivery_id, body)
    SELECT
        (left(%s, 24) || lpad(to_hex(n), 12, '0'))::uuid, decode(repeat(md5(n::text), 128), 'hex')
    FROM generate_series(1, %s) AS n
"""
TABLES = "SELECT tableoid::regclass::text, count(*) FROM bodies GROUP BY 1"


@pytest.fixture
def own(server_url: str) -> Iterator[str]:
    """A database of its own, migrated: its weeks come and go."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS weeks WITH (FORCE)")
        connection.execute("CREATE DATABASE weeks")
    url = make_conninfo(server_url, dbname="weeks")
    migrate.migrate(url)
    yield url
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute("DROP DATABASE weeks WITH (FORCE)")


@pytest.fixture
def database(own: str) -> Iterator[Database]:
    with open_database(own) as database:
        yield database


@pytest.fixture
def receiver(own: str, config: Config, serve: Callable[[Config], FlaskClient]) -> FlaskClient:
    """A receiver on that database."""
    return serve(replace(config, database_url=own))


def ask(url: str, statement: str, *parameters: Any) -> list[Any]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement.encode(), parameters)
        return cursor.fetchall() if cursor.description else []


def weeks(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        return [row[0] for row in connection.execute(query("body_weeks/made_weeks")).fetchall()]


def name_of(begin: datetime) -> str:
    return f"bodies_{begin:%Y_%m_%d}"


def make(database: Database, begin: datetime) -> list[datetime]:
    """Make the weeks as on a day of this one."""
    return retention.make_weeks(database, begin + timedelta(days=3))


def fill(url: str, begin: datetime, count: int) -> None:
    ask(url, FILL, str(first_id(begin + timedelta(hours=1))), count)


def test_this_week_and_four_more_have_tables_from_the_first_migration_on(own: str):
    assert weeks(own) == [name_of(THIS_WEEK + place * WEEK) for place in range(5)]


def test_a_body_is_in_the_table_of_its_week_compressed(receiver: FlaskClient, own: str):
    document = envelope(stage("Base"), build={"project": "p" * 200})
    assert post(receiver, document).status_code == 202
    assert ask(own, TABLES) == [(name_of(THIS_WEEK), 1)]
    assert ask(own, "SELECT body FROM deliveries") == [(None,)]
    ((kept, encoding),) = ask(own, "SELECT body, encoding FROM bodies")
    assert encoding == ZSTD_1
    (body,) = kept_bodies(own)
    assert body
    assert b"p" * 200 in body
    assert len(kept) < len(body) / 2


def test_a_week_is_made_while_bodies_of_it_are_in_the_table_for_the_rest(
    own: str, database: Database
):
    later = THIS_WEEK + 5 * WEEK
    fill(own, later, 3)
    assert ask(own, TABLES) == [("bodies_default", 3)]
    before = ask(own, "SELECT * FROM bodies ORDER BY 1")
    assert make(database, later) == []
    assert ask(own, TABLES) == [(name_of(later), 3)]
    assert ask(own, "SELECT * FROM bodies ORDER BY 1") == before


def test_a_week_of_which_many_bodies_are_in_the_table_for_the_rest_stays_there(
    own: str, database: Database
):
    later = THIS_WEEK + 5 * WEEK
    fill(own, later, body_weeks.MOST_MOVED + 1)
    assert make(database, later) == [later]
    assert name_of(later + WEEK) in weeks(own)
    assert ask(own, TABLES) == [("bodies_default", body_weeks.MOST_MOVED + 1)]


def test_a_past_week_is_dropped_and_no_other(own: str, database: Database):
    make(database, OLD)
    for begin in (OLD, OLD + WEEK, THIS_WEEK):
        fill(own, begin, 5)
    end = OLD + WEEK
    assert list(retention.prune_weeks(database, end - timedelta(seconds=1))) == []
    assert list(retention.prune_weeks(database, end)) == [name_of(OLD)]
    assert dict(ask(own, TABLES)) == {name_of(end): 5, name_of(THIS_WEEK): 5}
    assert list(retention.prune_bodies(database, end)) == []


def test_forgetting_a_week_writes_little_wal(own: str, database: Database):
    """A prune that updated each row wrote 5.9 kB for a body of 4 KiB, its vacuum included."""
    make(database, OLD)
    fill(own, OLD, 15_000)
    ((before,),) = ask(own, "SELECT pg_current_wal_lsn()")
    assert list(retention.prune_weeks(database, OLD + WEEK)) == [name_of(OLD)]
    ((written,),) = ask(own, "SELECT pg_current_wal_lsn() - %s::pg_lsn", before)
    assert 0 < written < 2**20  # the same for a week of any size


@pytest.mark.parametrize(("keep", "left"), [("30d", {5}), ("2d", {0})])
def test_old_bodies_of_no_dropped_week_are_deleted_one_by_one(
    receiver: FlaskClient, config: Config, own: str, keep: str, left: set[int]
):
    days = int(keep[:-1])
    settings = replace(config, database_url=own, keep_bodies=timedelta(days=days))
    for number in range(5):
        assert post(receiver, envelope(stage("Base"), number=f"n-{number}")).status_code == 202
    age_deliveries(own, days + 0.5 if days < 7 else 0)
    housekeeping.prune(settings)
    assert {count_kept(own)} == left
    age_deliveries(own, 40)
    assert housekeeping.prune(settings) == max(left)
    assert count_kept(own) == 0


def test_a_body_is_kept_as_long_as_is_set_and_at_most_a_week_longer(
    own: str, config: Config, database: Database
):
    settings = replace(config, database_url=own, keep_bodies=timedelta(days=30))
    oldest = week_of(NOW - settings.keep_bodies)
    make(database, oldest - WEEK)
    fill(own, oldest - WEEK, 2)
    fill(own, oldest, 3)
    housekeeping.prune(settings)
    assert ask(own, TABLES) == [(name_of(oldest), 3)]


def test_bodies_of_the_release_before_are_read_and_forgotten(
    receiver: FlaskClient, own: str, config: Config
):
    answer = post(receiver, envelope(stage("Base")))
    ask(own, "UPDATE deliveries SET body = %s", kept_bodies(own)[0])
    ask(own, "DELETE FROM bodies")
    with open_database(own) as database:
        (row,) = ask(own, "SELECT id, body FROM deliveries")
        with database.transaction() as connection:
            found = connection.execute(query("deliveries/lock_delivery"), {"id": row[0]}).fetchone()
    assert found
    assert (found["body"], found["encoding"]) == (row[1], None)
    page = receiver.get(f"/api/v1/deliveries/{answer.get_json()['id']}").get_json()
    assert page["pruned"] is False
    age_deliveries(own, 40)
    assert housekeeping.prune(replace(config, database_url=own)) == 1
    assert kept_bodies(own) == [None]


def test_to_the_release_before_a_newer_body_looks_pruned_and_its_prune_harms_none(
    receiver: FlaskClient, own: str, tmp_path: Path
):
    answer = post(receiver, envelope(stage("Base")))
    before = kept_bodies(own)
    command = RELEASES[-1].unpack(tmp_path / "before")
    env = {"PATH": os.environ["PATH"], "DATABASE_URL": own, "MILEPOST_DATA_DIR": str(tmp_path)}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        line = [*command, *arguments]
        return subprocess.run(line, env=env, capture_output=True, text=True, check=False)

    replayed = run("replay", answer.get_json()["id"])
    assert (replayed.returncode, "body was pruned" in replayed.stderr) == (1, True)
    assert run("replay", "--ignored").returncode == 0
    pruned = run("prune", "--older-than", "0s", "--facts", "--yes")
    assert (pruned.returncode, pruned.stdout.splitlines()[0]) == (0, "0 bodies forgotten")
    assert kept_bodies(own) == before


def test_no_delivery_is_refused_while_weeks_come_and_go(receiver: FlaskClient, own: str):
    done = threading.Event()
    statuses: list[int] = []

    def load() -> None:
        client = receiver.application.test_client()
        while not done.is_set():
            number = f"load-{len(statuses)}"
            document = envelope(stage("Base"), number=number, run=number)
            statuses.append(post(client, document, message_id=f"msg_{number}").status_code)

    sender = threading.Thread(target=load)
    sender.start()
    try:
        with open_database(own) as database:
            for place in range(8, 20):
                begin = THIS_WEEK - place * WEEK
                make(database, begin)
                fill(own, begin, 100)
                assert name_of(begin) in list(retention.prune_weeks(database, begin + WEEK))
    finally:
        done.set()
        sender.join()
    assert set(statuses) == {202}
    assert count_kept(own) == len(statuses)


def test_a_role_that_owns_no_table_goes_on_without_weeks(own: str, database: Database):
    make(database, OLD)
    fill(own, OLD, 5)
    ask(own, "DROP OWNED BY tenant" if _has_role(own) else "CREATE ROLE tenant LOGIN")
    ask(own, "GRANT ALL ON ALL TABLES IN SCHEMA public TO tenant")
    try:
        with open_database(make_conninfo(own, user="tenant")) as theirs:
            later = THIS_WEEK + WEEK
            assert make(theirs, later) == [later + 4 * WEEK]
            assert list(retention.prune_weeks(theirs, OLD + WEEK)) == []
            assert sum(retention.prune_bodies(theirs, OLD + WEEK)) == 5
            fill(own, later + 4 * WEEK, 2)
            assert ask(own, TABLES) == [("bodies_default", 2)]
    finally:
        ask(own, "DROP OWNED BY tenant")
        ask(own, "DROP ROLE tenant")


def _has_role(url: str) -> bool:
    return bool(ask(url, "SELECT FROM pg_roles WHERE rolname = 'tenant'"))


def test_a_damaged_body_looks_forgotten(receiver: FlaskClient, own: str):
    answer = post(receiver, envelope(stage("Base"), build={"project": "p" * 200}))
    ask(own, "UPDATE bodies SET body = 'no zstd'")
    page = receiver.get(f"/api/v1/deliveries/{answer.get_json()['id']}").get_json()
    assert page["pruned"] is True


def test_a_backup_that_reads_the_bodies_delays_neither_deliveries_nor_migrate(
    receiver: FlaskClient, own: str, database: Database
):
    make(database, OLD)
    ask(own, f"DROP TABLE {name_of(THIS_WEEK + 4 * WEEK)}")
    known = weeks(own)
    with psycopg.connect(own) as backup:
        backup.execute("SELECT count(*) FROM bodies")
        assert migrate.migrate(own) == []
        with pytest.raises(Unavailable):
            list(retention.prune_weeks(database, OLD + WEEK))
        assert post(receiver, envelope(stage("Base"))).status_code == 202
    assert weeks(own) == known
    assert list(retention.prune_weeks(database, OLD + WEEK)) == [name_of(OLD)]


def test_doctor_says_which_week_has_no_table(own: str, config: Config):
    env = {"DATABASE_URL": own, "MILEPOST_DATA_DIR": str(config.data_dir)}
    assert "the next 4 weeks have tables" in CliRunner().invoke(main, ["doctor"], env=env).output
    last = THIS_WEEK + 4 * WEEK
    ask(own, f"DROP TABLE {name_of(last)}")
    said = CliRunner().invoke(main, ["doctor"], env=env).output
    assert f"no table for the week of {last:%Y-%m-%d}" in said
    assert CliRunner().invoke(main, ["migrate"], env=env).exit_code == 0
    assert name_of(last) in weeks(own)
