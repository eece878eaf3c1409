"""The rules of the fold for attempts, stages and verdicts."""

from itertools import permutations

from receiver.domain.fold.projection import BuildRows
from receiver.domain.model import Failure, Identity
from tests.support.fold_events import fold, manifest_event, moment, stage, statement, verdict


def spans(result: BuildRows) -> list[tuple[str | None, str, int, int]]:
    return [(row.stage, row.status, row.state, row.attempt) for row in result.states]


def test_a_build_without_events_is_pending():
    assert fold().build.status == "pending"


def test_a_start_completes_the_stage_before_and_the_verdict_ends_the_last():
    result = fold(
        statement(
            stage("Base configuration", "started", 0),
            stage("Security baseline", "started", 5),
            verdict("completed", 9),
        )
    )
    assert spans(result) == [
        ("Base configuration", "completed", 15, 1),
        ("Security baseline", "completed", 25, 1),
    ]
    assert [row.duration_seconds for row in result.states] == [300, 240]
    assert (result.build.status, result.build.current_state) == ("completed", 100)
    assert result.build.duration_seconds == 540


def test_an_end_at_the_time_of_the_next_start_is_no_second_row():
    why = Failure("provisioner", "no route", "ansible")
    result = fold(
        statement(
            stage("Base configuration", "started", 0),
            stage("Base configuration", "completed", 5),
            stage("Security baseline", "started", 5),
            stage("Security baseline", "failed", 9, failure=why),
            stage("Storage", "started", 9),
            verdict("completed", 12),
        )
    )
    assert spans(result) == [
        ("Base configuration", "completed", 15, 1),
        ("Security baseline", "failed", 25, 1),
        ("Storage", "completed", 45, 1),
    ]
    assert [row.duration_seconds for row in result.states] == [300, 240, 180]
    assert [row.error_message for row in result.failures] == ["no route"]


def test_a_failed_verdict_fails_the_open_stage_with_its_text():
    why = Failure("provisioner", "no route", "ansible")
    result = fold(statement(stage("x", "started", 0, state=40), verdict("failed", 3, failure=why)))
    assert spans(result) == [("x", "failed", 40, 1)]
    assert [(row.error_message, row.component) for row in result.failures] == [
        ("no route", "ansible")
    ]


def test_a_failed_verdict_after_a_failed_stage_is_the_same_failure():
    result = fold(
        statement(
            stage("x", "started", 0, state=40),
            stage(None, "failed", 2, failure=Failure("provisioner", "no route")),
            verdict("failed", 3),
        )
    )
    assert [row.error_message for row in result.failures] == ["no route"]


def test_a_failed_verdict_without_a_stage_is_a_failure_of_the_build():
    result = fold(statement(verdict("failed", 3)))
    assert [(row.stage, row.failure_type) for row in result.failures] == [(None, "build")]


def test_a_start_after_a_verdict_of_the_same_hook_is_the_next_attempt():
    result = fold(
        statement(stage("x", "started", 0, state=25), verdict("failed", 3)),
        statement(stage("x", "started", 9, state=25), run="run-1"),
    )
    assert spans(result) == [("x", "failed", 25, 1), ("x", "started", 25, 2)]
    assert (result.build.status, result.build.attempt) == ("running", 2)
    assert [row.retry_count for row in result.states] == [0, 1]


def test_a_start_after_a_failed_stage_without_a_verdict_is_a_retry_inside_the_attempt():
    result = fold(
        statement(
            stage("x", "started", 0, state=25),
            stage("x", "failed", 2),
            stage("X", "started", 3, state=25),
            stage("x", "completed", 5),
            verdict("completed", 6),
        )
    )
    assert [(row.status, row.retry_count) for row in result.states] == [
        ("failed", 0),
        ("completed", 1),
    ]
    assert result.build.attempt == 1
    assert result.build.status == "completed"
    assert len(result.failures) == 1


def test_another_run_is_another_attempt_by_its_earliest_time():
    result = fold(
        statement(stage("x", "started", 50, state=30), run="b"),
        statement(stage("x", "started", 0, state=25), run="a"),
    )
    assert [(row.attempt, row.state) for row in result.states] == [(1, 25), (2, 30)]


def test_a_declared_number_raises_the_attempt_and_never_lowers_it():
    late = statement(stage("x", "started", 50, state=30), run="b", attempt=7)
    last = statement(stage("x", "started", 90, state=30), run="c", attempt=2)
    first = statement(stage("x", "started", 0, state=25), run="a")
    assert [row.attempt for row in fold(late, first, last).states] == [1, 7, 8]


def test_github_keys_of_one_run_and_attempt_are_one_attempt():
    result = fold(
        statement(stage("x", "started", 0, state=25), run="github:acme/images:500:2:84211"),
        statement(stage("y", "started", 1, state=30), run="github:acme/images:500:2:runner-4"),
    )
    assert [row.attempt for row in result.states] == [1, 1]


