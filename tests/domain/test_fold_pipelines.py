"""Jobs of one pipeline that report one build continue its attempt."""

from itertools import permutations
from typing import Any

import pytest

from receiver.domain.fold.events import StoredStatement
from receiver.domain.fold.projection import BuildRows
from receiver.domain.model import Event, Run, Statement
from tests.support.fold_events import fold, manifest_event, moment, stage, verdict


def job(
    name: str | None,
    key: str,
    *events: Event,
    source: str = "milepost",
    pipeline: str | None = "acme/images:500",
    **more: Any,
) -> StoredStatement:
    """Return what a job of a pipeline reports."""
    run = Run(key, pipeline=pipeline, attempt=more.pop("attempt", None))
    names = {"job": name} if name else {}
    statement = Statement("b-1", run, events, names=names)
    return StoredStatement((key, source, len(events)), source, statement, **more)


def build_job(key: str = "gitlab:h:1", minutes: float = 0, **more: Any) -> StoredStatement:
    return job(
        more.pop("name", "build"),
        key,
        stage("Base configuration", "started", minutes),
        manifest_event(minutes + 8),
        verdict("completed", minutes + 9),
        **more,
    )


def integration(end: str, key: str = "gitlab:h:2", minutes: float = 10, **more: Any) -> Any:
    return job(
        more.pop("name", "test"),
        key,
        stage("Integration tests", "started", minutes),
        verdict(end, minutes + 5),
        **more,
    )


def seen(result: BuildRows) -> Any:
    states = [(row.stage, row.status, row.attempt) for row in result.states]
    images = [(artifact.artifact_id, artifact.attempt) for artifact in result.artifacts]
    return result.build.status, result.build.attempt, states, images


def test_jobs_of_one_pipeline_are_one_attempt_with_the_image_of_the_first():
    assert seen(fold(build_job(), integration("completed"))) == (
        "completed",
        1,
        [("Base configuration", "completed", 1), ("Integration tests", "completed", 1)],
        [("ami-1", 1)],
    )


def test_a_pipeline_is_completed_when_its_last_job_is():
    build = fold(build_job(), integration("completed")).build
    assert (build.start_time, build.end_time) == (moment(0), moment(15))


def test_jobs_without_a_pipeline_are_attempts_as_before():
    result = fold(build_job(pipeline=None), integration("completed", pipeline=None))
    assert (result.build.attempt, result.artifacts[0].attempt) == (2, 1)


def test_a_failed_test_job_fails_no_stage_of_the_build_job():
    result = fold(build_job(), integration("failed"))
    assert [(row.stage, row.status) for row in result.states] == [
        ("Base configuration", "completed"),
        ("Integration tests", "failed"),
    ]
    assert (result.build.status, len(result.failures)) == ("failed", 1)


@pytest.mark.parametrize("named", [True, False], ids=["named", "nameless"])
def test_a_test_job_run_again_keeps_the_image_of_the_build_job(named: bool):
    name: dict[str, Any] = {} if named else {"name": None}
    first = (build_job(**name), integration("failed", **name))
    again = integration("completed", "gitlab:h:3", 30, **name)
    result = fold(*first, again)
    assert seen(result) == (
        "completed",
        2,
        [
            ("Integration tests", "failed", 1),
            ("Base configuration", "completed", 2),
            ("Integration tests", "completed", 2),
        ],
        [("ami-1", 2)],
    )
    assert [failure.attempt for failure in result.failures] == [1]


def test_a_build_job_run_again_replaces_its_image_and_nothing_else():
    again = job("build", "gitlab:h:4", stage("Base configuration", "started", 40))
    result = fold(build_job(), integration("completed"), again)
    assert (result.build.status, result.build.attempt) == ("completed", 2)
    assert seen(result)[3] == [("ami-1", 1)]
    assert [(row.stage, row.attempt) for row in result.states] == [
        ("Base configuration", 1),
        ("Integration tests", 2),
        ("Base configuration", 2),
    ]


def test_another_pipeline_is_the_next_attempt():
    other = build_job("gitlab:h:9", 60, pipeline="acme/images:501")
    assert fold(build_job(), integration("completed"), other).build.attempt == 2


def test_legs_of_one_run_of_github_that_share_a_name_do_not_replace_each_other():
    legs = [build_job(f"github:a/b:500:1:{place}", place, attempt=1) for place in (1, 2)]
    assert fold(*legs).build.attempt == 1


