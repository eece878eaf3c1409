"""Which images descend from which, whatever was made known first."""

from collections.abc import Callable, Iterator
from itertools import permutations
from typing import Any
from uuid import UUID

import orjson
import psycopg
import pytest
from click.testing import Result
from flask.testing import FlaskClient

from receiver.storage import checks, lineage
from receiver.storage.db import Connection, Database, open_database
from receiver.storage.lineage import Node
from tests.support.senders import Json, add_sender, at, envelope, post, sign, stage, verdict
from tests.support.table_rows import rows

REGION = "us-east-1"


def image(artifact_id: str, region: str | None = REGION, **more: Any) -> Json:
    artifact = {"artifact_id": artifact_id, "region": region, **more}
    return {"kind": "artifact", "at": at(3), "artifact": artifact}


def report(
    number: str, made: Json | None, *sources: tuple[str, str | None], run: str = "1", start: int = 0
) -> Json:
    """Return what one attempt of a build reports: its sources, its image and its verdict."""
    events = [stage("Base configuration", minutes=start), verdict("completed", start + 5)]
    events += [made | {"at": at(start + 3)}] if made else []
    document = envelope(*events, number=number, run=f"{number}-{run}")
    listed = [{"artifact_id": artifact_id, "region": region} for artifact_id, region in sources]
    return document | {"sources": listed}


def take(client: FlaskClient, *documents: Json) -> None:
    for document in documents:
        answer = post(client, document)
        assert answer.status_code == 202, answer.text


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    with open_database(url) as database:
        yield database


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    with database.transaction() as connection:
        yield connection


def build_id(url: str, number: str) -> UUID:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT id FROM builds WHERE build_number = %s", [number])
        (found,) = row.fetchone() or (None,)
    assert isinstance(found, UUID)
    return found


def below(connection: Connection, url: str, number: str) -> list[tuple[str, int]]:
    walk = lineage.descendants(connection, build_id(url, number))
    return [(row["build_number"], row["depth"]) for row in walk.rows]


def above(
    connection: Connection, url: str, number: str, attempt: int = 1
) -> list[tuple[str | None, int]]:
    walk = lineage.ancestors(connection, [Node(build_id(url, number), attempt)])
    return [(row["build_number"], row["depth"]) for row in walk.rows]


BASE = report("base", image("ami-1"))
CHILD = report("child", image("ami-2"), ("ami-1", REGION), start=10)
GRANDCHILD = report("grandchild", image("ami-3"), ("ami-2", REGION), start=20)


@pytest.mark.parametrize("order", list(permutations([BASE, CHILD, GRANDCHILD])))
def test_whatever_comes_first_child_and_base_meet(
    client: FlaskClient, url: str, connection: Connection, order: tuple[Json, ...]
):
    take(client, *order)
    assert below(connection, url, "base") == [("child", 1), ("grandchild", 2)]
    assert above(connection, url, "grandchild") == [("child", 1), ("base", 2)]


def test_a_source_that_nobody_here_made_is_kept_and_meets_its_maker_later(
    client: FlaskClient, url: str, connection: Connection
):
    take(client, CHILD)
    (row,) = lineage.ancestors(connection, [Node(build_id(url, "child"), 1)]).rows
    assert (row["artifact_id"], row["region"], row["build_number"]) == ("ami-1", REGION, None)
    take(client, BASE)
    assert above(connection, url, "child") == [("base", 1)]


def test_an_image_of_another_region_is_another_image(
    client: FlaskClient, url: str, connection: Connection
):
    take(client, BASE, report("child", None, ("ami-1", "eu-west-1")))
    assert above(connection, url, "child") == [(None, 1)]
    take(client, report("other", None, ("ami-1", None)))
    assert above(connection, url, "other") == [("base", 1)]


def test_a_cycle_ends_where_it_began(client: FlaskClient, url: str, connection: Connection):
    take(client, report("base", image("ami-1"), ("ami-3", REGION)), CHILD, GRANDCHILD)
    assert below(connection, url, "base") == [("child", 1), ("grandchild", 2)]
    assert above(connection, url, "base") == [("grandchild", 1), ("child", 2)]


def test_a_build_is_never_its_own_parent(client: FlaskClient, url: str, connection: Connection):
    take(client, report("base", image("ami-1"), ("ami-1", REGION)))
    assert (below(connection, url, "base"), above(connection, url, "base")) == ([], [])


