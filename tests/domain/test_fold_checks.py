"""Checks and sources in the fold: no order changes them, and a check is no part of its build."""

from datetime import datetime
from itertools import permutations
from typing import Any

from msgspec.structs import replace

from receiver.domain.fold.belief import believed
from receiver.domain.fold.events import StoredStatement
from receiver.domain.model import Artifact, Check, CheckStatus, Event, Identity, SourceImage
from tests.support.fold_events import fold, moment, stage, statement, verdict

WEEK = 7 * 24 * 60  # minutes


def check(
    minutes: float, name: str = "trivy", run: str = "scan-1", status: CheckStatus = "passed"
) -> StoredStatement:
    return statement(run=run, checks=(Check(name, "scan", status, moment(minutes)),))


def received(row: StoredStatement, at: datetime) -> StoredStatement:
    return StoredStatement(row.id, row.source, row.statement, received=at)


BUILD = [
    statement(stage("Base configuration", "started", 0)),
    statement(verdict("completed", 5)),
    statement(verdict("failed", 30), run="run-2"),
]


def test_all_orders_of_a_build_and_its_checks_give_the_same_rows():
    known = [*BUILD, check(6), check(WEEK, status="failed"), check(WEEK, "grype")]
    results = [fold(*order, *order[:2]) for order in permutations(known)]
    assert all(replace(each, events=0) == replace(results[0], events=0) for each in results)
    assert [(row.attempt, row.name, row.status) for row in results[0].checks] == [
        (1, "trivy", "passed"),
        (2, "grype", "passed"),
        (2, "trivy", "failed"),
    ]


def test_a_check_changes_nothing_else_of_its_build():
    checked = fold(*BUILD, check(-5), check(2, run="run-1"), check(WEEK), check(WEEK, run="run-2"))
    assert replace(checked, checks=()) == fold(*BUILD)


def test_a_check_by_the_run_of_an_attempt_is_about_that_attempt():
    rows = fold(*BUILD, check(WEEK, run="run-1"), check(2 * WEEK, run="run-3"))
    assert [row.attempt for row in rows.checks] == [1, 2]


def test_a_check_in_the_future_has_the_time_of_its_receipt():
    late = received(check(WEEK), moment(10))
    (row,) = fold(*BUILD, late).checks
    assert row.at == moment(10)


def test_a_check_that_was_told_twice_is_one_with_its_first_receipt():
    one, other = received(check(5, run="a"), moment(4)), received(check(5, run="b"), moment(3))
    for order in ((one, other), (other, one)):
        (row,) = fold(*order).checks
        assert row.at == moment(3)


def test_of_a_build_known_by_a_check_alone_the_check_says_what_it_is():
    said = replace(check(1).statement, said=Identity(project="core"))
    alone = StoredStatement("a", "milepost", said)
    rows = fold(alone)
    assert (rows.identity.project, rows.build.status, rows.build.start_time) == (
        "core",
        "pending",
        None,
    )
    other = statement(stage("x", "started", 0), said=Identity(project="data"))
    assert fold(alone, other).identity.project == "data"


def test_an_attempt_has_the_sources_that_its_run_says_each_once():
    base, other = SourceImage("ami-1", "us-east-1"), SourceImage("ami-2")
    started = stage("Base configuration", "started", 0)
    known = [
        statement(started, sources=(base,)),
        statement(started, run="run-1"),  # an older receiver took it without its sources
        statement(verdict("failed", 5), sources=(base, other)),
        statement(stage("Base configuration", "started", 9), run="run-2", sources=(other,)),
    ]
    for order in permutations(known):
        rows = fold(*order, *order[:1]).sources
        assert [(row.attempt, row.artifact_id, row.region) for row in rows] == [
            (1, "ami-1", "us-east-1"),
            (1, "ami-2", None),
            (2, "ami-2", None),
        ]


def made(source: str, builder_type: str = "amazon-ebs", **more: Any) -> StoredStatement:
    artifact = Artifact(
        "ami-9", "us-east-1", builder_type, custom_data={"milepost_source": source}, **more
    )
    return statement(Event("artifact", moment(3), artifact=artifact))


def test_custom_data_tells_a_source_in_each_region():
    rows = fold(made("us-east-1:ami-1,eu-west-1:ami-2")).sources
    assert [(row.artifact_id, row.region) for row in rows] == [
        ("ami-1", "us-east-1"),
        ("ami-2", "eu-west-1"),
    ]
    (whole,) = fold(made("Canonical:ubuntu-24_04-lts:server:latest", "azure-arm")).sources
    assert (whole.artifact_id, whole.region) == ("Canonical:ubuntu-24_04-lts:server:latest", None)


def test_custom_data_that_is_not_filled_or_of_another_run_tells_no_source():
    assert fold(made("<no value>"), made(" ")).sources == ()
    assert fold(made("us-east-1:ami-1", current=False)).sources == ()


def test_the_project_that_a_check_names_does_not_decide_whose_word_counts():
    told = statement(stage("x", "started", 0), source="github", said=Identity(project="core"))
    forge = StoredStatement("f", "github", told.statement, native=True, projects=("core",))
    hook = statement(stage("x", "started", 0), said=Identity(project="core"))
    scan = replace(check(5).statement, said=Identity(project="data"))
    rows = [forge, hook, StoredStatement("s", "milepost", scan)]
    ids = {("project", name): name for name in ("core", "data")}
    assert believed(rows, ids) == rows