def test_a_rerun_of_github_replaces_the_leg_of_its_whole_name():
    def leg(place: int, attempt: int, name: str, end: str) -> list[StoredStatement]:
        key, at = f"github:a/b:500:{attempt}:{place}", 100 * attempt + place
        hook = job("build", key, stage(f"x {name}", "started", at), verdict(end, at + 5))
        native = job(name, key, verdict(end, at + 6), source="github", pipeline=None, native=True)
        return [hook, native]

    passed, failed = leg(1, 1, "build (a)", "completed"), leg(2, 1, "build (b)", "failed")
    result = fold(*passed, *failed, *leg(3, 2, "build (b)", "completed"))
    assert [(row.stage, row.status, row.attempt) for row in result.states] == [
        ("x build (b)", "failed", 1),
        ("x build (a)", "completed", 2),
        ("x build (b)", "completed", 2),
    ]
    assert result.build.status == "completed"


def test_every_order_of_a_pipeline_with_a_rerun_gives_the_same_rows():
    told = [build_job(), integration("failed"), integration("completed", "gitlab:h:3", 30)]
    told.append(job("publish", "gitlab:h:5", stage("Publish", "started", 50)))
    told.append(job("scan", "gitlab:h:6", verdict("cancelled", 55, word="skipped")))
    results = [seen(fold(*order, *order[:2])) for order in permutations(told)]
    assert all(result == results[0] for result in results)
    assert results[0][:2] == ("completed", 2)


def test_an_open_row_ends_with_its_own_reporter_s_verdict():
    result = fold(
        job("build", "gitlab:h:1", stage("x", "started", 0, state=20), verdict("completed", 5)),
        job("test", "gitlab:h:2", stage("y", "started", 3, state=70), verdict("failed", 6)),
    )
    assert [(row.stage, row.status) for row in result.states] == [
        ("x", "completed"),
        ("y", "failed"),
    ]


@pytest.mark.parametrize("key", ["github:a/b:1:1:7", "github:a/b:1:1:runner-4"])
def test_an_open_row_ends_with_its_job_s_verdict_by_key_or_alias(key: str):
    hook = job(None, key, stage("x", "started", 0, state=20), pipeline=None)
    native = job(
        "build",
        "github:a/b:1:1:7",
        verdict("failed", 5),
        source="github",
        pipeline=None,
        native=True,
        alias="github:a/b:1:1:runner-4",
    )
    assert [(row.stage, row.status) for row in fold(hook, native).states] == [("x", "failed")]


def test_an_open_row_of_a_job_without_a_verdict_is_cancelled():
    result = fold(
        job("build", "gitlab:h:1", stage("x", "started", 0, state=20)),
        job("test", "gitlab:h:2", verdict("failed", 6)),
    )
    assert [(row.stage, row.status) for row in result.states] == [("x", "cancelled")]
    assert [(failure.stage, failure.state) for failure in result.failures] == [(None, 20)]


def test_a_cancellation_by_a_person_closes_every_row():
    result = fold(
        job("build", "gitlab:h:1", stage("x", "started", 0, state=20)),
        job(None, "api", verdict("cancelled", 6), source="api", pipeline=None),
    )
    assert [row.status for row in result.states] == ["cancelled"]
    assert result.build.status == "cancelled"


def test_a_build_that_never_began_has_no_start():
    waiting, skipped = Event("build", verdict("x", 0).at, status="pending"), {"word": "skipped"}
    over = verdict("cancelled", 1, **skipped)
    result = fold(job("build", "gitlab:h:1", waiting, over, source="gitlab", native=True))
    assert (result.build.status, result.build.start_time) == ("cancelled", None)


def test_a_build_is_not_completed_before_its_failed_job_has_run_again():
    first = (build_job(), integration("failed"))
    begun = job("test", "gitlab:h:3", stage("Integration tests", "started", 20))
    result = fold(*first, begun)
    assert (result.build.status, result.build.attempt) == ("running", 2)
    assert [(each.artifact_id, each.attempt) for each in result.artifacts] == [("ami-1", 1)]
    for end in ("completed", "failed"):
        result = fold(*first, integration(end, "gitlab:h:3", 20))
        assert (result.build.status, result.build.attempt) == (end, 2)
        assert [(each.artifact_id, each.attempt) for each in result.artifacts] == [("ami-1", 2)]
