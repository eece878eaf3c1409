"""A standby that must confirm: nothing is acknowledged that it lacks, little hangs without it."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import orjson
import psycopg
import pytest
import requests
from click.testing import CliRunner
from flask.testing import FlaskClient

from receiver.cli.main import main
from receiver.config import Config
from receiver.errors import Unavailable
from receiver.storage import commits, db
from receiver.storage.commits import COMMITS
from tests.support.api import NAMES
from tests.support.replication import Pair, crash, replicated, stop
from tests.support.senders import BEARER, SECRET, envelope, post, sign, stage
from tests.support.standby_load import load
from tests.support.waiting import wait_until
from tests.torture.machine import Receiver

KEPT = "SELECT delivery_key FROM deliveries ORDER BY received_at"
CHANGES = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text"  # the next transaction that writes
Serve = Callable[[Config], FlaskClient]
Send = Callable[[FlaskClient, str], int]


def settings(pair: Pair, folder: Path) -> Config:
    secrets = {"milepost": (SECRET, BEARER)}
    return Config(data_dir=folder, database_url=pair.url(), public_read=True, secrets=secrets)


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    with replicated(max_connections="24", autovacuum="off") as pair:
        yield pair


@pytest.fixture
def standby(pair: Pair) -> Iterator[Pair]:
    """A pair whose standby is there at first, and must confirm."""
    pair.must_confirm()
    yield pair
    pair.alter(pair.primary, "synchronous_standby_names", "")
    wait_until(lambda: not COMMITS.reason)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for a slow commit for a moment instead of four seconds."""
    monkeypatch.setattr(db, "CONFIRM_SECONDS", 0.1)


@pytest.fixture(scope="module")
def head(pair: Pair) -> dict[str, str]:
    """The header of a token."""
    arguments = ["token", "create", "--name", "writer", "--scope", "admin"]
    done = CliRunner().invoke(main, arguments, env={"DATABASE_URL": pair.primary.url()})
    return {"Authorization": f"Bearer {done.stdout.strip()}"}


def send(client: FlaskClient, number: str) -> int:
    """Post the one delivery of this number."""
    document = envelope(stage("Base"), number=number)
    headers = sign(orjson.dumps(document), message_id=f"msg_{number}")
    return post(client, document, headers=headers).status_code


@pytest.mark.usefixtures("quick")
def test_a_retry_is_not_answered_200_before_the_standby_has_it(serve: Serve, tmp_path: Path):
    with replicated() as pair:
        pair.must_confirm()
        client = serve(settings(pair, tmp_path))
        assert send(client, "before") == 202
        # 1 The standby is away. 2 A delivery waits for it in vain.
        pair.standby.stop("immediate")
        assert send(client, "lost") == 503
        # 3 The primary crashes and recovers: what was committed on it alone is there.
        crash(pair.primary)
        pair.primary.start()
        assert pair.ask(KEPT) == ["msg_before", "msg_lost"]
        # 4 The sender tries again.
        wait_until(lambda: not COMMITS.reason)
        assert send(client, "lost") == 503
        # 5 The standby, which never had it, becomes the primary.
        crash(pair.primary)
        pair.standby.start()
        pair.standby.promote()
        # 6 What was acknowledged is there, and what was not is still new.
        assert pair.ask(KEPT, pair.standby) == ["msg_before"]
        wait_until(lambda: send(client, "lost") == 202)
        assert pair.ask(KEPT, pair.standby) == ["msg_before", "msg_lost"]


def create(client: FlaskClient, head: dict[str, str], key: str, number: str = "made") -> int:
    head = head | {"Idempotency-Key": key}
    return client.post("/api/v1/builds", json={"build_number": number}, headers=head).status_code


def confirm(client: FlaskClient, head: dict[str, str]) -> int:
    return client.post("/api/v1/confirmed_images", json=NAMES, headers=head).status_code


@pytest.mark.parametrize(
    ("repeat", "status"),
    [
        (lambda client, _: send(client, "twice"), 200),
        (lambda client, head: create(client, head, "same"), 200),
        (lambda client, head: create(client, head, "another"), 409),
        (confirm, 200),
    ],
    ids=["delivery", "key of the API", "taken", "confirmed"],
)
def test_an_answer_about_what_was_there_before_waits_as_a_change_does(
    standby: Pair,
    serve: Serve,
    head: dict[str, str],
    tmp_path: Path,
    repeat: Callable[..., int],
    status: int,
):
    client = serve(settings(standby, tmp_path))
    made = client.post("/api/v1/builds", json={"build_number": "image", **NAMES}, headers=head)
    assert made.status_code in (201, 409)
    assert send(client, "twice") in (200, 202)
    assert create(client, head, "same") in (200, 201, 409)
    assert confirm(client, head) in (200, 201)
    before = standby.ask(CHANGES)
    assert client.get("/api/v1/builds/made").status_code == 200
    assert standby.ask(CHANGES) == before
    assert repeat(client, head) == status
    assert standby.ask(CHANGES) != before


