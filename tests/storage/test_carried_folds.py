"""A large build's next event costs little more than a small build's, and gives the same rows."""

import time
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from receiver.config import Config
from receiver.storage import carried_folds, read_statements, refold
from receiver.storage.carried_folds import KEPT
from receiver.storage.row_marks import MARKS
from tests.support.forges import post_github, workflow_job
from tests.support.senders import envelope, get_build, post, stage, verdict
from tests.support.table_rows import rows

REPORT = 50  # events
TIMES = 5


def _fill(client: FlaskClient, number: str, count: int) -> None:
    for first in range(0, count, REPORT):
        steps = [_step(place) for place in range(first, first + REPORT)]
        assert post(client, envelope(*steps, number=number, run=number)).status_code == 202


def _step(place: int) -> dict[str, object]:
    return stage(f"step {place // 2}", "completed" if place % 2 else "started", place)


def _cost(client: FlaskClient, number: str, first: int) -> float:
    """Return the seconds of processor time that a report of one event takes, the least of some."""
    seconds = []
    for place in range(first, first + TIMES):
        document = envelope(_step(place), number=number, run=number)
        began = time.process_time()
        assert post(client, document).status_code == 202
        seconds.append(time.process_time() - began)
    return min(seconds)


def test_a_report_to_a_build_of_thousands_of_events_costs_as_one_to_a_small_build(
    client: FlaskClient,
):
    small, large = 50, 4_900
    for count in (small, large):
        _fill(client, f"b-{count}", count)
    cost = {count: _cost(client, f"b-{count}", count) for count in (small, large)}
    assert cost[large] / cost[small] < 4  # folded anew, it costs 15 times as much
    assert len(get_build(client, f"b-{large}")["states"]) == (large + TIMES + 1) // 2


@pytest.fixture
def _every_build_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refold, "LARGE", 0)


def _forget() -> None:
    for known in (KEPT, MARKS, read_statements.KNOWN):
        known.__init__()  # type: ignore[misc]  # as another process, which has seen nothing


@pytest.mark.usefixtures("_every_build_is_large")
def test_what_is_carried_on_has_the_rows_of_what_is_folded_anew(client: FlaskClient, url: str):
    _fill(client, "core-1", 2 * REPORT)
    for place in range(2 * REPORT, 3 * REPORT):
        post(client, envelope(_step(place), run="core-1"))
    post(client, envelope(verdict("failed", 200), run="core-1"))
    before = rows(url)
    _forget()
    post(client, envelope(verdict("failed", 200), run="core-1"))
    assert rows(url) == before


@pytest.mark.usefixtures("_every_build_is_large")
def test_what_another_process_recorded_meanwhile_is_carried_on_too(
    client: FlaskClient,
    config: Config,
    serve: Callable[[Config], FlaskClient],
    monkeypatch: pytest.MonkeyPatch,
):
    """Two processes take turns, as the workers of a receiver do."""
    other = serve(config)
    caches = (carried_folds._KeptFolds(), carried_folds._KeptFolds())
    for place in range(40):
        turn = place // 2 % 2
        sender = (client, other)[turn]
        monkeypatch.setattr(carried_folds, "KEPT", caches[turn])
        post(sender, envelope(_step(place)))
        status = "completed" if place % 2 else "started"
        assert get_build(client)["states"][-1]["status"] == status
    assert len(get_build(client)["states"]) == 20


@pytest.mark.usefixtures("_every_build_is_large")
def test_a_forge_s_word_between_the_stages_counts_at_once(forge: FlaskClient):
    job = workflow_job("in_progress")["workflow_job"]
    key = f"github:acme/images:{job['run_id']}:{job['run_attempt']}:{job['id']}"
    for place in range(6):
        post(forge, envelope(_step(place), run=key))
    post_github(forge, workflow_job("completed", "failure"))
    assert get_build(forge)["status"] == "failed"
    post(forge, envelope(_step(7), run=key))
    assert get_build(forge)["status"] == "failed"


@pytest.mark.usefixtures("_every_build_is_large")
def test_a_report_that_was_rolled_back_leaves_nothing_in_the_next_fold(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
):
    for place in range(4):
        post(client, envelope(_step(place)))
    with monkeypatch.context() as broken:
        broken.setattr("receiver.storage.event_bound.MOST", 3)
        assert post(client, envelope(stage("refused", minutes=9))).status_code == 422
    post(client, envelope(_step(4)))
    assert [each["stage"] for each in get_build(client)["states"]] == ["step 0", "step 1", "step 2"]