def test_the_walk_ends_at_a_depth_of_ten_and_at_its_bound(
    client: FlaskClient, url: str, connection: Connection
):
    for place in range(13):
        take(client, report(f"b-{place}", image(f"ami-{place}"), (f"ami-{place - 1}", REGION)))
    assert below(connection, url, "b-0")[-1] == ("b-10", 10)
    walk = lineage.descendants(connection, build_id(url, "b-0"), most=3)
    assert ([row["depth"] for row in walk.rows], walk.is_cut) == ([1, 2, 3], True)


def test_what_was_built_on_an_earlier_attempt_does_not_descend_from_the_last_one(
    client: FlaskClient, url: str, connection: Connection
):
    again = report("base", image("ami-1b"), run="2", start=30)
    take(client, BASE, CHILD, again)
    (row,) = lineage.descendants(connection, build_id(url, "base")).rows
    assert (row["build_number"], row["of"].attempt) == ("child", 1)
    rebuilt = report("child", image("ami-2b"), ("ami-1b", REGION), run="2", start=40)
    take(client, rebuilt)
    found = lineage.descendants(connection, build_id(url, "base")).rows
    told = sorted((row["attempt"], row["of"].attempt, row["latest_attempt"]) for row in found)
    assert told == [(1, 1, 2), (2, 2, 2)]


def test_an_attempt_that_resumed_descends_from_what_the_first_one_started_from(
    client: FlaskClient, url: str, connection: Connection
):
    resumed = report("child", image("ami-4"), ("ami-2", REGION), run="2", start=30)
    last = report("last", None, ("ami-4", REGION), start=50)
    take(client, resumed, last, BASE, CHILD)
    assert above(connection, url, "child", 2) == [("base", 1)]
    assert above(connection, url, "last") == [("child", 1), ("child", 1), ("base", 2)]
    assert below(connection, url, "base") == [("child", 1), ("child", 1), ("last", 2)]


def test_of_a_name_that_is_used_again_the_build_before_counts(
    client: FlaskClient, url: str, connection: Connection
):
    path = {"artifact_id": "Null", "files": [{"name": "out/base.qcow2", "size": 1}]}
    made = {"kind": "artifact", "at": at(3), "artifact": path}
    for place, number in enumerate(("b-1", "b-2", "b-3")):
        take(client, report(number, made, start=20 * place))
    take(client, report("child", None, ("out/base.qcow2", None), start=30))
    assert above(connection, url, "child") == [("b-2", 1)]


def test_the_path_of_a_file_says_nothing_about_files_of_another_project(
    client: FlaskClient, url: str, connection: Connection
):
    path = {"artifact_id": "Null", "files": [{"name": "out/base.qcow2", "size": 1}]}
    take(client, report("base", {"kind": "artifact", "at": at(3), "artifact": path}))
    child = report("child", None, ("out/base.qcow2", None))
    child["build"]["project"] = "data"
    take(client, child)
    assert above(connection, url, "child") == [(None, 1)]


def check(name: str = "trivy", when: int = 0, **more: Any) -> Json:
    told = {"name": name, "kind": "scan", "status": "passed", **more}
    return {"kind": "check", "at": at(when), "check": told}


def test_the_last_check_of_a_name_counts_and_the_others_stay(
    client: FlaskClient, url: str, connection: Connection
):
    late = check(when=9000, status="failed", counts={"critical": 1}, fixable={"critical": 1})
    take(client, envelope(late, number="base", run="scan-2"), BASE)
    take(client, envelope(check(when=60), check("tests", 3), number="base", run="scan-1"))
    base = build_id(url, "base")
    known = [(row["name"], row["status"]) for row in checks.latest(connection, base)]
    assert known == [("tests", "passed"), ("trivy", "failed")]
    told = [(row["name"], row["is_latest"]) for row in checks.history(connection, base, 100)]
    assert told == [("trivy", True), ("tests", True), ("trivy", False)]


def test_a_check_of_an_earlier_attempt_says_nothing_about_the_image_of_the_last(
    client: FlaskClient, url: str, connection: Connection
):
    take(client, BASE, envelope(check(when=7), number="base", run="scan-1"))
    take(client, report("base", image("ami-1b"), run="2", start=30))
    base = build_id(url, "base")
    assert checks.latest(connection, base) == []
    assert [row["name"] for row in checks.latest(connection, base, attempt=1)] == ["trivy"]