def test_where_no_standby_must_confirm_a_repeated_delivery_writes_nothing(
    pair: Pair, serve: Serve, tmp_path: Path
):
    client = serve(settings(pair, tmp_path))
    assert send(client, "once-more") == 202
    before = pair.ask(CHANGES)
    assert send(client, "once-more") == 200
    assert pair.ask(CHANGES) == before


def test_a_commit_whose_wait_an_administrator_ends_is_not_acknowledged(
    standby: Pair, serve: Serve, tmp_path: Path
):
    client = serve(settings(standby, tmp_path))
    standby.standby.stop("immediate")
    with ThreadPoolExecutor(1) as sender:
        answer = sender.submit(send, client, "cancelled")
        end = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
        wait_until(lambda: standby.ask(end))
        assert answer.result() == 503
    assert "msg_cancelled" in standby.ask(KEPT)
    standby.standby.start()
    assert send(client, "cancelled") == 200


def test_a_commit_on_a_primary_that_hangs_is_given_up_for_the_new_primary(
    serve: Serve, tmp_path: Path
):
    with replicated() as pair:
        pair.must_confirm()
        client = serve(settings(pair, tmp_path))
        assert send(client, "before") == 202
        pair.standby.stop("immediate")
        with ThreadPoolExecutor(1) as sender:
            answer = sender.submit(send, client, "hangs")
            wait_until(pair.hanging)
            stop(pair.primary)
            pair.standby.start()
            pair.standby.promote()
            assert answer.result() == 503
        wait_until(lambda: send(client, "after") == 202)
        assert pair.ask(KEPT, pair.standby) == ["msg_before", "msg_after"]
        crash(pair.primary)


def test_who_waits_for_the_turn_is_refused_as_soon_as_the_commit_is_slow(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
):
    waiting, refused, turns = threading.Event(), threading.Event(), commits.Commits()
    monkeypatch.setattr(commits, "SLOW_SECONDS", 60)

    def change() -> None:
        waiting.set()
        with suppress(Unavailable), turns.turn():
            return
        refused.set()

    def look() -> None:
        assert refused.wait(30)

    with psycopg.connect(pair.primary.url()) as connection, ThreadPoolExecutor(1) as pool:
        with suppress(commits.Unanswered), turns.turn():
            pool.submit(change)
            assert waiting.wait(30)
            monkeypatch.setattr(commits, "SLOW_SECONDS", 0)
            raise commits.Unanswered
        hanging = turns.watch(connection, look, lambda: None)
        assert refused.wait(30)
        assert hanging.ended.wait(30)


def test_a_standby_that_is_away_hangs_one_backend_a_worker(
    standby: Pair, head: dict[str, str], tmp_path: Path
):
    receiver = Receiver(tmp_path, standby.url(), MILEPOST_PUBLIC_READ="1")
    receiver.start()
    try:
        with load(receiver, head) as told:
            wait_until(lambda: told.acknowledged)
            standby.standby.stop("immediate")
            most = 0

            def is_told() -> bool:
                nonlocal most
                most = max(most, standby.hanging())
                return told.answers["503 The standby does not confirm."] > 50

            wait_until(is_told)
            waiting = receiver.json("/readyz")
            metrics = requests.get(f"{receiver.url}/metrics", timeout=30).text
            refused = told.answers.total()
            standby.standby.start()
            since = len(told.acknowledged)
            wait_until(lambda: len(told.acknowledged) > since + 50)
            wait_until(lambda: standby.hanging() == 0)
        assert 1 <= most <= len(receiver.workers())
        assert waiting["deliveries"] == "the standby does not confirm"
        (line,) = [
            each for each in metrics.splitlines() if each.startswith("milepost_commit_waiting_sec")
        ]
        assert float(line.split()[1]) > 2
        assert not told.refused_pages
        assert refused > 50
        assert not set(told.acknowledged) - set(standby.ask(KEPT))
        wait_until(lambda: receiver.json("/readyz")["deliveries"] == "ok")
    finally:
        receiver.stop()
