"""A fold that is carried on gives the rows that folding everything gives."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from receiver.domain.fold.carried_on import Folded, carry_on, start
from receiver.domain.fold.events import StoredStatement
from receiver.domain.fold.fold import fold_attempts
from receiver.domain.fold.progress import StateOf
from receiver.domain.model import Artifact, Event, Identity, Resource, Run, Statement
from receiver.domain.stage_map import StageMap
from tests.support.fold_events import moment, stage, statement, verdict

MAP = StageMap.parse('["*".names]\nnamed = 30\n"named later" = 60\n', "stages.toml")
NAMES = ["named", "named later", "frobnicate", "Base configuration", None]


def state_of(name: str, is_forge: bool) -> Any:
    return MAP.mapped(name, [], is_forge=is_forge)


def states_of(_project: str | None) -> StateOf:
    return state_of


def folded(rows: Sequence[StoredStatement]) -> Folded | None:
    return start(rows, *fold_attempts(rows, states_of))


def stages() -> st.SearchStrategy[Event]:
    return st.builds(
        Event,
        kind=st.just("stage"),
        at=st.just(moment(0)),
        status=st.sampled_from(
            ["started", "started", "completed", "completed", "skipped", "failed"]
        ),
        stage=st.sampled_from(NAMES),
        state=st.sampled_from([None, None, None, 10, 50]),
        allowed=st.booleans(),
    )


def others() -> st.SearchStrategy[Event]:
    resource = st.builds(Resource, st.just("volume"), st.sampled_from(["v-1", "v-2"]))
    created = st.builds(
        Event,
        kind=st.just("resource"),
        at=st.just(moment(0)),
        status=st.sampled_from(["created", "removed"]),
        resource=resource,
    )
    artifact = Event("artifact", moment(0), artifact=Artifact("ami-1"))
    waiting = verdict("pending", 0, word="waiting")
    builds = [verdict("completed", 0), verdict("running", 0), waiting, waiting]
    return created | st.sampled_from([artifact, *builds])


def reports() -> st.SearchStrategy[list[StoredStatement]]:
    """Return what is said one after the other, mostly by one hook about stages."""
    event = st.one_of(*[stages()] * 7, others())
    said = st.sampled_from(
        [Identity(project="core")] * 5 + [Identity(project="core", platform="p")]
    )
    run = st.builds(
        Run,
        key=st.sampled_from(["github:a/b:1:1:7"] * 8 + ["github:a/b:1:2:9"]),
        pipeline=st.sampled_from([None] * 6 + ["p-1"]),
    )
    one = st.builds(
        Statement,
        build_number=st.just("b-1"),
        run=run,
        events=st.lists(event, min_size=1, max_size=3).map(tuple),
        said=said,
        order=st.sampled_from([(), (), ("frobnicate", "named")]),
    )
    step = st.tuples(
        one,
        st.sampled_from([1, 1, 1, 1, 0, -2]),  # minutes since the one before
        st.sampled_from(["milepost"] * 9 + ["github"]),
        st.sampled_from([0, 0, 0, -10]),  # minutes that its clock is wrong
    )
    return st.lists(step, min_size=2, max_size=14).map(_timed)


def _timed(steps: list[tuple[Statement, int, str, int]]) -> list[StoredStatement]:
    rows, now = [], 0
    for place, (said, later, source, late) in enumerate(steps):
        now += later
        events = tuple(
            replace(each, at=moment(now) + timedelta(seconds=number))
            for number, each in enumerate(said.events)
        )
        received = moment(now + late)
        rows.append(
            StoredStatement(
                place,
                source,
                replace(said, events=events),
                native=source == "github",
                received=received,
            )
        )
    return rows


@settings(max_examples=400, deadline=None)
@given(reports())
def test_carrying_on_gives_the_rows_of_folding_everything(rows: list[StoredStatement]) -> None:
    known = folded(rows[:1])
    for count in range(2, len(rows) + 1):
        whole = folded(rows[:count])
        expected = fold_attempts(rows[:count], states_of)[0]
        carried = carry_on(known, rows[count - 1 : count], state_of) if known else None
        if carried:
            assert carried.rows == expected
        known = carried or whole


def test_stages_and_resources_of_one_hook_are_carried_on():
    """A fold that is never carried on would pass every other test."""
    rows = [statement(stage("frobnicate", "started", 0))]
    known = folded(rows)
    for minute in range(1, 40):
        name, status = NAMES[minute // 2 % 4], "completed" if minute % 2 else "started"
        rows.append(statement(stage(name, status, minute)))
        known = known and carry_on(known, rows[-1:], state_of)
    assert known
    assert known.rows == fold_attempts(rows, states_of)[0]


def test_a_fold_is_carried_on_by_several_statements_at_once():
    rows = [statement(stage(name, "started", minute)) for minute, name in enumerate(NAMES[:4])]
    known = folded(rows[:1])
    carried = carry_on(known, rows[:0:-1], state_of) if known else None
    assert carried
    assert carried.rows == fold_attempts(rows, states_of)[0]


def test_what_may_change_more_than_the_end_is_not_carried_on():
    first = statement(stage("frobnicate", "started", 5))
    known = folded([first])
    assert known
    late = statement(stage("named", "started", 4))
    other_run = statement(stage("named", "started", 6), run="run-2")
    other_words = statement(stage("named", "started", 6), said=Identity(project="core"))
    failed = statement(stage("frobnicate", "failed", 6))
    ended = statement(verdict("completed", 6))
    for each in (late, other_run, other_words, failed, ended, first):
        assert carry_on(known, [each], state_of) is None
    for before in (failed, ended):
        assert folded([first, before]) is None