def test_jobs_that_were_carried_over_are_not_taken_for_each_other():
    starts = stage("Base configuration", "started", 0)
    jobs = [
        statement(starts, run="github:a/b:1:1"),
        statement(starts, run="github:a/b:1:~:1b2", source="github"),
        statement(starts, run="github:a/b:1:~:1b2"),
    ]
    assert {len(fold(*order).states) for order in permutations(jobs)} == {3}


def test_a_manual_event_joins_the_attempt_running_at_its_time():
    result = fold(
        statement(stage("x", "started", 0, state=25), verdict("failed", 10), run="a"),
        statement(stage("x", "started", 20, state=25), verdict("failed", 30), run="b"),
        statement(stage("note", "completed", 5, state=26), source="api", run=""),
        statement(stage("note", "completed", 15, state=26), source="api", run=""),
        statement(stage("note", "completed", 25, state=26), source="api", run=""),
    )
    notes = [row.attempt for row in result.states if row.stage == "note"]
    assert notes == [1, 1, 2]


def test_a_terminal_status_without_a_start_is_a_row_of_no_length():
    result = fold(statement(stage("x", "completed", 3, state=20)))
    assert [(row.start_time, row.end_time) for row in result.states] == [(moment(3), moment(3))]


def test_an_end_is_never_before_its_start():
    result = fold(
        statement(stage("x", "started", 5, state=20), run="github:a/b:1:1:7"),
        statement(verdict("failed", 2), run="github:a/b:1:1:8"),
    )
    assert [row.duration_seconds for row in result.states] == [0]


def test_a_reporter_closes_only_its_own_rows():
    result = fold(
        statement(stage("x", "started", 0, state=20), run="github:a/b:1:1:7"),
        statement(stage("y", "started", 1, state=30), run="github:a/b:1:1:8"),
    )
    assert [row.status for row in result.states] == ["started", "started"]


def test_a_retry_is_counted_by_name_not_by_state():
    result = fold(
        statement(
            stage("harden a", "started", 0, state=25),
            stage("harden b", "started", 1, state=25),
            stage("`Harden A`", "started", 2, state=25),
        )
    )
    assert [row.retry_count for row in result.states] == [0, 0, 1]


def test_failed_outranks_cancelled_outranks_completed():
    assert fold(statement(verdict("completed", 1), verdict("failed", 2))).build.status == "failed"
    both = fold(statement(verdict("completed", 2), verdict("cancelled", 1)))
    assert both.build.status == "cancelled"


def test_a_manifest_alone_completes_a_build():
    result = fold(statement(manifest_event(5)))
    assert (result.build.status, result.build.current_state) == ("completed", 100)
    assert [artifact.artifact_id for artifact in result.artifacts] == ["ami-1"]


def test_a_manifest_is_no_proof_of_success_after_a_failure():
    failing = [stage("x", "started", 0, state=95), stage("x", "failed", 6)]
    assert fold(statement(manifest_event(5), *failing)).build.status == "failed"
    assert fold(statement(manifest_event(5), verdict("failed", 7))).build.status == "failed"


def test_a_manifest_completes_a_build_with_a_recovered_failure():
    stages = [stage("x", "failed", 1, state=20), stage("x", "completed", 2, state=20)]
    assert fold(statement(*stages, manifest_event(5))).build.status == "completed"


def test_without_a_verdict_a_later_start_makes_it_running_again():
    failing = statement(stage("x", "failed", 1, state=20))
    assert fold(failing).build.status == "failed"
    again = statement(stage("y", "started", 2, state=30), run="run-1")
    assert fold(failing, again).build.status == "running"


def test_an_allowed_failure_is_a_completed_row_with_a_warning():
    event = stage("x", "failed", 1, state=20, allowed=True, failure=Failure(message="flaky"))
    result = fold(statement(event, verdict("completed", 2)))
    assert [(row.status, row.error_message) for row in result.states] == [("completed", "flaky")]
    assert result.failures == ()


def test_late_facts_enter_the_history_and_reopen_nothing():
    done = statement(stage("x", "started", 0, state=20), verdict("completed", 5))
    late = statement(stage("y", "completed", 4, state=30), run="run-1")
    result = fold(done, late)
    assert result.build.status == "completed"
    assert [row.stage for row in result.states] == ["x", "y"]


def test_said_outranks_custom_data_outranks_inferred_and_the_latest_wins():
    result = fold(
        statement(stage("x", "started", 0), said=Identity(platform="aws")),
        statement(
            stage("y", "started", 1),
            said=Identity(platform="aws-commercial"),
            custom=Identity(platform="no", os_version="rhel-9"),
            inferred=Identity(os_version="no", image_type="base"),
        ),
    )
    assert result.identity == Identity(None, "aws-commercial", "rhel-9", "base")