def test_a_check_a_week_later_changes_nothing_of_its_build_and_claims_no_job(
    client: FlaskClient, url: str
):
    take(client, BASE)
    before = rows(url)
    with psycopg.connect(url) as connection:
        heard = connection.execute("SELECT last_heard_at FROM builds").fetchall()
        keys = connection.execute("SELECT run_key FROM run_keys").fetchall()
        take(client, envelope(check(when=10_000), number="base", run="github:a/b:9:1:7"))
        connection.rollback()
        assert connection.execute("SELECT last_heard_at FROM builds").fetchall() == heard
        assert connection.execute("SELECT run_key FROM run_keys").fetchall() == keys
    assert rows(url) == before


def target(number: str, targets: int) -> Json:
    """Return what the wrapper reports of one of its targets, each a build N-TARGET."""
    made = image(f"ami-{number}")
    document = envelope(stage("Base"), verdict("completed", 5), made, number=number, run="run-1")
    document["run"] |= {"number": "N", "targets": targets}
    return document


@pytest.mark.parametrize("is_first", [True, False])
def test_a_check_under_the_plain_number_is_of_the_only_target(client: FlaskClient, is_first: bool):
    scan = envelope(check(when=60), number="N", run="scan")
    take(client, *((scan, target("N-a", 1)) if is_first else (target("N-a", 1), scan)))
    (row,) = client.get("/api/v1/builds/N-a/checks").get_json()["items"]
    assert row["name"] == "trivy"
    listed = client.get("/api/v1/builds").get_json()["items"]
    assert [(each["build_number"], each["status"]) for each in listed] == [("N-a", "completed")]


def test_a_check_under_the_number_of_several_targets_is_of_none_of_them(client: FlaskClient):
    take(client, target("N-a", 2), target("N-b", 2))
    take(client, envelope(check(when=60), number="N", run="scan"))
    for number in ("N-a", "N-b"):
        assert client.get(f"/api/v1/builds/{number}/checks").get_json() == {"items": []}


def test_a_sender_of_a_project_attaches_no_check_to_another_one_s_build(
    client: FlaskClient, command: Callable[..., Result]
):
    path, secret = add_sender(command, "team", "--source", "milepost", "--project", "data")
    mine, theirs = report("mine", None), report("theirs", None)
    mine["build"]["project"], theirs["build"]["project"] = "data", "core"
    take(client, mine, theirs)
    for number, status in (("mine", 202), ("theirs", 422)):
        body = orjson.dumps(envelope(check(when=60), number=number, run="scan"))
        headers = {**sign(body, secret), "content-type": "application/json"}
        answer = client.post(path, data=body, headers=headers)
        assert answer.status_code == status, answer.text
        known = client.get(f"/api/v1/builds/{number}/checks").get_json()["items"]
        assert len(known) == (status == 202)


def test_a_path_that_was_used_thousands_of_times_is_of_the_build_before_the_child(
    client: FlaskClient, url: str, connection: Connection
):
    path = {"artifact_id": "Null", "files": [{"name": "out/base.qcow2", "size": 1}]}
    made = {"kind": "artifact", "at": at(3), "artifact": path}
    child = report("child", None, ("out/base.qcow2", None), start=30)
    take(client, report("b-1", made), report("b-2", made, start=20), child)
    with psycopg.connect(url, autocommit=True) as writer:
        writer.execute(MANY.encode())
    assert above(connection, url, "child") == [("b-2", 1)]
    assert below(connection, url, "b-2") == [("child", 1)]


MANY = """
    WITH made AS (
        INSERT INTO builds (
            id, build_number, platform_id, os_version_id, image_type_id, status, start_time
        )
        SELECT
            ('ffffffff-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'many-' || n,
            platform_id, os_version_id, image_type_id, 'completed', start_time + n * interval '1 h'
        FROM builds, generate_series(1, 3000) AS n WHERE build_number = 'b-2'
        RETURNING id
    )
    INSERT INTO artifacts (id, build_id, place, attempt, artifact_id, files)
    SELECT
        gen_random_uuid(), id, 0, 1, 'out/base.qcow2',
        '[{"name": "out/base.qcow2"}]'
    FROM made
"""
