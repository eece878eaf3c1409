"""A database of every earlier schema, with data in it, migrates without loss, while receivers of
two releases take deliveries."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask.testing import FlaskClient
from psycopg import sql
from psycopg.conninfo import make_conninfo

from receiver.config import Config
from receiver.storage import migrate
from tests.support.releases import RELEASES, Release
from tests.support.samples import SAMPLES
from tests.support.senders import SECRET, envelope, get_build, post, stage
from tests.torture import schemas
from tests.torture.systems import Fault, of_a_release, run

FILES = migrate.migration_files()
DATA = SAMPLES / "schema"
COLUMNS = """
    SELECT table_name::text, column_name::text FROM information_schema.columns
    WHERE table_schema = 'public' AND table_name <> 'schema_migrations' ORDER BY 1, 2
"""
SUM = sql.SQL(
    "SELECT count(*), md5(string_agg(t::text, '' ORDER BY t::text)) FROM (SELECT {} FROM {}) AS t"
)
EVENTS = [file.name for file in FILES].index("0003_inbox") + 1  # files, until there are events


@pytest.fixture
def old(server_url: str) -> Iterator[Callable[[int], str]]:
    """Make a database of the first `count` migrations, with the rows of a receiver of that time."""

    def make(count: int) -> str:
        url = make_conninfo(server_url, dbname="old")
        migrate.migrate(url, FILES[:count])
        with psycopg.connect(url) as connection:
            for file in FILES[:count]:
                data = DATA / f"{file.name[:4]}.sql"
                if data.exists():
                    connection.execute(data.read_bytes())
        return url

    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS old WITH (FORCE)")
        connection.execute("CREATE DATABASE old")
        yield make
        connection.execute("DROP DATABASE old WITH (FORCE)")


def columns(url: str) -> dict[str, list[str]]:
    """Return the columns of every table and view."""
    found: dict[str, list[str]] = {}
    with psycopg.connect(url) as connection:
        for table, column in connection.execute(COLUMNS):
            found.setdefault(table, []).append(column)
    return found


def sums(url: str, tables: dict[str, list[str]]) -> dict[str, Any]:
    """Return each table's number of rows, and a digest of these columns."""
    with psycopg.connect(url) as connection:
        return {
            table: connection.execute(
                SUM.format(sql.SQL(", ").join(map(sql.Identifier, names)), sql.Identifier(table))
            ).fetchone()
            for table, names in tables.items()
        }


@pytest.mark.parametrize("count", range(1, len(FILES) + 1), ids=lambda n: FILES[n - 1].name)
def test_old_schema_with_data_migrates_without_loss_and_its_build_goes_on(
    old: Callable[[int], str], serve: Callable[[Config], FlaskClient], tmp_path: Path, count: int
):
    url = old(count)
    known = columns(url)
    before = sums(url, known)
    assert all(rows for rows, _ in before.values()), "a table without data proves nothing"
    migrate.migrate(url)
    assert sums(url, known) == before
    assert migrate.read_schema(url).pending == []
    if count >= EVENTS:
        config = Config(tmp_path, url, public_read=True, secrets={"milepost": (SECRET,)})
        expect_build_to_go_on(serve(config))


def expect_build_to_go_on(client: FlaskClient) -> None:
    """Post a stage of a second run of the build that the old receiver had."""
    assert get_build(client)["current_state"] == 45
    later = envelope(stage("Services", minutes=20), run="run-2")
    assert post(client, later).status_code == 202
    build = get_build(client)
    assert [row["stage"] for row in build["states"]] == ["Storage", "Services"]
    assert (build["attempt"], build["os_version"], build["created_by"]) == (2, "rhel-8.8", "ada")


@pytest.mark.parametrize("release", RELEASES, ids=lambda release: release.schema)
def test_two_releases_at_once_lose_and_double_nothing_and_answer_no_500(release: Release):
    """One receiver after the other is replaced under load, and one of the old ones restarts."""
    fault = Fault("F20", "rolling", partial(schemas.roll, release), partial(of_a_release, release))
    verdict = run(fault, brief=True)
    assert (verdict.problems, verdict.not_run) == ((), "")
    assert 0 < verdict.acknowledged == verdict.offered == verdict.stored
