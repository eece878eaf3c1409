"""What is noted for notices: new verdicts and quarantined deliveries, in the same transaction."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask.testing import FlaskClient
from psycopg.rows import dict_row

from receiver.config import Config
from receiver.domain.fold.projection import BuildRow
from receiver.domain.notices.causes import cause_of, wanted
from tests.support import forges
from tests.support.api import Api
from tests.support.senders import SECRET, envelope, post, stage, verdict

FILE = f"""
[[notice]]
name = "all"
on = ["recovered", "completed", "quarantined", "digest"]
digest = "07:00 UTC"
to = ["https://a.example"]
secret = "{SECRET}"
"""


@pytest.fixture
def noticed(config: Config, tmp_path: Path) -> Config:
    path = tmp_path / "notices.toml"
    path.write_text(FILE)
    secrets = {**config.secrets, "github": (forges.SECRETS["github"],)}
    return replace(config, notices=path, secrets=secrets)


@pytest.fixture
def causes(url: str) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    with psycopg.connect(url, autocommit=True, row_factory=dict_row) as connection:
        yield lambda: connection.execute("SELECT * FROM notice_causes ORDER BY id").fetchall()


def report(client: FlaskClient, status: str, run: str = "local", number: str = "b-1") -> None:
    events = [stage("Security baseline", state=25), verdict(status)]
    answer = post(client, envelope(*events, number=number, run=run))
    assert answer.status_code == 202, answer.text


@pytest.mark.parametrize(
    ("before", "after", "cause"),
    [
        (("running", 1), ("failed", 1), "failed"),
        (("pending", 1), ("completed", 1), "completed"),
        (("failed", 1), ("failed", 1), None),
        (("failed", 1), ("failed", 2), "failed"),
        (("failed", 1), ("running", 2), None),
        (("failed", 1), ("completed", 1), "completed"),
        (("running", 1), ("cancelled", 1), None),
    ],
)
def test_a_verdict_is_news_once_for_each_attempt(
    before: tuple[str, int], after: tuple[str, int], cause: str | None
):
    row = {"status": before[0], "attempt": before[1]}
    assert cause_of(row, BuildRow(status=after[0], attempt=after[1])) == cause


def test_recovered_needs_the_failures_too_and_a_digest_needs_nothing():
    assert wanted(frozenset({"recovered"})) == {"failed", "completed"}
    assert wanted(frozenset({"digest", "late"})) == frozenset()


def test_first_failure_ever_is_noted_in_the_transaction_of_its_delivery(
    serve: Callable[[Config], FlaskClient], noticed: Config, causes: Callable[[], list[Any]]
):
    report(serve(noticed), "failed")
    (row,) = causes()
    assert (row["type"], row["attempt"]) == ("failed", 1)


def test_without_a_notice_nothing_is_noted(client: FlaskClient, causes: Callable[[], list[Any]]):
    report(client, "failed")
    assert causes() == []


def test_a_repeated_delivery_a_replay_and_a_refold_note_nothing(
    serve: Callable[[Config], FlaskClient],
    noticed: Config,
    causes: Callable[[], list[Any]],
    token: Callable[..., str],
    command: Callable[..., Any],
    url: str,
):
    client = serve(noticed)
    report(client, "failed")
    report(client, "failed")
    admin = Api(client, token)
    (delivery, *_) = admin.items("/deliveries")
    assert admin.post(f"/deliveries/{delivery['id']}/replay", scope="admin").status_code == 200
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE builds SET status = 'running', fold_version = NULL")
    assert command("refold").exit_code == 0
    assert len(causes()) == 1


def test_a_quarantined_delivery_is_noted(
    serve: Callable[[Config], FlaskClient], noticed: Config, causes: Callable[[], list[Any]]
):
    said = forges.post_github(serve(noticed), {"workflow_job": 5}).get_json()
    assert said["outcome"] == "quarantined", said
    (row,) = causes()
    assert (row["type"], str(row["delivery_id"])) == ("quarantined", said["id"])
