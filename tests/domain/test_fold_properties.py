"""Any order and any duplication of one set of events gives the same rows."""

from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from receiver.domain.fold.events import StoredStatement, dump, load
from receiver.domain.model import (
    Check,
    Event,
    Failure,
    Identity,
    Run,
    SourceImage,
    Statement,
)
from tests.support.fold_events import fold, manifest_event
from tests.support.senders import START

STAGES = ["Base configuration", "base configuration", "Security baseline", "frobnicate", None]
RUNS = [
    "github:a/b:1:1",  # a whole run
    "github:a/b:1:1:7",
    "github:a/b:1:1:8",
    "github:a/b:1:2:9",
    "github:a/b:1:~:1b2",  # carried over
    "gitlab:h:1",
    "gitlab:h:2",
    "uuid",
    "local",
]
BASE = SourceImage("ami-1", "us-east-1")
WORDS = st.sampled_from([None, "skipped", "manual", "unstable"])


def events() -> st.SearchStrategy[Event]:
    times = st.integers(0, 6).map(lambda minute: START + timedelta(minutes=minute))
    stage = st.builds(
        Event,
        kind=st.just("stage"),
        at=times,
        status=st.sampled_from(["started", "completed", "failed", "skipped", "cancelled"]),
        stage=st.sampled_from(STAGES),
        state=st.none() | st.sampled_from([0, 25, 40, 100]),
        allowed=st.booleans(),
        failure=st.none() | st.builds(Failure, message=st.sampled_from(["", "no route"])),
    )
    build = st.builds(
        Event,
        kind=st.just("build"),
        at=times,
        status=st.sampled_from(["pending", "running", "completed", "failed", "cancelled"]),
        word=WORDS,
    )
    undated = st.integers(0, 6).map(manifest_event)
    return stage | build | undated


def checks(names: tuple[str, ...]) -> tuple[Check, ...]:
    return tuple(Check(name, "scan", "passed", START, {"low": 1, "high": 2}) for name in names)


def stored() -> st.SearchStrategy[list[StoredStatement]]:
    names = st.none() | st.sampled_from(["a", "b"])
    statement = st.builds(
        Statement,
        build_number=st.just("b-1"),
        run=st.builds(
            Run,
            key=st.sampled_from(RUNS),
            attempt=st.none() | st.integers(1, 4),
            resumed_from=st.none() | st.just(25),
            pipeline=st.sampled_from([None, None, "p-1", "p-2"]),
        ),
        events=st.lists(events(), min_size=1, max_size=3).map(tuple),
        said=st.builds(Identity, project=names, platform=names),
        inferred=st.builds(Identity, platform=names),
        created_by=names,
        sources=st.sampled_from([(), (), (BASE,), (BASE, SourceImage("ami-2"))]),
        checks=st.sampled_from([(), ("trivy",), ("trivy", "tests")]).map(checks),
        names=st.sampled_from([{}, {"job": "build"}, {"job": "test", "target": "x.rhel9"}]),
        order=st.sampled_from([(), ("frobnicate",), ("Base configuration", "frobnicate", "x")]),
    )
    sources = st.sampled_from(["milepost", "packer", "github", "api"])
    aliases = st.sampled_from([None, "github:a/b:1:1:8"])
    received = st.none() | st.integers(-6000, 10).map(lambda late: START + timedelta(minutes=late))
    one = st.builds(
        StoredStatement,
        id=st.integers(0, 10**9),
        source=sources,
        statement=statement,
        alias=aliases,
        received=received,
    )
    return st.lists(one, max_size=7)


def comparable(rows: list[StoredStatement]) -> Any:
    """Return all rows but the choice between two equal manifests."""
    result = fold(*rows)
    return (
        result.identity,
        result.states,
        result.failures,
        result.artifacts,
        result.sources,
        result.checks,
        result.build.status,
        result.build.current_state,
        result.build.resume_state,
        result.build.attempt,
        result.build.start_time,
        result.build.end_time,
        result.build.created_by,
        result.build.manifest_sha256,
        result.build.conflict,
        result.build.inferred,
        result.build.unstable,
        result.build.future,
    )


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_any_permutation_with_any_duplicates_gives_the_same_rows(data: st.DataObject) -> None:
    rows = data.draw(stored())
    again = data.draw(st.lists(st.sampled_from(rows), max_size=4)) if rows else []
    shuffled = data.draw(st.permutations(rows + again))
    assert comparable(shuffled) == comparable(rows)


@settings(max_examples=200, deadline=None)
@given(stored())
def test_the_state_stays_in_bounds_and_only_a_verdict_gives_100(
    rows: list[StoredStatement],
) -> None:
    result = fold(*rows)
    assert 0 <= result.build.current_state <= 100
    assert (result.build.current_state == 100) == (result.build.status == "completed")
    assert all(0 <= row.state < 100 for row in result.states)
    assert all(row.end_time is None or row.end_time >= row.start_time for row in result.states)


@settings(max_examples=200, deadline=None)
@given(stored())
def test_statements_survive_their_way_through_json(rows: list[StoredStatement]) -> None:
    for row in rows:
        assert load(dump(row.statement)) == replace(row.statement, build_number="")
