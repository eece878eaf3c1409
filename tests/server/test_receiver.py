"""A running receiver: gunicorn, embedded PostgreSQL, real sockets."""

import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from tests.support.receivers import MILEPOST, Running, started
from tests.support.senders import envelope, manifest, stage, verdict


@pytest.fixture(scope="module")
def receiver() -> Iterator[Running]:
    with started() as running:
        yield running


def test_eight_concurrent_senders_write_the_same_rows_as_one(receiver: Running):
    names = ["Base configuration", "Security baseline", "Frobnicate", "Storage", "Services"]
    events = [
        stage(name, status, minutes=place + (status != "started") * 0.5)
        for place, name in enumerate(names * 4)
        for status in ("started", "completed")
    ]
    documents = [envelope(event, number="one") for event in events]
    documents.append(envelope(verdict("failed", 90), number="one", manifest=manifest({})))
    crowd, shuffled = random.Random(7), [*documents, *documents]
    crowd.shuffle(shuffled)
    answers: list[int] = []

    def send(part: int) -> None:
        for document in shuffled[part::8]:
            answers.append(receiver.post(document).status_code)

    threads = [threading.Thread(target=send, args=[part]) for part in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(answers) == {202}
    in_order = [
        document | {"build": {"number": "two"}, "run": {"key": "run-1"}} for document in documents
    ]
    assert {receiver.post(document).status_code for document in in_order} == {202}
    one, two = receiver.build("one"), receiver.build("two")
    volatile = {"build_number": "", "last_heard_at": "", "deliveries": [], "failures": []}
    assert one | volatile == two | volatile
    failures = [[{**failure, "id": ""} for failure in each["failures"]] for each in (one, two)]
    assert failures[0] == failures[1]


def test_64_concurrent_identical_deliveries_are_one_row(receiver: Running):
    document = envelope(stage("Storage"), number="same")
    answers: list[int] = []
    threads = [
        threading.Thread(
            target=lambda: answers.append(
                receiver.post(document, message_id="msg_same").status_code
            )
        )
        for _ in range(64)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200] * 63 + [202]
    assert len(receiver.build("same")["states"]) == 1


def test_100_concurrent_first_events_make_one_build(receiver: Running):
    documents = [
        envelope(stage("Storage", minutes=place), number="first", run=f"run-{place}")
        for place in range(100)
    ]
    answers: list[int] = []
    threads = [
        threading.Thread(
            target=lambda document: answers.append(receiver.post(document).status_code),
            args=[document],
        )
        for document in documents
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [202] * 100
    build = receiver.build("first")
    assert (build["attempt"], len(build["states"])) == (100, 100)
    with psycopg.connect(receiver.database_url()) as connection:
        found = connection.execute("SELECT count(*) FROM builds WHERE build_number = 'first'")
        assert found.fetchone() == (1,)


def test_master_opens_no_control_socket(receiver: Running):
    master = psutil.Process(receiver.process.pid)
    assert [each.laddr for each in master.net_connections("unix") if each.laddr] == []


def test_the_master_has_no_children_but_workers(receiver: Running):
    def workers() -> list[psutil.Process]:
        return psutil.Process(receiver.process.pid).children(recursive=True)

    for _ in range(100):  # the first may answer before the second is there
        if len(workers()) == 2:
            break
        time.sleep(0.1)
    children = workers()
    assert len(children) == 2
    assert all("milepost" in " ".join(child.cmdline()) for child in children)


def test_killed_postmaster_is_restarted_and_nothing_is_lost(receiver: Running):
    assert receiver.post(envelope(stage("Storage"), number="durable")).status_code == 202
    url = receiver.database_url()
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT setting FROM pg_settings WHERE name = 'data_directory'"
        ).fetchone()
    assert row is not None
    postmaster = int(Path(row[0], "postmaster.pid").read_text().split()[0])
    psutil.Process(postmaster).send_signal(signal.SIGKILL)
    statuses = set()
    for _ in range(60):
        status = receiver.post(envelope(stage("Services"), number="durable")).status_code
        statuses.add(status)
        if status == 202:
            break
        threading.Event().wait(0.5)
    assert 202 in statuses
    assert statuses <= {202, 503}
    assert {row["stage"] for row in receiver.build("durable")["states"]} == {"Storage", "Services"}


def test_db_url_leaves_the_server_running(receiver: Running):
    with psycopg.connect(receiver.database_url()) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_migrate_check_reports_no_missing_migration(receiver: Running):
    done = receiver.run("migrate", "--check")
    assert (done.returncode, done.stdout) == (0, "The schema is up to date.\n")


def test_all_wrong_settings_are_named_at_once():
    done = subprocess.run(
        [MILEPOST, "serve"],
        env={
            "MILEPOST_PUBLIC_READ": "maybe",
            "MILEPOST_SECRET_MILEPOST": "short",
            "MILEPOST_STAGES": "/nonexistent.toml",
        },
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 78
    for name in ("MILEPOST_PUBLIC_READ", "MILEPOST_SECRET_MILEPOST, line 1", "MILEPOST_STAGES"):
        assert name in done.stderr
    assert "short" not in done.stderr


def test_counters_of_a_killed_receiver_are_removed_at_the_next_start():
    old, own = (Path(f"/dev/shm/milepost-metrics-{pid}-x") for pid in (2**22 + 1, os.getpid()))
    for folder in (old, own):
        folder.mkdir(exist_ok=True)
    try:
        with started():
            assert not old.exists()
            assert own.exists()
    finally:
        own.rmdir()
