"""The rules of the fold for the state of a build and its resume point."""

from tests.support.fold_events import fold, stage, statement, verdict


def test_a_failed_build_stays_at_its_state():
    result = fold(statement(stage("x", "started", 0, state=25), stage("x", "failed", 5)))
    assert (result.build.status, result.build.current_state) == ("failed", 25)
    assert result.build.resume_state == 25
    assert [failure.state for failure in result.failures] == [25]


def test_a_stage_after_a_failure_does_not_move_the_state():
    result = fold(
        statement(
            stage("x", "failed", 1, state=20),
            stage("cleanup", "started", 2, state=95),
            verdict("failed", 3),
        )
    )
    assert result.build.current_state == 20


def test_a_skipped_stage_does_not_move_the_state():
    result = fold(statement(stage("x", "started", 0, state=20), stage("y", "skipped", 1, state=60)))
    assert result.build.current_state == 20


def test_a_stage_that_says_100_counts_99():
    assert fold(statement(stage("x", "started", 0, state=100))).build.current_state == 99


def test_an_unmapped_stage_carries_the_value_so_far():
    result = fold(statement(stage("x", "started", 0, state=20), stage("frobnicate", "started", 1)))
    assert [(row.state, row.mapped) for row in result.states] == [(20, True), (20, False)]
    assert result.build.current_state == 20


def test_an_attempt_without_named_states_is_at_the_state_it_resumed_from():
    result = fold(
        statement(stage("x", "failed", 1, state=55), verdict("failed", 2), run="a"),
        statement(stage("frobnicate", "started", 9), run="b", resumed_from=55),
    )
    assert result.build.current_state == 55
    assert result.build.resume_state == 55


def test_the_resume_point_is_the_first_named_state_above_the_highest_completed():
    result = fold(
        statement(
            stage("a", "started", 0, state=10),
            stage("b", "started", 1, state=25),
            stage("c", "started", 2, state=40),
            verdict("cancelled", 3),
        )
    )
    assert result.build.resume_state == 40


def test_a_completed_build_has_no_resume_point():
    assert fold(statement(verdict("completed", 1))).build.resume_state is None


STEPS = ("set up job", "checkout", "frobnicate", "complete job")


def test_a_step_without_a_named_state_is_estimated_by_its_place():
    steps = [stage(name, "completed", place) for place, name in enumerate(STEPS[:3])]
    short = statement(*steps[:2], source="github", order=STEPS[:2])
    longest = statement(*steps, source="github", order=STEPS)
    result = fold(short, longest)
    assert [(row.state, row.estimated, row.mapped) for row in result.states] == [
        (25, True, False),
        (50, True, False),
        (75, True, False),
    ]
    assert (result.build.current_state, result.build.resume_state) == (75, 0)


def test_an_estimate_gives_way_to_a_named_state():
    steps = [stage(name, "completed", place + 1) for place, name in enumerate(STEPS)]
    native = statement(*steps, source="github", order=STEPS, run="github:a/b:1:1:7")
    hook = statement(stage("Storage", "started", 0), run="github:a/b:1:1:7")
    result = fold(native, hook)
    assert result.build.current_state == 45
    assert [(row.state, row.estimated) for row in result.states] == [(45, False)] * 5
